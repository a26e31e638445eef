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

/// About how many rows are looked at: fewer queries where they are long.
const ROWS_LIMIT: usize = 100_000;

/// How many values are held at a time, 32 MiB: the columns are looked at in blocks.
const VALUES_LIMIT: usize = 1 << 22;

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
/// 1,000 queries, nor at more than about 100,000 rows; with fewer than 20 queries
/// that count, nothing is reported. Copies no more than 32 MiB of the matrix, or
/// one column of the rows looked at, at a time.
///
/// # Errors
/// None that rows can cause; those of [`evaluate`] are passed on.
pub fn find_leaks(
    rows: &RankingRows,
    conventions: &Conventions,
) -> Result<Vec<FeatureLeak>, MetricsError> {
    find_leaks_by_blocks(rows, conventions, VALUES_LIMIT)
}

/// Rows that are looked at, those of a query together and sorted by label.
struct Sample {
    order: Vec<usize>,
    labels: Vec<u8>,
    boundaries: Vec<usize>,
}

impl Sample {
    /// Of queries that can be ranked wrongly: of the others every feature would rank all.
    fn of(rows: &RankingRows, conventions: &Conventions) -> Self {
        let gain = |row: usize| conventions.gain.of(rows.labels()[row]);
        let rankable: Vec<usize> = (0..rows.query_count())
            .filter(|query| {
                let mut gains = rows.query_rows(*query).map(gain);
                let first = gains.next();
                gains.any(|other| Some(other) != first)
            })
            .collect();
        let rows_of_query = rows.row_count().div_ceil(rows.query_count());
        let queries = (ROWS_LIMIT / rows_of_query).clamp(2 * QUERIES_MINIMUM, QUERIES_LIMIT);
        let step = rankable.len().div_ceil(queries).max(1);
        let (mut order, mut boundaries) = (Vec::new(), vec![0]);
        for query in rankable.into_iter().step_by(step) {
            let start = order.len();
            order.extend(rows.query_rows(query));
            order[start..].sort_by_key(|row| rows.labels()[*row]);
            boundaries.push(order.len());
        }
        Self {
            labels: order.iter().map(|row| rows.labels()[*row]).collect(),
            order,
            boundaries,
        }
    }
}

pub(super) fn find_leaks_by_blocks(
    rows: &RankingRows,
    conventions: &Conventions,
    values_limit: usize,
) -> Result<Vec<FeatureLeak>, MetricsError> {
    let sample = Sample::of(rows, conventions);
    let height = sample.order.len();
    if height == 0 {
        return Ok(Vec::new());
    }
    let width = (values_limit / height).clamp(1, rows.feature_count());
    let mut block = vec![0.0; width * height];
    let mut values = vec![0.0; width];
    let mut leaks = Vec::new();
    for first in (0..rows.feature_count()).step_by(width) {
        let columns = first..rows.feature_count().min(first + width);
        let values = &mut values[..columns.len()];
        for (place, row) in sample.order.iter().enumerate() {
            rows.copy_columns(*row, columns.clone(), values);
            for (column, value) in values.iter().enumerate() {
                block[column * height + place] = *value;
            }
        }
        for (column, values) in columns.zip(block.chunks_exact(height)) {
            let ndcg = best_ndcg(values, conventions, &sample)?;
            if ndcg >= LEAK_NDCG {
                leaks.push(FeatureLeak { column, ndcg });
            }
        }
    }
    Ok(leaks)
}

/// NDCG@10 of ranking by these values, in the better direction; 0 when too few queries count.
fn best_ndcg(
    values: &[f64],
    conventions: &Conventions,
    sample: &Sample,
) -> Result<f64, MetricsError> {
    // As most columns of sparse data: no order, and so no leak.
    if values.iter().all(|value| *value == values[0]) {
        return Ok(0.0);
    }
    let metric = [Metric::Ndcg(std::num::NonZeroUsize::new(10))];
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
            labels: &sample.labels,
            scores: &scores,
            boundaries: &sample.boundaries,
            identifiers: None,
        };
        let result = &evaluate(&metric, conventions, &scored)?[0];
        if result.query_count() >= QUERIES_MINIMUM {
            best = best.max(result.mean().unwrap_or_default());
        }
    }
    Ok(best)
}
