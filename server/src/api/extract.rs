//! Reading requests: bounded in length and time, with errors that name the field.
//!
//! What a request means, and whether its values are in range, is not decided here.

use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;

use super::body_memory::BodyShare;
use super::error::{ApiError, ErrorCode};
use super::state::{ServerState, SharedState};

/// How much of a refused body is read and thrown away. A client that sends before it reads sees
/// the answer only when the server has taken what it sends.
const DISCARDED_BYTES: usize = 16 * 1024 * 1024;
/// How long that may take.
const LONGEST_DISCARD: Duration = Duration::from_secs(2);
/// A head that promises more than this is not believed before more has come.
const MOST_RESERVED_BYTES: usize = 256 * 1024;

/// A JSON body that was read within the server's limits, and the memory that it takes up: to be kept
/// until the request is answered.
pub struct JsonBody<T>(pub T, pub BodyShare);

/// As [`JsonBody`], before it is parsed.
pub struct JsonBytes(pub Bytes, pub BodyShare);

impl<T: DeserializeOwned> FromRequest<SharedState> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &SharedState) -> Result<Self, Self::Rejection> {
        let JsonBytes(bytes, share) = JsonBytes::from_request(request, state).await?;
        Ok(Self(parse_json(&bytes)?, share))
    }
}

impl FromRequest<SharedState> for JsonBytes {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &SharedState) -> Result<Self, Self::Rejection> {
        let (parts, body) = request.into_parts();
        if !is_json(&parts.headers) {
            let message = "want the header content-type: application/json";
            return Err(ApiError::new(ErrorCode::UnsupportedMediaType, message));
        }
        let timeout = state.limits.request_timeout;
        let (bytes, share) = tokio::time::timeout(timeout, read_body(state, &parts.headers, body))
            .await
            .map_err(|_| timed_out(timeout))??;
        Ok(Self(bytes, share))
    }
}

fn timed_out(timeout: Duration) -> ApiError {
    let message = format!("the body did not arrive within {} s", timeout.as_secs_f64());
    ApiError::new(ErrorCode::RequestTimeout, message)
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
    else {
        return false;
    };
    let media_type = value
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    media_type == "application/json"
        || (media_type.starts_with("application/") && media_type.ends_with("+json"))
}

async fn read_body(
    state: &ServerState,
    headers: &HeaderMap,
    mut body: Body,
) -> Result<(Bytes, BodyShare), ApiError> {
    let maximum_bytes = state.limits.body_bytes;
    let refusal = match room_for_body(headers, maximum_bytes) {
        None => too_large(maximum_bytes),
        Some(room) => match state.bodies.take(room) {
            None => {
                state.metrics.overloaded();
                ApiError::overloaded()
            }
            Some(mut share) => match collect(&mut body, maximum_bytes).await? {
                None => too_large(maximum_bytes),
                Some(bytes) => {
                    share.shrink(bytes.len());
                    return Ok((bytes, share));
                }
            },
        },
    };
    // A client that asked first (expect: 100-continue) reads before it sends.
    if !headers.contains_key(header::EXPECT) {
        let timeout = state.limits.request_timeout.min(LONGEST_DISCARD);
        let _ = tokio::time::timeout(timeout, discard(body)).await;
    }
    Err(refusal)
}

/// The bytes that a body may have by its head; `None` when that is more than is accepted.
fn room_for_body(headers: &HeaderMap, maximum_bytes: usize) -> Option<usize> {
    let declared = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let room = declared.map_or(Some(maximum_bytes), |length| length.try_into().ok())?;
    (room <= maximum_bytes).then_some(room)
}

fn too_large(maximum_bytes: usize) -> ApiError {
    let message = format!("the body is longer than {maximum_bytes} bytes");
    ApiError::new(ErrorCode::BodyTooLarge, message)
}

/// The whole body; `None` when it is longer than `maximum_bytes`.
async fn collect(body: &mut Body, maximum_bytes: usize) -> Result<Option<Bytes>, ApiError> {
    // Nothing is known of a body whose head does not tell its length.
    let declared = body.size_hint().exact().unwrap_or(0);
    let reserved =
        usize::try_from(declared).map_or(MOST_RESERVED_BYTES, |it| it.min(MOST_RESERVED_BYTES));
    let mut first = Bytes::new();
    let mut taken = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            ApiError::new(
                ErrorCode::MalformedJson,
                format!("the body ended early: {error}"),
            )
        })?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if first.len() + taken.len() + data.len() > maximum_bytes {
            return Ok(None);
        }
        // A short body comes in one piece, which is taken as it is.
        if first.is_empty() && taken.is_empty() {
            first = data;
            continue;
        }
        if taken.is_empty() {
            taken.reserve(reserved);
            taken.extend_from_slice(&std::mem::take(&mut first));
        }
        taken.extend_from_slice(&data);
    }
    Ok(Some(if taken.is_empty() {
        first
    } else {
        taken.freeze()
    }))
}

async fn discard(mut body: Body) {
    let mut discarded = 0;
    while let Some(Ok(frame)) = body.frame().await {
        discarded += frame.data_ref().map_or(0, Bytes::len);
        if discarded > DISCARDED_BYTES {
            return;
        }
    }
}

/// Parses a whole body, naming the path of what is wrong.
pub(crate) fn parse_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        // Where the text ends inside of an object, the last part of the path is not known.
        let path = error.path().to_string();
        let path = path.trim_end_matches('?').trim_end_matches('.');
        let inner = error.into_inner();
        let field = field_at_fault(path, &inner.to_string());
        let code = match inner.classify() {
            serde_json::error::Category::Data => ErrorCode::InvalidField,
            _ => ErrorCode::MalformedJson,
        };
        ApiError {
            code,
            field,
            message: inner.to_string(),
        }
    })?;
    deserializer
        .end()
        .map_err(|error| ApiError::new(ErrorCode::MalformedJson, error.to_string()))?;
    Ok(value)
}

/// The path of what is wrong. What an object lacks, or has twice, is named by the message alone: the
/// path is the object's.
fn field_at_fault(path: &str, message: &str) -> Option<String> {
    let name = ["missing field `", "duplicate field `"]
        .iter()
        .find_map(|start| message.strip_prefix(start)?.split('`').next());
    let is_there = |name: &str| path == name || path.ends_with(&format!(".{name}"));
    match name {
        Some(name) if path.is_empty() => Some(name.to_owned()),
        Some(name) if !is_there(name) => Some(format!("{path}.{name}")),
        _ => (!path.is_empty()).then(|| path.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::messages::{InlineFeatures, RankRequest};

    fn refused(text: &str) -> (ErrorCode, String) {
        let error = parse_json::<RankRequest>(text.as_bytes()).expect_err(text);
        (error.code, error.field.unwrap_or_default())
    }

    #[test]
    fn errors_name_the_path_of_the_field() {
        let field = |path: &str| (ErrorCode::InvalidField, path.to_owned());
        assert_eq!(
            refused(r#"{"candidates":[{"id":"a"},{"id":7}]}"#),
            field("candidates[1].id")
        );
        assert_eq!(
            refused(r#"{"candidates":[{"id":"a","features":[1,"NaN"]}]}"#),
            field("candidates[0].features[1]")
        );
        assert_eq!(
            refused(r#"{"candidates":[{"id":"a","features":{"price":null}}]}"#),
            field("candidates[0].features.price")
        );
        assert_eq!(
            refused(r#"{"candidates":[{"id":"a","features":"x"}]}"#),
            field("candidates[0].features")
        );
        assert_eq!(refused(r#"{"candidates":[],"limit":-1}"#), field("limit"));
        assert_eq!(refused(r#"{"candidates":[],"limt":1}"#).1, "limt");
        assert_eq!(
            refused(r#"{"candidates":[{"features":[]}]}"#),
            field("candidates[0].id")
        );
        assert_eq!(refused("{}"), field("candidates"));
        assert_eq!(
            refused(r#"{"candidates":[{"id":"a","id":"b"}]}"#),
            field("candidates[0].id")
        );
        assert_eq!(
            refused(r#"{"candidates":[],"candidates":[]}"#),
            field("candidates")
        );
    }

    #[test]
    fn numbers_that_json_does_not_know_are_refused_by_path() {
        for number in ["NaN", "Infinity", "-Infinity", "1e999"] {
            let text = format!(r#"{{"candidates":[{{"id":"a","features":[0,{number}]}}]}}"#);
            let (code, field) = refused(&text);
            assert_eq!(
                (code, field.as_str()),
                (ErrorCode::MalformedJson, "candidates[0].features[1]"),
                "{number}"
            );
        }
    }

    #[test]
    fn text_after_the_body_is_refused() {
        assert_eq!(
            refused(r#"{"candidates":[]} x"#).0,
            ErrorCode::MalformedJson
        );
        assert_eq!(refused("").0, ErrorCode::MalformedJson);
        assert_eq!(refused(&"[".repeat(100_000)).0, ErrorCode::InvalidField);
    }

    #[test]
    fn a_null_in_an_array_is_an_absent_value() {
        let request: RankRequest =
            parse_json(br#"{"candidates":[{"id":"a","features":[1,null]}]}"#).unwrap();
        assert_eq!(
            request.candidates[0].features,
            Some(InlineFeatures::Row(vec![Some(1.0), None]))
        );
    }
}
