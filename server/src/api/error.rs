//! The one shape of an error answer, and which status each code has.
//!
//! A client's fault is always a 4xx that names the field; only overload, a server without a usable
//! model, and a bug of ours are 5xx.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What went wrong, for programs. The message is for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum ErrorCode {
    /// The body is not JSON (400).
    MalformedJson,
    /// No such path (404).
    NotFound,
    /// The path exists, but not for this method (405).
    MethodNotAllowed,
    /// The request did not arrive in time (408).
    RequestTimeout,
    /// The served model has no catalogue, so there is nothing to search in (409).
    CatalogueNotAvailable,
    /// The body is longer than the server accepts (413).
    BodyTooLarge,
    /// The body is not declared as `application/json` (415).
    UnsupportedMediaType,
    /// A field is missing, unknown, or of the wrong type or range (422).
    InvalidField,
    /// More candidates than the server ranks in one request (422).
    TooManyCandidates,
    /// One id is named twice (422).
    DuplicateCandidate,
    /// The served model ranks by inline features, and a candidate has none (422).
    FeaturesRequired,
    /// The served model does not have a feature of this name (422).
    UnknownFeature,
    /// One feature is named twice (422).
    DuplicateFeature,
    /// A feature array is not as long as the model's list of features (422).
    WrongFeatureCount,
    /// The served model computes features from the query, and there is none (422).
    QueryRequired,
    /// More work than the server accepts at once; try again (503).
    Overloaded,
    /// No model is loaded yet (503).
    NotReady,
    /// A fault of the server (500).
    Internal,
}

impl ErrorCode {
    /// The HTTP status of answers with this code.
    pub fn status(self) -> StatusCode {
        match self {
            Self::MalformedJson => StatusCode::BAD_REQUEST,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::CatalogueNotAvailable => StatusCode::CONFLICT,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::InvalidField
            | Self::TooManyCandidates
            | Self::DuplicateCandidate
            | Self::FeaturesRequired
            | Self::UnknownFeature
            | Self::DuplicateFeature
            | Self::WrongFeatureCount
            | Self::QueryRequired => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Overloaded | Self::NotReady => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// An error answer, before it is one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApiError {
    /// What went wrong.
    pub code: ErrorCode,
    /// The part of the request that is at fault, as `candidates[3].features[0]` or `limit`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "candidates[3].features[0]")]
    pub field: Option<String>,
    /// What went wrong, and what would be right.
    pub message: String,
}

/// The body of every error answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorBody {
    /// What went wrong.
    pub error: ApiError,
}

impl ApiError {
    /// An error of the request as a whole.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            field: None,
            message: message.into(),
        }
    }

    /// An error of one field.
    pub fn field(code: ErrorCode, field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code,
            field: Some(field.into()),
            message: message.into(),
        }
    }

    /// Too much work at once.
    pub fn overloaded() -> Self {
        Self::new(
            ErrorCode::Overloaded,
            "too many requests are in flight, try again",
        )
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = self.code.status();
        let mut response = (status, Json(ErrorBody { error: self })).into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_its_code_and_field() {
        let error = ApiError::field(ErrorCode::InvalidField, "limit", "must be at least 1");
        assert_eq!(
            serde_json::to_string(&ErrorBody { error }).unwrap(),
            r#"{"error":{"code":"InvalidField","field":"limit","message":"must be at least 1"}}"#
        );
    }

    #[test]
    fn overload_says_when_to_come_back() {
        let response = ApiError::overloaded().into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[header::RETRY_AFTER], "1");
    }
}
