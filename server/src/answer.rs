//! Answers rank and search requests: picks the bundles that may rank, and falls back to the order
//! at hand when all of them fail.
//!
//! How a bundle ranks is `rank` and `search`, how one stands in for another `stand_in`; what the
//! answers look like is `api::messages`.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use crate::impression::ImpressionId;
use tracing::warn;

use crate::api::body::RankBody;
use crate::api::error::{ApiError, ErrorCode};
use crate::api::messages::{FoundItem, ModelReference, Ranker, SearchResponse};
use crate::api::state::{ServerState, SharedState};
use crate::api::written::{self, WrittenResult};
use crate::bundle::{Buffers, LoadedBundle};
use crate::digest::Digest;
use crate::metrics::{DegradedCause, RankDurations};
use crate::rank::{self, RankError, RankedList};
use crate::scoring_pool::{Place, PoolError};
use crate::search::{self, SearchRequest};
use crate::stand_in::{Outcome, try_each, try_each_here};

/// Up to so many trees of so many rows a list is ranked on the thread that read its request. Two to
/// three nanoseconds each make that a good half of a millisecond: other requests wait no longer for
/// it than for a longer body, and handing work to another thread and back takes some ten
/// microseconds.
const MOST_WORK_HERE: usize = 250_000;
/// What computing a row takes, in trees.
const WORK_OF_ROW: usize = 200;
/// What a byte of the query adds to that: each row is looked through for each of its terms.
const WORK_OF_QUERY_BYTE: usize = 2;
/// What analysing a byte of the query takes, in trees: terms that nobody knows are looked for by
/// their spelling.
const WORK_OF_ANALYSED_BYTE: usize = 2_000;

/// An answer to a rank request.
#[derive(Debug)]
pub struct RankAnswer {
    /// What ranked the list, if a model did.
    pub model: Option<Digest>,
    /// The JSON of a [`RankResponse`](crate::api::messages::RankResponse).
    pub text: Vec<u8>,
}

/// Lets a request in.
///
/// # Errors
/// When too much is in flight.
pub fn enter(state: &ServerState) -> Result<Place, ApiError> {
    state.pool.enter().map_err(|_| overloaded(state))
}

/// Ranks the candidates of a request: here when that is soon done, else in the scoring pool.
///
/// # Errors
/// When the request does not fit the model, or too much is in flight. Never for a model's fault:
/// then the candidates come back in the order they were sent.
pub async fn rank(
    state: &SharedState,
    place: Place,
    impression_id: ImpressionId,
    body: RankBody<'_>,
) -> Result<RankAnswer, ApiError> {
    let mut own_key = [0; ImpressionId::LENGTH];
    let key = match &body.context.session_key {
        Some(key) => key.as_str(),
        None => impression_id.encoded(&mut own_key),
    };
    let bundles = state.tracks.snapshot().candidates(key);
    // A bundle that fails has another one stand in, on the same thread.
    let Some(most) = bundles.iter().map(|bundle| work(bundle, &body)).max() else {
        return Ok(rank_answer(
            state,
            impression_id,
            &body,
            Err(DegradedCause::NoModel),
        ));
    };
    if most <= MOST_WORK_HERE {
        let attempt = |bundle: &Arc<LoadedBundle>| ranked(state, bundle, &body);
        let outcome = try_each_here(&state.pool, &place, &bundles, attempt, note_failure(state));
        let outcome = ranked_or_degraded(state, outcome, body.candidates.is_empty())?;
        return Ok(rank_answer(state, impression_id, &body, outcome));
    }
    // Work that is over its budget goes on behind its answer, so it needs a body of its own.
    let body = Arc::new(body.into_owned());
    let (worker_state, worker_body) = (Arc::clone(state), Arc::clone(&body));
    let attempt = move |bundle: &Arc<LoadedBundle>| ranked(&worker_state, bundle, &worker_body);
    let outcome = try_each(&state.pool, place, bundles, attempt, note_failure(state)).await;
    let outcome = ranked_or_degraded(state, outcome, body.candidates.is_empty())?;
    Ok(rank_answer(state, impression_id, &body, outcome))
}

/// How long a list will take, in trees of one row.
fn work(bundle: &LoadedBundle, body: &RankBody<'_>) -> usize {
    let query = match &body.query {
        Some(query) if bundle.computes_features() && !body.is_matrix() => query.len(),
        _ => 0,
    };
    let computed = if body.is_matrix() { 0 } else { WORK_OF_ROW };
    let row = bundle.tree_count() + computed + query * WORK_OF_QUERY_BYTE;
    body.candidates
        .len()
        .saturating_mul(row)
        .saturating_add(query * WORK_OF_ANALYSED_BYTE)
}

type Ranked = Result<(Digest, RankedList), DegradedCause>;

fn ranked_or_degraded(
    state: &ServerState,
    outcome: Result<Outcome<Arc<LoadedBundle>, RankedList>, PoolError>,
    is_empty: bool,
) -> Result<Ranked, ApiError> {
    match outcome {
        Ok(Outcome::Done(bundle, list)) if list.scored > 0 || is_empty => {
            Ok(Ok((bundle.digest().clone(), list)))
        }
        Ok(Outcome::Done(..)) => Ok(Err(DegradedCause::NothingKnown)),
        Ok(Outcome::Refused(error)) => Err(error),
        Ok(Outcome::Failed) | Err(PoolError::Panicked) => Ok(Err(DegradedCause::ScoringFailed)),
        Err(PoolError::OverBudget) => Ok(Err(DegradedCause::OverBudget)),
        Err(PoolError::Overloaded) => Err(overloaded(state)),
    }
}

fn ranked(
    state: &ServerState,
    bundle: &LoadedBundle,
    body: &RankBody<'_>,
) -> Result<RankedList, RankError> {
    bundle.with_buffers(|buffers| {
        let Buffers {
            rows,
            scores,
            scratch,
        } = buffers;
        let started = Instant::now();
        let matrix = rank::rows(bundle, body, rows)?;
        let features = started.elapsed();
        bundle.score(matrix, scratch, scores)?;
        let list = rank::ranked_list(&rows.has_row, scores);
        let durations = RankDurations {
            features,
            total: started.elapsed(),
        };
        let unknown = list.order.len() - list.scored;
        state
            .metrics
            .ranked(bundle.digest(), list.scored, unknown, durations);
        Ok(list)
    })
}

fn rank_answer(
    state: &ServerState,
    impression_id: ImpressionId,
    body: &RankBody<'_>,
    outcome: Ranked,
) -> RankAnswer {
    let count = body.candidates.len();
    let limit = body.limit.map_or(count, |limit| {
        usize::try_from(limit).map_or(count, |limit| limit.min(count))
    });
    let id = |place: usize| body.candidates[place].id.as_ref();
    match outcome {
        Ok((digest, list)) => {
            let results = list.order[..limit].iter().map(|place| WrittenResult {
                id: id(*place),
                score: list.scores[*place],
                known: list.scores[*place].is_some(),
            });
            let text = written::rank_response(impression_id, Some(&digest), results);
            RankAnswer {
                model: Some(digest),
                text,
            }
        }
        Err(cause) => {
            state.metrics.degraded(cause);
            let results = (0..limit).map(|place| WrittenResult {
                id: id(place),
                score: None,
                known: cause != DegradedCause::NothingKnown,
            });
            let text = written::rank_response(impression_id, None, results);
            RankAnswer { model: None, text }
        }
    }
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
        .context
        .session_key
        .clone()
        .unwrap_or_else(|| impression_id.to_string());
    let bundles = state.tracks.snapshot().candidates(&key);
    if bundles.is_empty() {
        return Err(ApiError::new(ErrorCode::NotReady, "no model is loaded"));
    }
    let place = enter(state)?;
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
    let outcome = try_each(&state.pool, place, bundles, attempt, note_failure(state)).await;
    let outcome = match outcome {
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
    let (items, features) = search::ranked(bundle, request, &found)?;
    let durations = RankDurations {
        features,
        total: started.elapsed(),
    };
    state
        .metrics
        .ranked(bundle.digest(), items.len(), 0, durations);
    Ok(items)
}

pub(crate) fn overloaded(state: &ServerState) -> ApiError {
    state.metrics.overloaded();
    ApiError::overloaded()
}

/// Counts and logs that a bundle failed on a request.
pub(crate) fn note_failure(
    state: &SharedState,
) -> impl Fn(&Arc<LoadedBundle>, &str) + Clone + Send + 'static {
    let state = Arc::clone(state);
    move |bundle, error| {
        state.metrics.scoring_failed(bundle.digest());
        warn!(model = %bundle.digest(), error, "a model failed to rank a list");
    }
}
