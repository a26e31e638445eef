//! `POST /v1/explain`: its messages and its handler. What is explained is `crate::explain`.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::parse_rank;
use super::error::{ApiError, ErrorBody, ErrorCode};
use super::extract::JsonBytes;
use super::handlers::model_header;
use super::messages::{ModelReference, RankRequest};
use super::state::SharedState;
use crate::explain;

/// Contributions of a candidate when the request does not say how many.
const DEFAULT_TOP: usize = 10;

/// How a model came to its scores.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExplainResponse {
    /// What scored the list.
    pub model: ModelReference,
    /// The score that the model expects of a candidate of which nothing is known: the mean over its
    /// training.
    pub base_value: f64,
    /// The first candidates, best first.
    pub results: Vec<ExplainedCandidate>,
}

/// One candidate, and what its features add to its score. The score is the sum of `baseValue`, of
/// all `contributions` and of `others`, but for rounding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedCandidate {
    /// As sent.
    pub id: String,
    /// The model's score; `null` when it has none.
    pub score: Option<f64>,
    /// Place in the ranked list, from 1.
    pub position: u32,
    /// Whether the model knows anything about the candidate. If not, nothing is explained.
    pub known: bool,
    /// What features add (or take, when negative), the largest magnitude first. Those that add
    /// nothing are left out.
    pub contributions: Vec<FeatureContribution>,
    /// The sum of the contributions beyond the first `top`.
    pub others: f64,
}

/// What one feature adds to a score: its exact SHAP value, weighted by the training rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FeatureContribution {
    /// Its name.
    #[schema(example = "popularity")]
    pub feature: String,
    /// Its value; `null` when it is missing.
    pub value: Option<f64>,
    /// What it adds, in the unit of the score.
    pub contribution: f64,
}

/// Explain scores
///
/// Takes what `/v1/rank` takes, ranks it, and says for the first candidates (`limit`, at most 100;
/// 10 when absent) what each feature adds to the score. For people who ask why a list is as it is;
/// it takes milliseconds a candidate, and few are answered at a time.
#[utoipa::path(post, path = "/v1/explain", tag = "ranking", operation_id = "explain",
    params(
        ("top" = Option<u32>, Query, description = "How many contributions to return for each candidate, at least 1; 10 when absent")),
    request_body = RankRequest,
    responses(
        (status = 200, description = "The first candidates, best first, and why", body = ExplainResponse,
            headers(("x-searchop-model" = String, description = "Digest of the model that scored"))),
        (status = 400, description = "MalformedJson", body = ErrorBody),
        (status = 408, description = "RequestTimeout", body = ErrorBody),
        (status = 413, description = "BodyTooLarge", body = ErrorBody),
        (status = 415, description = "UnsupportedMediaType", body = ErrorBody),
        (status = 422, description = "A field or parameter is at fault, and named", body = ErrorBody),
        (status = 500, description = "Internal: a fault of the server or of its models", body = ErrorBody),
        (status = 503, description = "Overloaded, or NotReady: try again", body = ErrorBody)))]
pub async fn explain(
    State(state): State<SharedState>,
    parameters: Result<Query<Vec<(String, String)>>, QueryRejection>,
    JsonBytes(bytes, _memory): JsonBytes,
) -> Result<Response, ApiError> {
    let Query(parameters) = parameters
        .map_err(|rejection| ApiError::new(ErrorCode::InvalidField, rejection.body_text()))?;
    let top = top(parameters)?;
    let body = parse_rank(&bytes)?;
    body.check(state.limits.candidates)?;
    let answer = explain::explain(&state, body.into_owned(), top).await?;
    Ok((model_header(Some(&answer.model.sha256)), Json(answer)).into_response())
}

fn top(parameters: Vec<(String, String)>) -> Result<usize, ApiError> {
    let invalid =
        |field: String, message: &str| ApiError::field(ErrorCode::InvalidField, field, message);
    let mut top = None;
    for (name, value) in parameters {
        if name != "top" {
            let name = name.chars().take(64).collect();
            return Err(invalid(name, "no such parameter; there is top"));
        }
        let count = value.parse::<usize>().ok().filter(|count| *count > 0);
        let count =
            count.ok_or_else(|| invalid("top".into(), "want a whole number of at least 1"))?;
        if top.replace(count).is_some() {
            return Err(invalid(name, "is given twice"));
        }
    }
    Ok(top.unwrap_or(DEFAULT_TOP))
}
