//! Turns the SDK's errors into ours: what is absent, what is denied, what will pass.

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

use crate::error::{Error, Outlook};

/// What a request failed with, before it is known what that means for the operation.
#[derive(Debug)]
pub(super) struct Failure {
    /// The HTTP status, when there was an answer.
    pub(super) status: Option<u16>,
    /// S3's error code; empty when there was none (answers to HEAD have no body).
    pub(super) code: String,
    message: String,
    cause: Cause,
}

#[derive(Debug, PartialEq, Eq)]
enum Cause {
    /// The server answered with an error.
    Answer,
    /// No usable answer: refused, broken off, timed out.
    Network,
    /// No credentials could be found.
    Credentials,
    /// The request could not even be built.
    Request,
}

impl Failure {
    #[expect(clippy::needless_pass_by_value, reason = "the form that map_err takes")]
    pub(super) fn from_sdk<E>(error: SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let status = error
            .raw_response()
            .map(|response| response.status().as_u16());
        if let SdkError::ServiceError(_) = &error {
            let code = error.code().unwrap_or_default().to_owned();
            let text = error.message().unwrap_or_default();
            let message = match (code.as_str(), text) {
                ("", _) => format!("HTTP status {}", status.unwrap_or_default()),
                (code, "") => code.to_owned(),
                (code, text) => format!("{code}: {text}"),
            };
            return Self {
                status,
                code,
                message,
                cause: Cause::Answer,
            };
        }
        let cause = if without_credentials(&error) {
            Cause::Credentials
        } else if matches!(error, SdkError::ConstructionFailure(_)) {
            Cause::Request
        } else {
            Cause::Network
        };
        Self {
            status,
            code: String::new(),
            message: chain(&error),
            cause,
        }
    }

    pub(super) fn network(message: impl Into<String>) -> Self {
        Self {
            status: None,
            code: String::new(),
            message: message.into(),
            cause: Cause::Network,
        }
    }

    /// The key is absent.
    pub(super) fn is_absent_key(&self) -> bool {
        self.code == "NoSuchKey"
    }

    /// For HEAD, whose answers have no body: the key is absent, or the bucket, which cannot be told
    /// apart. With any other method a 404 without a code is no word of the store, but of what stands
    /// before it.
    fn is_absent_head(&self) -> bool {
        self.status == Some(404) && matches!(self.code.as_str(), "" | "NotFound")
    }

    /// The conditional put found the key taken.
    pub(super) fn is_taken(&self) -> bool {
        self.status == Some(412) || self.code == "PreconditionFailed"
    }

    /// The multipart upload is gone: completed by a request whose answer was lost, or aborted.
    pub(super) fn is_lost_upload(&self) -> bool {
        self.code == "NoSuchUpload"
    }

    /// The store found that the body does not have the checksum it was sent with.
    pub(super) fn is_wrong_checksum(&self) -> bool {
        const CODES: [&str; 5] = [
            "BadDigest",
            "InvalidDigest",
            "XAmzContentSHA256Mismatch",
            "XAmzContentChecksumMismatch",
            "ContentSHA256Mismatch",
        ];
        CODES.contains(&self.code.as_str())
    }

    fn is_denied(&self) -> bool {
        const CODES: [&str; 6] = [
            "AccessDenied",
            "InvalidAccessKeyId",
            "SignatureDoesNotMatch",
            "ExpiredToken",
            "InvalidToken",
            "AuthorizationHeaderMalformed",
        ];
        matches!(self.status, Some(401 | 403)) || CODES.contains(&self.code.as_str())
    }

    fn passes_by_itself(&self) -> bool {
        // 409: two conditional puts of one key crossed; the repeated one is told who won.
        const CODES: [&str; 6] = [
            "RequestTimeout",
            "SlowDown",
            "InternalError",
            "ServiceUnavailable",
            "ConditionalRequestConflict",
            "OperationAborted",
        ];
        self.cause == Cause::Network
            || self.is_lost_upload()
            || matches!(self.status, Some(408 | 409 | 429 | 500 | 502..=599))
            || CODES.contains(&self.code.as_str())
    }

    fn outlook(&self) -> Outlook {
        if self.passes_by_itself() {
            Outlook::Passing
        } else if self.cause == Cause::Answer && matches!(self.status, Some(400 | 501)) {
            Outlook::Refused
        } else {
            Outlook::Lasting
        }
    }

    /// As [`Failure::into_error`], for a request by HEAD.
    pub(super) fn into_head_error(
        self,
        endpoint: &str,
        bucket: &str,
        operation: &str,
        what: &str,
    ) -> Error {
        if self.is_absent_head() {
            return Error::NotFound {
                what: what.to_owned(),
            };
        }
        self.into_error(endpoint, bucket, operation, what)
    }

    /// The error for whoever called the operation. `what` is the object's address.
    pub(super) fn into_error(
        self,
        endpoint: &str,
        bucket: &str,
        operation: &str,
        what: &str,
    ) -> Error {
        let endpoint = endpoint.to_owned();
        let operation = operation.to_owned();
        if self.cause == Cause::Credentials {
            return Error::CredentialsMissing {
                message: self.message,
            };
        }
        if self.code == "NoSuchBucket" {
            return Error::BucketNotFound {
                bucket: bucket.to_owned(),
                endpoint,
            };
        }
        if self.is_absent_key() {
            return Error::NotFound {
                what: what.to_owned(),
            };
        }
        if self.is_wrong_checksum() {
            return Error::DigestMismatch {
                what: what.to_owned(),
                expected: "the checksum of the request".into(),
                actual: format!("other bytes at the store ({})", self.message),
            };
        }
        if self.is_denied() {
            return Error::AccessDenied {
                endpoint,
                operation,
                message: self.message,
            };
        }
        let outlook = self.outlook();
        Error::Unavailable {
            endpoint,
            operation,
            message: self.message,
            outlook,
        }
    }
}

/// Whether the request failed because credentials could not be had, rather than at the store.
fn without_credentials(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| error.source())
        .any(|error| error.is::<CredentialsError>())
}

/// The messages of an error and of its causes.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut current = error.source();
    while let Some(cause) = current {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        current = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(status: u16, code: &str) -> Failure {
        Failure {
            status: Some(status),
            code: code.to_owned(),
            message: String::new(),
            cause: Cause::Answer,
        }
    }

    fn answer(status: u16, code: &str) -> Error {
        failure(status, code).into_error("endpoint", "bucket", "get", "s3://bucket/key")
    }

    #[test]
    fn a_404_without_a_code_says_that_the_key_is_absent_only_for_head() {
        let head = |code| failure(404, code).into_head_error("endpoint", "bucket", "head", "key");
        for code in ["", "NotFound"] {
            assert_eq!(head(code).reason(), "ArtifactNotFound");
            let other = answer(404, code);
            assert_eq!(
                (other.reason(), other.is_retryable()),
                ("StorageUnavailable", true)
            );
        }
        assert_eq!(head("NoSuchBucket").reason(), "BucketNotFound");
        assert_eq!(head("NoSuchKey").reason(), "ArtifactNotFound");
    }

    #[test]
    fn what_a_store_does_not_do_is_told_from_what_passes() {
        for (status, code, outlook) in [
            (400, "InvalidRequest", Outlook::Refused),
            (501, "NotImplemented", Outlook::Refused),
            (400, "RequestTimeout", Outlook::Passing),
            (301, "PermanentRedirect", Outlook::Lasting),
        ] {
            let Error::Unavailable { outlook: found, .. } = answer(status, code) else {
                panic!("{status} {code} is another error");
            };
            assert_eq!(found, outlook, "{status} {code}");
        }
    }

    #[test]
    fn answers_are_told_apart() {
        let cases = [
            (404, "NoSuchKey", "ArtifactNotFound", false),
            (404, "", "StorageUnavailable", false),
            (404, "NoSuchBucket", "BucketNotFound", false),
            (403, "", "StorageAccessDenied", false),
            (403, "SignatureDoesNotMatch", "StorageAccessDenied", false),
            (404, "InvalidAccessKeyId", "StorageAccessDenied", false),
            (400, "BadDigest", "DigestMismatch", false),
            (400, "ExpiredToken", "StorageAccessDenied", false),
            (400, "RequestTimeout", "StorageUnavailable", true),
            (400, "InvalidArgument", "StorageUnavailable", false),
            (
                409,
                "ConditionalRequestConflict",
                "StorageUnavailable",
                true,
            ),
            (429, "", "StorageUnavailable", true),
            (500, "InternalError", "StorageUnavailable", true),
            (501, "NotImplemented", "StorageUnavailable", false),
            (503, "SlowDown", "StorageUnavailable", true),
            (507, "XMinioStorageFull", "StorageUnavailable", true),
        ];
        for (status, code, reason, transient) in cases {
            let error = answer(status, code);
            assert_eq!(
                (error.reason(), error.is_transient()),
                (reason, transient),
                "{status} {code}"
            );
        }
    }

    #[test]
    fn a_missing_bucket_is_named_and_may_be_created_later() {
        let error = answer(404, "NoSuchBucket");
        assert!(error.is_retryable());
        assert!(error.to_string().contains("\"bucket\""), "{error}");
    }
}
