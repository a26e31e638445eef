//! What can go wrong with artifacts, for a person to read and for a Job to act on.
//!
//! One error for the whole crate: whoever trains or serves decides by [`Error::reason`] and
//! [`Error::is_retryable`], not by where in the crate it came from.

use std::path::{Path, PathBuf};

use crate::digest::Sha256;

/// A property that a store must have and that [`crate::preflight`] found missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PreflightCheck {
    /// What was written is read back at once, byte for byte, and is listed.
    ReadAfterWrite,
    /// A second conditional put of the same key is refused.
    ConditionalPut,
    /// Completing a multipart upload to a key that exists is refused.
    ConditionalMultipart,
    /// A body that differs from its SHA-256 checksum is refused and leaves no object.
    Checksum,
}

impl PreflightCheck {
    /// The name of the check, as it stands in messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ReadAfterWrite => "ReadAfterWrite",
            Self::ConditionalPut => "ConditionalPut",
            Self::ConditionalMultipart => "ConditionalMultipart",
            Self::Checksum => "Checksum",
        }
    }
}

/// What to expect of a request that a store did not fulfil. All of them may succeed one day: once
/// the store is back, set up otherwise, or replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outlook {
    /// Passes by itself: the request is worth repeating within seconds.
    Passing,
    /// The store does not do what it was asked for (HTTP status 400 or 501).
    Refused,
    /// Neither is known.
    Lasting,
}

/// A failure of a store, an artifact or the local disk.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The object or the artifact is not in the store.
    #[error("{what} is not in the store")]
    NotFound {
        /// The object's address.
        what: String,
    },
    /// Bytes differ from their digest or their recorded size.
    #[error("{what} is corrupt: expected {expected}, found {actual}")]
    DigestMismatch {
        /// The object's address, or the local file.
        what: String,
        /// The digest or size that was promised.
        expected: String,
        /// The digest or size of what is there.
        actual: String,
    },
    /// A manifest of a kind or a format version that this program does not know.
    #[error(
        "{what} has kind {kind:?} and format version {format_version}; this program reads {known}"
    )]
    UnknownFormat {
        /// The manifest's address.
        what: String,
        /// Its `kind`.
        kind: String,
        /// Its `formatVersion`.
        format_version: u64,
        /// What would have been understood.
        known: String,
    },
    /// Content that breaks the rules of an artifact: a malformed manifest, an unsafe path, too large.
    #[error("{what} is invalid: {message}")]
    InvalidContent {
        /// What is invalid.
        what: String,
        /// The rule that is broken, with the field.
        message: String,
    },
    /// A store address, an owner or a variable that cannot be used.
    #[error("{name} is invalid: {message}")]
    InvalidLocation {
        /// The variable or argument.
        name: String,
        /// What is wrong with it.
        message: String,
    },
    /// The store refused the credentials or the permission.
    #[error("access denied by {endpoint} ({operation}): {message}")]
    AccessDenied {
        /// The store.
        endpoint: String,
        /// What was asked of it.
        operation: String,
        /// Its answer.
        message: String,
    },
    /// There are no credentials to use.
    #[error("storage credentials are missing: {message}")]
    CredentialsMissing {
        /// Where they were looked for, and which key is missing.
        message: String,
    },
    /// The bucket does not exist. Creating it is the administrator's task.
    #[error(
        "bucket {bucket:?} does not exist at {endpoint}; it has to be created by its administrator"
    )]
    BucketNotFound {
        /// The bucket.
        bucket: String,
        /// The store.
        endpoint: String,
    },
    /// The store did not answer, or not as it should.
    #[error("storage is unavailable at {endpoint} ({operation}): {message}")]
    Unavailable {
        /// The store.
        endpoint: String,
        /// What was asked of it.
        operation: String,
        /// What happened.
        message: String,
        /// What to expect of the same request.
        outlook: Outlook,
    },
    /// The store lacks a property that correctness rests on.
    #[error("{store} is unfit for artifacts: check {} failed: {message}", check.name())]
    Unfit {
        /// The store.
        store: String,
        /// The check that failed.
        check: PreflightCheck,
        /// What was seen.
        message: String,
    },
    /// The local disk failed.
    #[error("cannot {action} {}: {source}", path.display())]
    Local {
        /// What was tried.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
}

impl Error {
    /// The reason in the words of the Job protocol, for conditions, Events and metrics.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "ArtifactNotFound",
            Self::DigestMismatch { .. } => "DigestMismatch",
            Self::UnknownFormat { .. } => "UnknownFormat",
            Self::InvalidContent { .. } => "InvalidData",
            Self::InvalidLocation { .. } => "InvalidParameters",
            Self::AccessDenied { .. } => "StorageAccessDenied",
            Self::CredentialsMissing { .. } => "CredentialsMissing",
            Self::BucketNotFound { .. } => "BucketNotFound",
            Self::Unavailable { .. } => "StorageUnavailable",
            Self::Unfit { .. } => "StorageUnfit",
            Self::Local { source, .. } if is_disk_full(source) => "OutOfDisk",
            Self::Local { .. } => "Internal",
        }
    }

    /// Whether the same work may succeed later without a change of its inputs: after the store is
    /// back, credentials are put right, a bucket is created or room is made.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::AccessDenied { .. }
            | Self::CredentialsMissing { .. }
            | Self::BucketNotFound { .. }
            | Self::Unavailable { .. }
            | Self::Unfit { .. } => true,
            Self::Local { source, .. } => is_disk_full(source),
            Self::NotFound { .. }
            | Self::DigestMismatch { .. }
            | Self::UnknownFormat { .. }
            | Self::InvalidContent { .. }
            | Self::InvalidLocation { .. } => false,
        }
    }

    /// Whether to repeat the request right away, after a pause of seconds. Narrower than
    /// [`Error::is_retryable`]: wrong credentials do not get better within seconds.
    pub(crate) fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Unavailable {
                outlook: Outlook::Passing,
                ..
            }
        )
    }

    pub(crate) fn local(action: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::Local {
            action,
            path: path.to_path_buf(),
            source,
        }
    }

    pub(crate) fn digest(what: impl Into<String>, expected: Sha256, actual: Sha256) -> Self {
        Self::DigestMismatch {
            what: what.into(),
            expected: format!("sha256 {expected}"),
            actual: format!("sha256 {actual}"),
        }
    }

    pub(crate) fn size(what: impl Into<String>, expected: u64, actual: u64) -> Self {
        Self::DigestMismatch {
            what: what.into(),
            expected: format!("{expected} bytes"),
            actual: format!("{actual} bytes"),
        }
    }

    pub(crate) fn invalid_content(what: impl Into<String>, message: impl Into<String>) -> Self {
        Self::InvalidContent {
            what: what.into(),
            message: message.into(),
        }
    }

    pub(crate) fn invalid_location(name: impl Into<String>, message: impl Into<String>) -> Self {
        Self::InvalidLocation {
            name: name.into(),
            message: message.into(),
        }
    }
}

fn is_disk_full(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_named_and_may_be_tried_again() {
        let full = Error::local(
            "write",
            Path::new("/x"),
            std::io::ErrorKind::StorageFull.into(),
        );
        assert_eq!((full.reason(), full.is_retryable()), ("OutOfDisk", true));
        let other = Error::local(
            "write",
            Path::new("/x"),
            std::io::ErrorKind::NotFound.into(),
        );
        assert_eq!((other.reason(), other.is_retryable()), ("Internal", false));
    }

    #[test]
    fn credentials_may_be_put_right_later_but_not_within_seconds() {
        let error = Error::CredentialsMissing {
            message: String::new(),
        };
        assert!(error.is_retryable());
        assert!(!error.is_transient());
    }

    #[test]
    fn an_unavailable_store_may_be_back_later_whatever_it_answered() {
        for outlook in [Outlook::Passing, Outlook::Refused, Outlook::Lasting] {
            let error = Error::Unavailable {
                endpoint: String::new(),
                operation: String::new(),
                message: String::new(),
                outlook,
            };
            assert!(error.is_retryable());
            assert_eq!(error.is_transient(), outlook == Outlook::Passing);
        }
    }

    #[test]
    fn corrupt_content_is_final() {
        let error = Error::digest("x", Sha256::of(b"a"), Sha256::of(b"b"));
        assert!(!error.is_retryable());
        assert!(error.to_string().contains(&Sha256::of(b"b").to_string()));
    }
}
