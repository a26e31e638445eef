//! Ranks the candidates of one request with one bundle: features, scores, order.
//!
//! Pure and blocking; choosing the bundle and running this off the async threads is `answer`.

use searchop_ranking::events::Action;
use searchop_ranking::features::RecentEvent;
use thiserror::Error;

use crate::api::error::{ApiError, ErrorCode};
use crate::api::messages::{
    Candidate, Context, FeedbackKind, InlineFeatures, RankRequest, RankedCandidate,
    RecentEventMessage,
};
use crate::bundle::{LoadedBundle, ScoringError, ServedCatalogue};

/// Why a bundle did not rank a list.
#[derive(Debug, Error)]
pub enum RankError {
    /// The request does not fit the bundle: the client's to change.
    #[error("the request does not fit the model: {}", .0.message)]
    Request(ApiError),
    /// The bundle failed: another one may do.
    #[error(transparent)]
    Scoring(#[from] ScoringError),
}

impl From<ApiError> for RankError {
    fn from(error: ApiError) -> Self {
        Self::Request(error)
    }
}

/// A ranked list.
#[derive(Clone, Debug, PartialEq)]
pub struct RankedList {
    /// All candidates, best first, those without a score last.
    pub results: Vec<RankedCandidate>,
    /// How many have a score.
    pub scored: usize,
}

/// Ranks all candidates.
///
/// # Errors
/// When the request does not fit the bundle, or scoring fails.
pub fn rank(bundle: &LoadedBundle, request: &RankRequest) -> Result<RankedList, RankError> {
    let rows = rows(bundle, request)?;
    let width = bundle.feature_count();
    let known: Vec<f64> = rows
        .iter()
        .flatten()
        .flat_map(|row| row.iter().copied())
        .collect();
    debug_assert_eq!(
        known.len() % width,
        0,
        "every row has one value for each feature"
    );
    let mut scores = bundle.score(&known)?.into_iter();
    let scores: Vec<Option<f64>> = rows
        .iter()
        .map(|row| row.as_ref().and_then(|_| scores.next()))
        .collect();
    Ok(in_order(&request.candidates, &scores))
}

/// Candidates by score, the highest first. Equal scores keep their order; those without come last.
fn in_order(candidates: &[Candidate], scores: &[Option<f64>]) -> RankedList {
    let order = order_by_score(scores);
    let results = (1..)
        .zip(order)
        .map(|(position, place)| RankedCandidate {
            id: candidates[place].id.clone(),
            score: scores[place],
            position,
            known: scores[place].is_some(),
        })
        .collect();
    RankedList {
        results,
        scored: scores.iter().flatten().count(),
    }
}

/// Places by score, the highest first, equal scores in their order, places without a score last.
pub(crate) fn order_by_score(scores: &[Option<f64>]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|left, right| match (scores[*left], scores[*right]) {
        // Adding 0 makes -0 and 0 equal, as they are.
        (Some(left), Some(right)) => (right + 0.0).total_cmp(&(left + 0.0)),
        (left, right) => right.is_some().cmp(&left.is_some()),
    });
    order
}

/// One row of features for each candidate; `None` for those that the model knows nothing about.
///
/// # Errors
/// When the request does not fit the bundle.
pub fn rows(
    bundle: &LoadedBundle,
    request: &RankRequest,
) -> Result<Vec<Option<Vec<f64>>>, ApiError> {
    let mut rows = computed_rows(bundle, request)?;
    for (place, (candidate, row)) in request.candidates.iter().zip(&mut rows).enumerate() {
        if let Some(features) = &candidate.features {
            let row = row.get_or_insert_with(|| bundle.default_row().to_vec());
            overwrite(bundle, place, features, row)?;
        } else if !bundle.computes_features() {
            let message = "the served model ranks by inline features, so each candidate needs them";
            let field = format!("candidates[{place}].features");
            return Err(ApiError::field(ErrorCode::FeaturesRequired, field, message));
        }
    }
    Ok(rows)
}

/// Rows from the catalogue, where the bundle has one; else nothing for any candidate.
fn computed_rows(
    bundle: &LoadedBundle,
    request: &RankRequest,
) -> Result<Vec<Option<Vec<f64>>>, ApiError> {
    let mut rows = vec![None; request.candidates.len()];
    let complete =
        |candidate: &Candidate| matches!(candidate.features, Some(InlineFeatures::Row(_)));
    if !bundle.computes_features() || request.candidates.iter().all(complete) {
        return Ok(rows);
    }
    let Some(query) = &request.query else {
        let message = "the served model computes features from the query";
        return Err(ApiError::field(ErrorCode::QueryRequired, "query", message));
    };
    let Some(catalogue) = bundle.catalogue() else {
        return Ok(rows);
    };
    let (places, items): (Vec<usize>, Vec<_>) = request
        .candidates
        .iter()
        .enumerate()
        .filter_map(|(place, candidate)| Some((place, catalogue.find(&candidate.id)?)))
        .unzip();
    let recent = recent_events(catalogue, &request.context);
    for (place, row) in places
        .into_iter()
        .zip(catalogue.rows(query, recent, &items))
    {
        rows[place] = Some(row);
    }
    Ok(rows)
}

/// What who searches did lately, as far as the catalogue has the items.
fn recent_events(catalogue: &ServedCatalogue, context: &Context) -> Vec<RecentEvent> {
    let known = |event: &RecentEventMessage| {
        Some(RecentEvent {
            item: catalogue.find(&event.id)?,
            action: match event.kind {
                FeedbackKind::Click => Action::Click,
                FeedbackKind::Cart => Action::AddToCart,
                FeedbackKind::Purchase => Action::Purchase,
            },
            seconds_ago: event.seconds_ago,
        })
    };
    context.recent_events.iter().filter_map(known).collect()
}

fn overwrite(
    bundle: &LoadedBundle,
    place: usize,
    features: &InlineFeatures,
    row: &mut [f64],
) -> Result<(), ApiError> {
    match features {
        InlineFeatures::Row(values) => {
            if values.len() != row.len() {
                let message = format!(
                    "has {} values, the model has {} features",
                    values.len(),
                    row.len()
                );
                let field = format!("candidates[{place}].features");
                return Err(ApiError::field(
                    ErrorCode::WrongFeatureCount,
                    field,
                    message,
                ));
            }
            for (index, (cell, value)) in row.iter_mut().zip(values).enumerate() {
                *cell = match value {
                    Some(value) => {
                        finite(*value, || format!("candidates[{place}].features[{index}]"))?
                    }
                    None => bundle.default_row()[index],
                };
            }
        }
        InlineFeatures::Named(values) => {
            let mut given = vec![false; row.len()];
            for (name, value) in values {
                let field = || format!("candidates[{place}].features.{}", excerpt(name));
                let Some(index) = bundle.feature_index(name) else {
                    let message = "the served model does not have this feature";
                    return Err(ApiError::field(ErrorCode::UnknownFeature, field(), message));
                };
                if std::mem::replace(&mut given[index], true) {
                    return Err(ApiError::field(
                        ErrorCode::DuplicateFeature,
                        field(),
                        "is given twice",
                    ));
                }
                row[index] = finite(*value, field)?;
            }
        }
    }
    Ok(())
}

/// JSON has no such numbers; this holds for callers that do not come by JSON.
fn finite(value: f64, field: impl FnOnce() -> String) -> Result<f64, ApiError> {
    if value.is_finite() {
        Ok(value)
    } else {
        Err(ApiError::field(
            ErrorCode::InvalidField,
            field(),
            format!("{value} is not a finite number"),
        ))
    }
}

/// Names of clients go into messages shortened: an error answer is not longer than its request.
fn excerpt(name: &str) -> String {
    name.chars().take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_score_comes_first_and_ties_keep_their_order() {
        assert_eq!(
            order_by_score(&[Some(1.0), Some(2.0), Some(1.0), Some(3.0)]),
            [3, 1, 0, 2]
        );
        assert_eq!(
            order_by_score(&[Some(-0.0), Some(0.0), Some(-0.0)]),
            [0, 1, 2]
        );
    }

    #[test]
    fn those_without_a_score_come_last_in_their_order() {
        assert_eq!(
            order_by_score(&[None, Some(-5.0), None, Some(4.0)]),
            [3, 1, 0, 2]
        );
        assert_eq!(order_by_score(&[None, None]), [0, 1]);
        assert_eq!(order_by_score(&[]), [] as [usize; 0]);
    }
}
