//! Scores of rows by the scorer that serves. LightGBM's own scores are used for nothing but the
//! parity sample.

use searchop_ranking::model::RankingModel;
use searchop_ranking::svmlight::RankingRows;

use crate::failure::Failure;

/// Rows are scored so many together, and progress is told as often.
const ROWS: usize = 1_024;

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
    let count = rows.row_count();
    let mut scores = vec![0.0; count];
    let mut scratch = model.scratch();
    let mut values = vec![0.0; width * ROWS.min(count)];
    for (index, scores) in scores.chunks_mut(ROWS).enumerate() {
        let first = index * ROWS;
        told(first as u64, count as u64);
        let values = &mut values[..width * scores.len()];
        for (row, values) in (first..).zip(values.chunks_exact_mut(width)) {
            rows.copy_row(row, &mut values[..found]);
        }
        model.score_rows(values, &mut scratch, scores);
    }
    Ok(scores)
}
