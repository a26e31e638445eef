//! The leak guard: a feature that alone ranks nearly as the labels do was
//! probably made from them.

use crate::metrics::{Conventions, Metric, MetricsError, ScoredRows, evaluate};
use crate::svmlight::RankingRows;

/// NDCG@10 of one feature alone from which it is reported.
pub const LEAK_NDCG: f64 = 0.98;

/// With fewer queries that count, a perfect ranking says nothing.
const QUERIES_MINIMUM: usize = 20;

/// How many queries are looked at, spread evenly over all of them.
const QUERIES_LIMIT: usize = 1_000;

/// A feature that ranks nearly as the labels do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FeatureLeak {
    /// Its column.
    pub column: usize,
    /// NDCG@10 of ranking by it alone, in the better direction.
    pub ndcg: f64,
}

/// The features that alone reach [`LEAK_NDCG`], in the order of columns.
///
/// Missing values rank last. Ties rank the worse documents first, so that a
/// constant feature on rows sorted by label is no leak. Looks at no more than
/// 1,000 queries; with fewer than 20 that count, nothing is reported.
///
/// # Errors
/// None that rows can cause; those of [`evaluate`] are passed on.
pub fn find_leaks(rows: &RankingRows) -> Result<Vec<FeatureLeak>, MetricsError> {
    let step = rows.query_count().div_ceil(QUERIES_LIMIT);
    let (mut order, mut boundaries) = (Vec::new(), vec![0]);
    for query in (0..rows.query_count()).step_by(step) {
        let start = order.len();
        order.extend(rows.query_rows(query));
        order[start..].sort_by_key(|row| rows.labels()[*row]);
        boundaries.push(order.len());
    }
    let labels: Vec<u8> = order.iter().map(|row| rows.labels()[*row]).collect();
    let width = rows.feature_count();
    let mut columns = vec![Vec::with_capacity(order.len()); width];
    let mut values = vec![0.0; width];
    for row in &order {
        rows.copy_row(*row, &mut values);
        for (column, value) in columns.iter_mut().zip(&values) {
            column.push(*value);
        }
    }
    let metric = [Metric::Ndcg(std::num::NonZeroUsize::new(10))];
    let mut leaks = Vec::new();
    for (column, values) in columns.into_iter().enumerate() {
        let mut best = 0.0_f64;
        for direction in [1.0, -1.0] {
            let scores: Vec<f64> = values
                .iter()
                .map(|value| {
                    if value.is_nan() {
                        f64::NEG_INFINITY
                    } else {
                        value * direction
                    }
                })
                .collect();
            let scored = ScoredRows {
                labels: &labels,
                scores: &scores,
                boundaries: &boundaries,
                identifiers: None,
            };
            let result = &evaluate(&metric, &Conventions::default(), &scored)?[0];
            if result.query_count() >= QUERIES_MINIMUM {
                best = best.max(result.mean().unwrap_or_default());
            }
        }
        if best >= LEAK_NDCG {
            leaks.push(FeatureLeak { column, ndcg: best });
        }
    }
    Ok(leaks)
}
