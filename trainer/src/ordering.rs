//! Whether a model orders anything. One that gives all rows of every query the same score leaves
//! every list as it was: it must not be published as a model.

use searchop_ranking::model::RankingModel;
use searchop_ranking::svmlight::RankingRows;

use crate::failure::Failure;
use crate::scoring::score_rows;

/// Queries scored before the next look: a model of any use orders the first ones already.
const QUERIES_AT_ONCE: usize = 64;

/// Refuses a model that orders no query of `rows`, the rows it was trained on.
///
/// # Errors
/// All rows of every query have the same score.
pub fn require_order(model: &RankingModel, rows: &RankingRows) -> Result<(), Failure> {
    for first in (0..rows.query_count()).step_by(QUERIES_AT_ONCE) {
        let end = rows.query_count().min(first + QUERIES_AT_ONCE);
        let queries: Vec<usize> = (first..end).collect();
        let part = rows.select_queries(&queries).map_err(Failure::internal)?;
        let scores = score_rows(model, &part, |_, _| ())?;
        let is_ordered = |query: usize| {
            let scores = &scores[part.query_rows(query)];
            scores.iter().any(|score| *score != scores[0])
        };
        if (0..part.query_count()).any(is_ordered) {
            return Ok(());
        }
    }
    Err(Failure::data(format!(
        "the trained model is constant: it gives all rows of each of the {} training queries ({} rows) \
         the same score, so it orders nothing and is not published. No feature separates rows of \
         different labels: give more rows, features that differ within a query, or a smaller \
         min_data_in_leaf (20 unless set) or min_sum_hessian_in_leaf",
        rows.query_count(),
        rows.row_count(),
    )))
}
