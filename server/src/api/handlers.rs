//! One short function for each route: take, check, answer.
//!
//! Limits and error shapes are around them (`routes`, `extract`), ranking is behind them (`answer`).

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::error::{ApiError, ErrorBody, ErrorCode};
use super::extract::JsonBody;
use super::messages::{
    FeedbackRequest, FeedbackResponse, ModelReference, RankRequest, RankResponse, Ranker,
    SearchResponse,
};
use super::openapi;
use super::state::SharedState;
use crate::search::SearchRequest;
use crate::{answer, feedback};

/// Names the model that ranked an answer, beside the body.
pub const MODEL_HEADER: HeaderName = HeaderName::from_static("x-searchop-model");

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
    JsonBody(request, _memory): JsonBody<RankRequest>,
) -> Result<Response, ApiError> {
    request.check(state.limits.candidates)?;
    let answer = answer::rank(&state, state.new_impression(), request).await?;
    Ok((model_header(answer.model.as_ref()), Json(answer)).into_response())
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
    let answer = answer::search(&state, state.new_impression(), request).await?;
    Ok((model_header(answer.model.as_ref()), Json(answer)).into_response())
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

fn model_header(model: Option<&ModelReference>) -> HeaderMap {
    let value = model.map(|model| {
        HeaderValue::from_str(model.sha256.as_str())
            .expect("hexadecimal digits are a valid header value")
    });
    value
        .into_iter()
        .map(|value| (MODEL_HEADER, value))
        .collect()
}
