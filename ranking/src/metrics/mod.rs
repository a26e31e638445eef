//! Ranking metrics per query, their averages and their intervals.
//!
//! A metric's figure means something only with its conventions, so those are one
//! value that is passed in and printed. It knows no model and no features:
//! scores, labels and where queries start are all it takes.

mod area_under_curve;
mod comparison;
mod conventions;
mod figure;
mod measures;
mod proportion;
pub mod slices;
pub mod statistics;

#[cfg(test)]
mod tests;

pub use area_under_curve::area_under_curve;
pub use comparison::{Comparison, ComparisonError, QueryValue, compare};
pub use conventions::{Conventions, EmptyQueries, Gain, Metric, Ties, UnknownMetric};
pub use figure::Figure;
pub use measures::measure;
pub use proportion::Proportion;

/// Scored and labelled rows, grouped by query.
#[derive(Debug, Clone, Copy)]
pub struct ScoredRows<'rows> {
    /// The label of each row; 0 is not relevant.
    pub labels: &'rows [u8],
    /// The score of each row; higher ranks first.
    pub scores: &'rows [f64],
    /// Query `i` has the rows `boundaries[i]..boundaries[i + 1]`.
    pub boundaries: &'rows [usize],
    /// The document of each row, needed only for [`Ties::IdentifierDescending`].
    pub identifiers: Option<&'rows [String]>,
}

/// A metric over all queries.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricResult {
    /// Which metric.
    pub metric: Metric,
    /// Its value for each query, in the order of the queries; `None` is left out.
    pub per_query: Vec<Option<f64>>,
}

impl MetricResult {
    /// The values that count, in the order of the queries.
    #[must_use]
    pub fn values(&self) -> Vec<f64> {
        self.per_query.iter().flatten().copied().collect()
    }

    /// The mean over the queries that count; `None` when none does.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        statistics::mean(&self.values())
    }

    /// How many queries count.
    #[must_use]
    pub fn query_count(&self) -> usize {
        self.per_query.iter().flatten().count()
    }
}

/// Why rows cannot be measured.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetricsError {
    /// There is not one of these for each row.
    #[error("there are {found} {what} for {rows} rows")]
    LengthMismatch {
        /// Scores or identifiers.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many labels there are.
        rows: usize,
    },
    /// The boundaries do not rise from 0 to the number of rows.
    #[error("the boundaries of queries do not rise from 0 to {rows}")]
    Boundaries {
        /// How many labels there are.
        rows: usize,
    },
    /// A score is not a number.
    #[error("row {row}: the score is not a number")]
    ScoreNotANumber {
        /// The position of the row, from 0.
        row: usize,
    },
    /// Ties are to be broken by identifiers that are not there.
    #[error("ties by document identifier need the identifiers of the rows")]
    IdentifiersMissing,
}

/// Measures rows by several metrics.
///
/// # Errors
/// When the parts do not fit each other, or a score is not a number.
pub fn evaluate(
    metrics: &[Metric],
    conventions: &Conventions,
    rows: &ScoredRows<'_>,
) -> Result<Vec<MetricResult>, MetricsError> {
    check(rows, conventions)?;
    let mut results: Vec<MetricResult> = metrics
        .iter()
        .map(|metric| MetricResult {
            metric: *metric,
            per_query: Vec::new(),
        })
        .collect();
    let mut ranked = Vec::new();
    for pair in rows.boundaries.windows(2) {
        let query = pair[0]..pair[1];
        let (labels, scores) = (&rows.labels[query.clone()], &rows.scores[query.clone()]);
        let identifiers = rows.identifiers.map(|all| &all[query]);
        ranked.clear();
        ranked.extend(
            ranking(scores, conventions.ties, identifiers)
                .into_iter()
                .map(|row| labels[row]),
        );
        for result in &mut results {
            result.per_query.push(match result.metric {
                Metric::AreaUnderCurve => {
                    area_under_curve(scores, labels, conventions.relevant_from)
                }
                metric => measure(metric, conventions, &ranked, labels),
            });
        }
    }
    Ok(results)
}

/// The order in which rows rank: their positions, best first. A score that is not
/// a number ranks where its bits put it: callers refuse it first.
pub(crate) fn ranking(scores: &[f64], ties: Ties, identifiers: Option<&[String]>) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|first, second| {
        let by_score = scores[*second]
            .partial_cmp(&scores[*first])
            .unwrap_or_else(|| scores[*second].total_cmp(&scores[*first]));
        match (ties, identifiers) {
            (Ties::IdentifierDescending, Some(identifiers)) => {
                by_score.then_with(|| identifiers[*second].cmp(&identifiers[*first]))
            }
            _ => by_score,
        }
    });
    order
}

fn check(rows: &ScoredRows<'_>, conventions: &Conventions) -> Result<(), MetricsError> {
    let count = rows.labels.len();
    if rows.scores.len() != count {
        return Err(MetricsError::LengthMismatch {
            what: "scores",
            found: rows.scores.len(),
            rows: count,
        });
    }
    let rising = rows.boundaries.windows(2).all(|pair| pair[0] <= pair[1]);
    if !rising || rows.boundaries.first() != Some(&0) || rows.boundaries.last() != Some(&count) {
        return Err(MetricsError::Boundaries { rows: count });
    }
    if let Some(row) = rows.scores.iter().position(|score| score.is_nan()) {
        return Err(MetricsError::ScoreNotANumber { row });
    }
    match rows.identifiers {
        Some(identifiers) if identifiers.len() != count => Err(MetricsError::LengthMismatch {
            what: "identifiers",
            found: identifiers.len(),
            rows: count,
        }),
        None if conventions.ties == Ties::IdentifierDescending => {
            Err(MetricsError::IdentifiersMissing)
        }
        _ => Ok(()),
    }
}
