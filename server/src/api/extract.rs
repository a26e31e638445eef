//! Reading requests: bounded in length and time, with errors that name the field.
//!
//! What a request means, and whether its values are in range, is not decided here.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;

use super::error::{ApiError, ErrorCode};
use super::state::SharedState;

/// How much of a refused body is read and thrown away. A client that sends before it reads sees
/// the answer only when the server has taken what it sends.
const DISCARDED_BYTES: usize = 16 * 1024 * 1024;

/// A JSON body that was read within the server's limits.
pub struct JsonBody<T>(pub T);

impl<T: DeserializeOwned> FromRequest<SharedState> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &SharedState) -> Result<Self, Self::Rejection> {
        let limits = &state.limits;
        let (parts, body) = request.into_parts();
        if !is_json(&parts.headers) {
            let message = "want the header content-type: application/json";
            return Err(ApiError::new(ErrorCode::UnsupportedMediaType, message));
        }
        let reading = read_body(
            &parts.headers,
            body,
            limits.body_bytes,
            limits.request_timeout,
        );
        let bytes = tokio::time::timeout(limits.request_timeout, reading)
            .await
            .map_err(|_| timed_out(limits.request_timeout))??;
        parse_json(&bytes).map(Self)
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
    headers: &HeaderMap,
    mut body: Body,
    maximum_bytes: usize,
    discard_timeout: Duration,
) -> Result<Bytes, ApiError> {
    let declared = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let mut taken = BytesMut::new();
    while declared.is_none_or(|length| length <= maximum_bytes as u64) {
        let Some(frame) = body.frame().await else {
            return Ok(taken.freeze());
        };
        let frame = frame.map_err(|error| {
            ApiError::new(
                ErrorCode::MalformedJson,
                format!("the body ended early: {error}"),
            )
        })?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if taken.len() + data.len() > maximum_bytes {
            break;
        }
        taken.extend_from_slice(&data);
    }
    // A client that asked first (expect: 100-continue) reads before it sends.
    if !headers.contains_key(header::EXPECT) {
        let _ =
            tokio::time::timeout(discard_timeout.min(Duration::from_secs(2)), discard(body)).await;
    }
    let message = format!("the body is longer than {maximum_bytes} bytes");
    Err(ApiError::new(ErrorCode::BodyTooLarge, message))
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
        let field = (!path.is_empty()).then(|| path.to_owned());
        let inner = error.into_inner();
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
            field("candidates[0]")
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
