//! One short function for each route: take, check, answer.
//!
//! Limits and error shapes are around them (`routes`, `extract`), ranking is behind them (`answer`).

use std::time::Instant;

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::body::parse_rank;
use super::error::{ApiError, ErrorBody, ErrorCode};
use super::extract::{JsonBody, JsonBytes};
use super::messages::{
    FeedbackRequest, FeedbackResponse, RankRequest, RankResponse, Ranker, SearchBody,
    SearchResponse,
};
use super::openapi;
use super::state::SharedState;
use crate::digest::{Digest, InvalidDigest};
use crate::search::SearchRequest;
use crate::tracks::Track;
use crate::{answer, feedback};

/// Names the model that ranked an answer, beside the body.
pub const MODEL_HEADER: HeaderName = HeaderName::from_static("x-searchop-model");

/// A report is a page by itself, loads nothing, runs nothing, and never changes.
const REPORT_HEADERS: [(HeaderName, &str); 4] = [
    (header::CONTENT_TYPE, "text/html; charset=utf-8"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::CACHE_CONTROL, "max-age=31536000, immutable"),
];

/// Rank candidates
///
/// Candidates are items of the served model's catalogue, named by id, or bring their features.
/// A candidate that the model knows nothing about is not an error (an index is often newer than a
/// model): it comes last, with `"known": false`. Equal scores keep the order sent.
/// When no model can rank the list, it comes back in the order sent, with `"degraded": true`.
#[utoipa::path(post, path = "/v1/rank", tag = "ranking", operation_id = "rank",
    request_body = RankRequest,
    responses(
        (status = 200, description = "The candidates, best first", body = RankResponse,
            headers(("x-searchop-model" = String, description = "Digest of the model that ranked; absent when degraded"))),
        (status = 400, description = "MalformedJson", body = ErrorBody),
        (status = 408, description = "RequestTimeout", body = ErrorBody),
        (status = 413, description = "BodyTooLarge", body = ErrorBody),
        (status = 415, description = "UnsupportedMediaType", body = ErrorBody),
        (status = 422, description = "A field is at fault, and named", body = ErrorBody),
        (status = 500, description = "Internal: a fault of the server", body = ErrorBody),
        (status = 503, description = "Overloaded: try again", body = ErrorBody)))]
pub async fn rank(
    State(state): State<SharedState>,
    JsonBytes(bytes, _memory): JsonBytes,
) -> Result<Response, ApiError> {
    let place = answer::enter(&state)?;
    // Whoever has arrived is let in or refused before any of them is ranked. So what waits is
    // counted, and a refusal comes at once however much there is to rank.
    tokio::task::yield_now().await;
    let queued = place.age();
    let started = Instant::now();
    let body = parse_rank(&bytes)?;
    body.check(state.limits.candidates)?;
    state
        .metrics
        .parsed(queued, started.elapsed(), body.candidates.len());
    let answer = answer::rank(&state, place, state.new_impression(), body).await?;
    let json = HeaderValue::from_static("application/json");
    let headers = [(header::CONTENT_TYPE, json)];
    Ok((model_header(answer.model.as_ref()), headers, answer.text).into_response())
}

/// Search the catalogue
///
/// Retrieves items by text relevance from the served model's catalogue, and ranks them with the
/// model. `ranker=retrieval` leaves the model out, to compare.
#[utoipa::path(get, path = "/v1/search", tag = "ranking", operation_id = "search",
    params(
        ("q" = String, Query, description = "What to search for, at most 1,000 bytes", example = "running shoes"),
        ("limit" = Option<u32>, Query, description = "How many results to return, 1 to 100; 10 when absent"),
        ("ranker" = Option<Ranker>, Query, description = "What puts the results in order; `model` when absent"),
        ("sessionKey" = Option<String>, Query, description = "Keeps one person's searches on one model")),
    responses(
        (status = 200, description = "Items, best first", body = SearchResponse,
            headers(("x-searchop-model" = String, description = "Digest of the model that ranked; absent when none did"))),
        (status = 409, description = "CatalogueNotAvailable: the served model has no catalogue", body = ErrorBody),
        (status = 422, description = "A parameter is at fault, and named", body = ErrorBody),
        (status = 500, description = "Internal: a fault of the server", body = ErrorBody),
        (status = 503, description = "Overloaded, or NotReady: try again", body = ErrorBody)))]
pub async fn search(
    State(state): State<SharedState>,
    parameters: Result<Query<Vec<(String, String)>>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Query(parameters) = parameters
        .map_err(|rejection| ApiError::new(ErrorCode::InvalidField, rejection.body_text()))?;
    let request = SearchRequest::parse(parameters, state.limits.search_results)?;
    found(&state, request).await
}

/// Search the catalogue for a person
///
/// As the search by URL, with what who searches did lately: models that were trained with recent
/// events rank by their tastes. A body, because such events are long and do not belong into the
/// logs of proxies.
#[utoipa::path(post, path = "/v1/search", tag = "ranking", operation_id = "searchWithContext",
    request_body = SearchBody,
    responses(
        (status = 200, description = "Items, best first", body = SearchResponse,
            headers(("x-searchop-model" = String, description = "Digest of the model that ranked; absent when none did"))),
        (status = 400, description = "MalformedJson", body = ErrorBody),
        (status = 408, description = "RequestTimeout", body = ErrorBody),
        (status = 409, description = "CatalogueNotAvailable: the served model has no catalogue", body = ErrorBody),
        (status = 413, description = "BodyTooLarge", body = ErrorBody),
        (status = 415, description = "UnsupportedMediaType", body = ErrorBody),
        (status = 422, description = "A field is at fault, and named", body = ErrorBody),
        (status = 500, description = "Internal: a fault of the server", body = ErrorBody),
        (status = 503, description = "Overloaded, or NotReady: try again", body = ErrorBody)))]
pub async fn search_with_context(
    State(state): State<SharedState>,
    JsonBody(body, _memory): JsonBody<SearchBody>,
) -> Result<Response, ApiError> {
    let request = SearchRequest::of_body(body, state.limits.search_results)?;
    found(&state, request).await
}

async fn found(state: &SharedState, request: SearchRequest) -> Result<Response, ApiError> {
    let answer = answer::search(state, state.new_impression(), request).await?;
    let model = answer.model.as_ref().map(|model| &model.sha256);
    Ok((model_header(model), Json(answer)).into_response())
}

/// Report what people did with a list
///
/// Taken and logged with the impression's id, so that models can be trained on it.
#[utoipa::path(post, path = "/v1/feedback", tag = "feedback", operation_id = "feedback",
    request_body = FeedbackRequest,
    responses(
        (status = 202, description = "Taken", body = FeedbackResponse),
        (status = 400, description = "MalformedJson", body = ErrorBody),
        (status = 408, description = "RequestTimeout", body = ErrorBody),
        (status = 413, description = "BodyTooLarge", body = ErrorBody),
        (status = 415, description = "UnsupportedMediaType", body = ErrorBody),
        (status = 422, description = "A field is at fault, and named", body = ErrorBody),
        (status = 500, description = "Internal: a fault of the server", body = ErrorBody),
        (status = 503, description = "Overloaded: try again", body = ErrorBody)))]
pub async fn feedback(
    State(state): State<SharedState>,
    JsonBody(request, _memory): JsonBody<FeedbackRequest>,
) -> Result<(StatusCode, Json<FeedbackResponse>), ApiError> {
    request.check()?;
    feedback::record(&request, state.now_unix_milliseconds());
    request
        .events
        .iter()
        .for_each(|event| state.metrics.feedback(event.kind));
    Ok((
        StatusCode::ACCEPTED,
        Json(FeedbackResponse {
            accepted: request.events.len(),
        }),
    ))
}

/// Read about a model
///
/// The page that its training wrote: how good it is, by what, and on what data. Only of models that
/// this server has loaded.
#[utoipa::path(get, path = "/v1/models/{sha256}/report", tag = "about", operation_id = "report",
    params(("sha256" = String, Path, description = "Digest of the model's bundle, as the header x-searchop-model has it")),
    responses(
        (status = 200, description = "The page", content_type = "text/html"),
        (status = 404, description = "NotFound: no such model is loaded, or it has no report", body = ErrorBody),
        (status = 422, description = "InvalidField: not a digest", body = ErrorBody)))]
pub async fn report(
    State(state): State<SharedState>,
    sha256: Result<Path<String>, PathRejection>,
) -> Result<Response, ApiError> {
    let invalid = |message| ApiError::field(ErrorCode::InvalidField, "sha256", message);
    let Path(sha256) = sha256.map_err(|rejection| invalid(rejection.body_text()))?;
    let digest: Digest = sha256
        .parse()
        .map_err(|error: InvalidDigest| invalid(error.to_string()))?;
    let snapshot = state.tracks.snapshot();
    let bundle = snapshot.tracks.get(&digest).and_then(Track::ready);
    let page = bundle.and_then(|bundle| bundle.report()).ok_or_else(|| {
        let message = match bundle {
            Some(_) => "the model has no report",
            None => "no such model is loaded here",
        };
        ApiError::new(ErrorCode::NotFound, message)
    })?;
    let headers = REPORT_HEADERS.map(|(name, value)| (name, HeaderValue::from_static(value)));
    Ok((headers, page.clone()).into_response())
}

/// This document
#[utoipa::path(get, path = "/openapi.json", tag = "about", operation_id = "openapi",
    responses((status = 200, description = "The OpenAPI document of this API", content_type = "application/json")))]
pub async fn openapi_document() -> Response {
    (
        [(header::CONTENT_TYPE, "application/json")],
        openapi::text(),
    )
        .into_response()
}

pub(super) fn model_header(model: Option<&Digest>) -> HeaderMap {
    let value = model.map(|model| {
        HeaderValue::from_str(model.as_str()).expect("hexadecimal digits are a valid header value")
    });
    value
        .into_iter()
        .map(|value| (MODEL_HEADER, value))
        .collect()
}
