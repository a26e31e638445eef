//! Scores of rows by the scorer that serves. LightGBM's own scores are used for nothing but the
//! parity sample.

use searchop_ranking::model::RankingModel;
use searchop_ranking::svmlight::RankingRows;

use crate::failure::Failure;

/// Progress is told every so many rows.
const TOLD_ROWS: usize = 4_096;

/// The score of each row. Rows narrower than the model have 0 in the features they lack, as
/// SVMlight says of what is absent.
///
/// # Errors
/// The rows have more features than the model.
pub fn score_rows(
    model: &RankingModel,
    rows: &RankingRows,
    told: impl Fn(u64, u64),
) -> Result<Vec<f64>, Failure> {
    let (width, found) = (model.feature_count(), rows.feature_count());
    if found > width {
        return Err(Failure::data(format!(
            "the rows have {found} features, but the model has {width}"
        )));
    }
    let mut values = vec![0.0; width];
    let mut scores = Vec::with_capacity(rows.row_count());
    for row in 0..rows.row_count() {
        if row % TOLD_ROWS == 0 {
            told(row as u64, rows.row_count() as u64);
        }
        rows.copy_row(row, &mut values[..found]);
        scores.push(model.score(&values));
    }
    Ok(scores)
}
