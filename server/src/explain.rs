//! Explains how a bundle came to its scores: what each feature of the first candidates adds.
//!
//! Exact contributions take milliseconds a candidate, where a score takes microseconds. So they have
//! a thread and a queue of their own, for which ranking does not wait.

use std::sync::Arc;

use tracing::warn;

use crate::answer::overloaded;
use crate::api::body::RankBody;
use crate::api::error::{ApiError, ErrorCode};
use crate::api::explain::{ExplainResponse, ExplainedCandidate, FeatureContribution};
use crate::api::messages::ModelReference;
use crate::api::state::SharedState;
use crate::bundle::{Buffers, LoadedBundle};
use crate::rank::{self, RankError};
use crate::scoring_pool::PoolError;
use crate::stand_in::{Outcome, try_each};

/// Explained candidates of a request that does not say how many.
const DEFAULT_LIMIT: usize = 10;
/// The most candidates that one request has explained.
const MAXIMUM_LIMIT: usize = 100;

/// Ranks the candidates of a request, and explains the first of them by the `top` features that add
/// or take most.
///
/// # Errors
/// When the request does not fit the model or asks for too many explanations, when no model is
/// loaded or all fail, and when too much is being explained.
pub async fn explain(
    state: &SharedState,
    body: RankBody<'static>,
    top: usize,
) -> Result<ExplainResponse, ApiError> {
    let limit = match body.limit {
        None => DEFAULT_LIMIT,
        Some(limit) => usize::try_from(limit)
            .ok()
            .filter(|limit| *limit <= MAXIMUM_LIMIT)
            .ok_or_else(|| {
                let message = format!("is {limit}, at most {MAXIMUM_LIMIT} are explained");
                ApiError::field(ErrorCode::InvalidField, "limit", message)
            })?,
    };
    let key = body
        .context
        .session_key
        .clone()
        .unwrap_or_else(|| state.new_impression().to_string());
    let bundles = state.tracks.snapshot().candidates(&key);
    if bundles.is_empty() {
        return Err(ApiError::new(ErrorCode::NotReady, "no model is loaded"));
    }
    let pool = &state.explanations;
    let place = pool.enter().map_err(|_| overloaded(state))?;
    let body = Arc::new(body);
    let attempt = move |bundle: &Arc<LoadedBundle>| explained(bundle, &body, limit, top);
    // No list failed to be ranked, so the failures of ranking do not count it.
    let failed = |bundle: &Arc<LoadedBundle>, error: &str| {
        warn!(model = %bundle.digest(), error, "a model failed to explain a list");
    };
    match try_each(pool, place, bundles, attempt, failed).await {
        Ok(Outcome::Done(_, explanation)) => Ok(explanation),
        Ok(Outcome::Refused(error)) => Err(error),
        Ok(Outcome::Failed) | Err(PoolError::Panicked) => {
            let message = "the model failed to score the list; the log has more";
            Err(ApiError::new(ErrorCode::Internal, message))
        }
        Err(PoolError::Overloaded) => Err(overloaded(state)),
        Err(PoolError::OverBudget) => {
            let message = "explaining took too long; try again, or ask for fewer by limit";
            Err(ApiError::new(ErrorCode::Overloaded, message))
        }
    }
}

fn explained(
    bundle: &LoadedBundle,
    body: &RankBody<'_>,
    limit: usize,
    top: usize,
) -> Result<ExplainResponse, RankError> {
    let (matrix, has_row, list) = bundle.with_buffers(|buffers| {
        let Buffers {
            rows,
            scores,
            scratch,
        } = buffers;
        let matrix = rank::rows(bundle, body, rows)?.to_vec();
        bundle.score(&matrix, scratch, scores)?;
        let list = rank::ranked_list(&rows.has_row, scores);
        Ok::<_, RankError>((matrix, rows.has_row.clone(), list))
    })?;
    let mut rows = matrix.chunks_exact(bundle.feature_count());
    let rows: Vec<Option<&[f64]>> = has_row
        .into_iter()
        .map(|has_row| if has_row { rows.next() } else { None })
        .collect();
    let candidate = |(position, place): (u32, usize)| {
        let (contributions, others) = rows[place]
            .map(|row| largest(bundle, row, &bundle.contributions(row), top))
            .unwrap_or_default();
        ExplainedCandidate {
            id: body.candidates[place].id.to_string(),
            score: list.scores[place],
            position,
            known: list.scores[place].is_some(),
            contributions,
            others,
        }
    };
    Ok(ExplainResponse {
        model: ModelReference {
            sha256: bundle.digest().clone(),
        },
        base_value: bundle.base_value(),
        results: (1..)
            .zip(list.order.iter().copied())
            .take(limit)
            .map(candidate)
            .collect(),
    })
}

/// The `top` contributions that are not 0, by magnitude, the largest first and equal ones in the
/// order of the features; and the sum of all others.
fn largest(
    bundle: &LoadedBundle,
    row: &[f64],
    contributions: &[f64],
    top: usize,
) -> (Vec<FeatureContribution>, f64) {
    let mut places: Vec<usize> = (0..row.len())
        .filter(|place| contributions[*place] != 0.0)
        .collect();
    places.sort_by(|left, right| {
        let magnitude = |place: &usize| contributions[*place].abs();
        magnitude(right).total_cmp(&magnitude(left))
    });
    let others = places.split_off(top.min(places.len()));
    let contribution = |place: usize| FeatureContribution {
        feature: bundle.feature_names()[place].clone(),
        value: Some(row[place]).filter(|value| !value.is_nan()),
        contribution: contributions[place],
    };
    (
        places.into_iter().map(contribution).collect(),
        // Not `sum`, which is -0 of nothing.
        others
            .into_iter()
            .fold(0.0, |sum, place| sum + contributions[place]),
    )
}
