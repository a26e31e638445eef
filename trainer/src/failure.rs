//! Why a Job ended without a result: one reason, whether trying again may help, a message, and
//! the exit code that follows. It does not retry anything: the operator does.

use std::any::Any;
use std::fmt;

use serde::{Deserialize, Serialize};

/// The reasons a Job may fail for; the names are part of the protocol with the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// The object store does not answer, or answers with errors of its own.
    StorageUnavailable,
    /// The object store refuses these credentials.
    StorageAccessDenied,
    /// The mounted Secret lacks a key.
    CredentialsMissing,
    /// The bucket does not exist.
    BucketNotFound,
    /// The store ignores conditional puts or checksums.
    StorageUnfit,
    /// What is named by digest or address is not in the store.
    ArtifactNotFound,
    /// Bytes differ from the digest they were asked for by.
    DigestMismatch,
    /// An artifact written by a version this one does not know.
    UnknownFormat,
    /// The data cannot be trained on or evaluated.
    InvalidData,
    /// The parameters cannot be used.
    InvalidParameters,
    /// The work directory is full.
    OutOfDisk,
    /// A fault of this program.
    Internal,
}

impl Reason {
    /// Whether the same Job may succeed later without anyone changing its spec.
    #[must_use]
    pub fn is_retryable(self) -> bool {
        matches!(
            self,
            Self::StorageUnavailable
                | Self::StorageAccessDenied
                | Self::CredentialsMissing
                | Self::BucketNotFound
                | Self::StorageUnfit
                | Self::OutOfDisk
        )
    }

    /// The process's exit code: 75 to try again, 65 for data or parameters to change, 70 for a
    /// fault of this program. (2, wrong usage, is the command line's own.)
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Internal => 70,
            reason if reason.is_retryable() => 75,
            _ => 65,
        }
    }
}

impl std::str::FromStr for Reason {
    type Err = UnknownReason;

    fn from_str(name: &str) -> Result<Self, UnknownReason> {
        serde_json::from_value(serde_json::Value::from(name)).map_err(|_| UnknownReason)
    }
}

/// A text that names no reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownReason;

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, formatter)
    }
}

/// A Job's failure.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {message}")]
pub struct Failure {
    /// What kind of failure.
    pub reason: Reason,
    /// Lower-case text that names the file, line, field or parameter.
    pub message: String,
    /// Usually what the reason says; the store knows better for its own errors.
    pub retryable: bool,
}

impl Failure {
    /// A failure that is retryable if its reason is.
    #[must_use]
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            retryable: reason.is_retryable(),
        }
    }

    /// The data cannot be used.
    #[must_use]
    pub fn data(error: impl fmt::Display) -> Self {
        Self::new(Reason::InvalidData, error.to_string())
    }

    /// The parameters cannot be used.
    #[must_use]
    pub fn parameters(error: impl fmt::Display) -> Self {
        Self::new(Reason::InvalidParameters, error.to_string())
    }

    /// A fault of this program.
    #[must_use]
    pub fn internal(error: impl fmt::Display) -> Self {
        Self::new(Reason::Internal, error.to_string())
    }

    /// Work panicked, with this cause.
    #[must_use]
    pub fn panicked(cause: &(dyn Any + Send)) -> Self {
        let message = cause
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| cause.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("without a message");
        Self::internal(format!("this program has a fault; it panicked: {message}"))
    }

    /// The Job was asked to end; another attempt begins anew.
    #[must_use]
    pub fn interrupted() -> Self {
        Self {
            reason: Reason::Internal,
            message: "the job was told to end before it was done".to_owned(),
            retryable: true,
        }
    }

    /// Reading or writing a local file failed; `doing` says what, in the form "write x".
    ///
    /// A disk that fails may be another one at the next attempt, so that is retryable; a path that
    /// is not there or not allowed is so again.
    #[must_use]
    pub fn local_file(doing: impl fmt::Display, error: &std::io::Error) -> Self {
        use std::io::ErrorKind;
        let message = format!("cannot {doing}: {error}");
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                Self::new(Reason::OutOfDisk, message)
            }
            ErrorKind::NotFound
            | ErrorKind::PermissionDenied
            | ErrorKind::AlreadyExists
            | ErrorKind::NotADirectory
            | ErrorKind::IsADirectory
            | ErrorKind::ReadOnlyFilesystem
            | ErrorKind::InvalidInput
            | ErrorKind::InvalidFilename
            | ErrorKind::Unsupported => Self::internal(message),
            _ => Self {
                retryable: true,
                ..Self::internal(message)
            },
        }
    }

    /// The process's exit code.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        if self.retryable {
            75
        } else {
            self.reason.exit_code()
        }
    }
}

impl From<searchop_artifacts::Error> for Failure {
    fn from(error: searchop_artifacts::Error) -> Self {
        Self {
            reason: error.reason().parse().unwrap_or(Reason::Internal),
            message: error.to_string(),
            retryable: error.is_retryable(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_follow_the_reason() {
        for (reason, code) in [
            (Reason::StorageUnavailable, 75),
            (Reason::StorageAccessDenied, 75),
            (Reason::CredentialsMissing, 75),
            (Reason::BucketNotFound, 75),
            (Reason::StorageUnfit, 75),
            (Reason::OutOfDisk, 75),
            (Reason::ArtifactNotFound, 65),
            (Reason::DigestMismatch, 65),
            (Reason::UnknownFormat, 65),
            (Reason::InvalidData, 65),
            (Reason::InvalidParameters, 65),
            (Reason::Internal, 70),
        ] {
            assert_eq!(Failure::new(reason, "x").exit_code(), code, "{reason}");
        }
    }

    #[test]
    fn a_full_disk_is_retryable_and_other_file_errors_are_not() {
        let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
        assert_eq!(
            Failure::local_file("write x", &full).reason,
            Reason::OutOfDisk
        );
        let other = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
        let failure = Failure::local_file("write x", &other);
        assert_eq!(
            (failure.reason, failure.retryable),
            (Reason::Internal, false)
        );
        assert!(
            failure.message.starts_with("cannot write x: "),
            "{}",
            failure.message
        );
    }

    #[test]
    fn a_disk_that_fails_is_retryable() {
        const INPUT_OUTPUT_ERROR: i32 = 5;
        let broken = std::io::Error::from_raw_os_error(INPUT_OUTPUT_ERROR);
        let failure = Failure::local_file("read x", &broken);
        assert_eq!(
            (failure.reason, failure.retryable, failure.exit_code()),
            (Reason::Internal, true, 75)
        );
    }

    #[test]
    fn failures_of_the_store_keep_their_reason() {
        let error = searchop_artifacts::Error::NotFound {
            what: "s3://b/x".into(),
        };
        let failure = Failure::from(error);
        assert_eq!(
            (failure.reason, failure.exit_code()),
            (Reason::ArtifactNotFound, 65)
        );
        let error = searchop_artifacts::Error::BucketNotFound {
            bucket: "b".into(),
            endpoint: "e".into(),
        };
        let failure = Failure::from(error);
        assert_eq!(
            (failure.reason, failure.exit_code()),
            (Reason::BucketNotFound, 75)
        );
    }

    #[test]
    fn reasons_are_written_as_their_names() {
        let written = serde_json::to_string(&Reason::StorageUnfit).expect("serialises");
        assert_eq!(written, "\"StorageUnfit\"");
    }
}
