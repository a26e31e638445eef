//! Why a reconcile failed, in a form that logs, metrics and the retry policy share.
//!
//! A failure that belongs to the object (bad data, no storage) is no error but a decision with a reason; these are the
//! failures of reaching or changing the cluster.

use crate::fence::NotLeader;

/// Failures by kind: the label of the error metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The object changed since it was read. Tried again at once from fresh observation.
    Conflict,
    /// The API server refuses the operator's rights.
    Forbidden,
    /// The API server refuses what was built: a bug, or an admission policy of the cluster.
    Rejected,
    /// A child's name is taken by an object that is not ours.
    NameTaken,
    /// The API server cannot be reached or is overloaded.
    Unavailable,
    /// This process lost the lease.
    NotLeader,
    /// The object cannot be read as its kind.
    Unreadable,
    /// Anything else that the API server answered.
    Other,
}

impl ErrorKind {
    /// The name in metrics and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Conflict => "Conflict",
            Self::Forbidden => "Forbidden",
            Self::Rejected => "Rejected",
            Self::NameTaken => "NameTaken",
            Self::Unavailable => "Unavailable",
            Self::NotLeader => "NotLeader",
            Self::Unreadable => "Unreadable",
            Self::Other => "Other",
        }
    }
}

/// What stands in the way of a child until a person, or the cluster, puts it right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// The API server refuses it: a missing right, a quota, an admission rule.
    Refused,
    /// Its name is taken by an object that is not ours.
    NameTaken,
}

/// A request to the API server failed, or was not made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot read {kind} {name}: {source}")]
    Read {
        kind: &'static str,
        name: String,
        source: kube::Error,
    },
    #[error("cannot list objects of kind {kind}: {source}")]
    List {
        kind: &'static str,
        source: kube::Error,
    },
    #[error("cannot apply {kind} {name}: {source}")]
    Apply {
        kind: &'static str,
        name: String,
        source: kube::Error,
    },
    #[error("cannot delete {kind} {name}: {source}")]
    Delete {
        kind: &'static str,
        name: String,
        source: kube::Error,
    },
    #[error("cannot write the status of {kind} {name}: {source}")]
    Status {
        kind: &'static str,
        name: String,
        source: kube::Error,
    },
    #[error("cannot change the finalizers of {kind} {name}: {source}")]
    Finalizer {
        kind: &'static str,
        name: String,
        source: kube::Error,
    },
    #[error(
        "{kind} {name} exists and {holder}: it is left alone; delete or rename it, or rename this object"
    )]
    NameTaken {
        kind: &'static str,
        name: String,
        /// Whose it is, such as `belongs to Deployment other`.
        holder: String,
    },
    #[error("{kind} {name} is left from an earlier object of this name, and is being deleted")]
    NameNotFreeYet { kind: &'static str, name: String },
    #[error("{kind} {name}: the API server did not answer in time")]
    TimedOut { kind: &'static str, name: String },
    #[error("cannot record an event: {source}")]
    Event { source: kube::Error },
    #[error("{kind} {name} cannot be read as its kind: {message}")]
    Unreadable {
        kind: &'static str,
        name: String,
        message: String,
    },
}

impl Error {
    /// The failure's kind.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NameTaken { .. } => ErrorKind::NameTaken,
            Self::NameNotFreeYet { .. } => ErrorKind::Conflict,
            Self::Unreadable { .. } => ErrorKind::Unreadable,
            Self::TimedOut { .. } => ErrorKind::Unavailable,
            Self::Read { source, .. }
            | Self::List { source, .. }
            | Self::Apply { source, .. }
            | Self::Delete { source, .. }
            | Self::Status { source, .. }
            | Self::Finalizer { source, .. }
            | Self::Event { source } => kind_of(source),
        }
    }

    /// What stands in the way of a child, if that is what failed, and not a passing trouble of the API server's.
    #[must_use]
    pub fn obstacle(&self) -> Option<Obstacle> {
        match self {
            Self::NameTaken { .. } => Some(Obstacle::NameTaken),
            Self::Apply { source, .. } | Self::Delete { source, .. } => match kind_of(source) {
                ErrorKind::Forbidden | ErrorKind::Rejected | ErrorKind::Other => {
                    Some(Obstacle::Refused)
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// The failure for people: of the API server's answer only its message.
    #[must_use]
    pub fn note(&self) -> String {
        match self {
            Self::Apply {
                kind,
                name,
                source: kube::Error::Api(status),
            }
            | Self::Delete {
                kind,
                name,
                source: kube::Error::Api(status),
            } => format!(
                "the API server refuses {kind} {name}: {}; tried again without end",
                status.message
            ),
            other => other.to_string(),
        }
    }

    /// Whether the object's namespace is being deleted, so that nothing can be created in it.
    #[must_use]
    pub fn is_namespace_terminating(&self) -> bool {
        let Self::Apply {
            source: kube::Error::Api(status),
            ..
        } = self
        else {
            return false;
        };
        status.details.as_ref().is_some_and(|details| {
            details
                .causes
                .iter()
                .any(|cause| cause.reason == "NamespaceTerminating")
        })
    }
}

fn kind_of(error: &kube::Error) -> ErrorKind {
    match error {
        kube::Error::Api(status) if status.is_conflict() => ErrorKind::Conflict,
        kube::Error::Api(status) if status.is_forbidden() || status.code == 401 => {
            ErrorKind::Forbidden
        }
        kube::Error::Api(status) if status.is_invalid() || status.code == 400 => {
            ErrorKind::Rejected
        }
        kube::Error::Api(status) if status.code == 429 || status.code >= 500 => {
            ErrorKind::Unavailable
        }
        kube::Error::Service(source) if source.is::<NotLeader>() => ErrorKind::NotLeader,
        kube::Error::Service(_) | kube::Error::HyperError(_) => ErrorKind::Unavailable,
        kube::Error::SerdeError(_) => ErrorKind::Unreadable,
        _ => ErrorKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::core::Status;

    fn api(code: u16, reason: &str) -> Error {
        Error::Apply {
            kind: "Job",
            name: "a".to_owned(),
            source: kube::Error::Api(Status::failure("no", reason).with_code(code).boxed()),
        }
    }

    #[test]
    fn answers_of_the_api_server_have_their_kinds() {
        assert_eq!(api(409, "Conflict").kind(), ErrorKind::Conflict);
        assert_eq!(api(403, "Forbidden").kind(), ErrorKind::Forbidden);
        assert_eq!(api(422, "Invalid").kind(), ErrorKind::Rejected);
        assert_eq!(
            api(503, "ServiceUnavailable").kind(),
            ErrorKind::Unavailable
        );
        assert_eq!(api(418, "Teapot").kind(), ErrorKind::Other);
    }

    #[test]
    fn only_what_does_not_pass_is_an_obstacle() {
        for (code, reason, obstacle) in [
            (403, "Forbidden", Some(Obstacle::Refused)),
            (422, "Invalid", Some(Obstacle::Refused)),
            (409, "Conflict", None),
            (429, "TooManyRequests", None),
            (503, "ServiceUnavailable", None),
        ] {
            assert_eq!(api(code, reason).obstacle(), obstacle, "{reason}");
        }
        let note = api(403, "Forbidden").note();
        assert_eq!(
            note,
            "the API server refuses Job a: no; tried again without end"
        );
    }
}
