//! Answers rank and search requests: picks the bundles that may rank, and falls back to the order
//! at hand when all of them fail.
//!
//! How a bundle ranks is `rank` and `search`, how one stands in for another `stand_in`; what the
//! answers look like is `api::messages`.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use crate::impression::ImpressionId;
use tracing::warn;

use crate::api::error::{ApiError, ErrorCode};
use crate::api::messages::{
    FoundItem, ModelReference, RankRequest, RankResponse, RankedCandidate, Ranker, SearchResponse,
};
use crate::api::state::{ServerState, SharedState};
use crate::bundle::LoadedBundle;
use crate::metrics::DegradedCause;
use crate::rank::{self, RankError, RankedList};
use crate::scoring_pool::PoolError;
use crate::search::{self, SearchRequest};
use crate::stand_in::{Outcome, try_each};

/// Ranks the candidates of a request.
///
/// # Errors
/// When the request does not fit the model, or too much is in flight. Never for a model's fault:
/// then the candidates come back in the order they were sent.
pub async fn rank(
    state: &SharedState,
    impression_id: ImpressionId,
    request: RankRequest,
) -> Result<RankResponse, ApiError> {
    let key = request
        .context
        .session_key
        .clone()
        .unwrap_or_else(|| impression_id.to_string());
    let bundles = state.tracks.snapshot().candidates(&key);
    let limit = request.limit.map_or(usize::MAX, |limit| {
        usize::try_from(limit).unwrap_or(usize::MAX)
    });
    let request = Arc::new(request);

    let outcome = if bundles.is_empty() {
        Err(DegradedCause::NoModel)
    } else {
        let (worker_state, worker_request) = (Arc::clone(state), Arc::clone(&request));
        let attempt =
            move |bundle: &Arc<LoadedBundle>| ranked(&worker_state, bundle, &worker_request);
        match try_each(&state.pool, bundles, attempt, note_failure(state)).await {
            Ok(Outcome::Done(bundle, list)) if list.scored > 0 || request.candidates.is_empty() => {
                Ok((bundle.digest().clone(), list))
            }
            Ok(Outcome::Done(..)) => Err(DegradedCause::NothingKnown),
            Ok(Outcome::Refused(error)) => return Err(error),
            Ok(Outcome::Failed) | Err(PoolError::Panicked) => Err(DegradedCause::ScoringFailed),
            Err(PoolError::OverBudget) => Err(DegradedCause::OverBudget),
            Err(PoolError::Overloaded) => return Err(overloaded(state)),
        }
    };

    let (model, mut results, degraded) = match outcome {
        Ok((digest, list)) => (Some(ModelReference { sha256: digest }), list.results, false),
        Err(cause) => {
            state.metrics.degraded(cause);
            (None, in_order_sent(&request, cause), true)
        }
    };
    results.truncate(limit);
    Ok(RankResponse {
        impression_id,
        model,
        results,
        degraded,
    })
}

fn ranked(
    state: &ServerState,
    bundle: &LoadedBundle,
    request: &RankRequest,
) -> Result<RankedList, RankError> {
    let started = Instant::now();
    let list = rank::rank(bundle, request)?;
    state.metrics.ranked(
        bundle.digest(),
        list.scored,
        list.results.len() - list.scored,
        started.elapsed(),
    );
    Ok(list)
}

fn in_order_sent(request: &RankRequest, cause: DegradedCause) -> Vec<RankedCandidate> {
    let known = cause != DegradedCause::NothingKnown;
    (1..)
        .zip(&request.candidates)
        .map(|(position, candidate)| RankedCandidate {
            id: candidate.id.clone(),
            score: None,
            position,
            known,
        })
        .collect()
}

/// Retrieves and ranks items for a query.
///
/// # Errors
/// When no model with a catalogue is served, or too much is in flight. Never for a model's fault:
/// then the items come back in retrieval order.
pub async fn search(
    state: &SharedState,
    impression_id: ImpressionId,
    request: SearchRequest,
) -> Result<SearchResponse, ApiError> {
    let key = request
        .session_key
        .clone()
        .unwrap_or_else(|| impression_id.to_string());
    let bundles = state.tracks.snapshot().candidates(&key);
    if bundles.is_empty() {
        return Err(ApiError::new(ErrorCode::NotReady, "no model is loaded"));
    }
    let request = Arc::new(request);
    // What was retrieved is kept beside the ranking, for answers that scoring is too late for.
    let retrieved = Arc::new(OnceLock::new());

    let attempt = {
        let (state, request, retrieved) = (
            Arc::clone(state),
            Arc::clone(&request),
            Arc::clone(&retrieved),
        );
        move |bundle: &Arc<LoadedBundle>| searched(&state, bundle, &request, &retrieved)
    };
    let outcome = match try_each(&state.pool, bundles, attempt, note_failure(state)).await {
        Ok(Outcome::Done(bundle, items)) => Ok((bundle.digest().clone(), items)),
        Ok(Outcome::Refused(error)) => return Err(error),
        Ok(Outcome::Failed) | Err(PoolError::Panicked) => Err(DegradedCause::ScoringFailed),
        Err(PoolError::OverBudget) => Err(DegradedCause::OverBudget),
        Err(PoolError::Overloaded) => return Err(overloaded(state)),
    };

    let (model, mut results, degraded) = match outcome {
        Ok((_, items)) if request.ranker == Ranker::Retrieval => (None, items, false),
        Ok((digest, items)) => (Some(ModelReference { sha256: digest }), items, false),
        Err(cause) => {
            let items: Vec<FoundItem> =
                retrieved.get().cloned().ok_or_else(|| overloaded(state))?;
            state.metrics.degraded(cause);
            (None, items, true)
        }
    };
    let retrieved = u32::try_from(results.len()).unwrap_or(u32::MAX);
    results.truncate(request.limit);
    let SearchRequest { query, ranker, .. } = Arc::unwrap_or_clone(request);
    Ok(SearchResponse {
        impression_id,
        model,
        query,
        ranker,
        retrieved,
        results,
        degraded,
    })
}

fn searched(
    state: &ServerState,
    bundle: &LoadedBundle,
    request: &SearchRequest,
    retrieved: &OnceLock<Vec<FoundItem>>,
) -> Result<Vec<FoundItem>, RankError> {
    let found = search::retrieve(bundle, &request.query, state.limits.retrieval_depth)?;
    let items = search::in_retrieval_order(&found);
    // Only the first bundle's items are kept; the next one's are as good.
    let _ = retrieved.set(items.clone());
    if request.ranker == Ranker::Retrieval || found.is_empty() {
        return Ok(items);
    }
    let started = Instant::now();
    let items = search::ranked(bundle, &request.query, &found)?;
    state
        .metrics
        .ranked(bundle.digest(), items.len(), 0, started.elapsed());
    Ok(items)
}

fn overloaded(state: &ServerState) -> ApiError {
    state.metrics.overloaded();
    ApiError::overloaded()
}

/// Counts and logs that a bundle failed on a request.
fn note_failure(state: &SharedState) -> impl Fn(&Arc<LoadedBundle>, &str) + Clone + Send + 'static {
    let state = Arc::clone(state);
    move |bundle, error| {
        state.metrics.scoring_failed(bundle.digest());
        warn!(model = %bundle.digest(), error, "a model failed to rank a list");
    }
}
