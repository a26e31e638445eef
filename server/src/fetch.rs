//! The init step of a serving pod: brings bundles from the store to the disk, every byte verified.
//! The only part of the server that knows the store, and that has credentials for it.
//!
//! A bundle that can never be served (corrupt, absent, of an unknown format) is noted beside the
//! others, so that it cannot keep a pod from serving those; unless it is required. What may succeed
//! later is tried again, and then left to the pod's restart; unless nobody awaits it, then it is
//! noted like the others.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use searchop_artifacts::{ArtifactRepository, ArtifactUri, Kind, S3Connection, StoreLocation};
use serde::Serialize;
use thiserror::Error;
use tokio::time::Instant;
use tracing::{error, info, warn};

use crate::command::{BundleSource, FetchArguments};
use crate::digest::Digest;
use crate::tracks::TrackFailure;

/// All bundles are there, or noted as unusable.
pub const EXIT_FETCHED: u8 = 0;
/// A required bundle can never be served.
pub const EXIT_UNUSABLE: u8 = 65;
/// This program or its disk failed.
pub const EXIT_INTERNAL: u8 = 70;
/// The store did not give what it should; a later attempt may succeed.
pub const EXIT_RETRY: u8 = 75;

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
/// Kubernetes keeps 4,096 bytes of a termination message; quoting may double some of these.
const MAXIMUM_MESSAGE_BYTES: usize = 1_500;
/// How long all bundles together that nobody awaits may hold up a pod's start.
const UNAWAITED_TIME: Duration = Duration::from_secs(60);

/// Why a bundle was not fetched.
#[derive(Debug, Error)]
pub enum FetchError {
    /// The store, or what it holds.
    #[error(transparent)]
    Artifact(#[from] searchop_artifacts::Error),
    /// The address names another artifact than the digest does.
    #[error("{uri} does not name the digest {sha256}")]
    OtherDigest {
        /// The address.
        uri: String,
        /// The digest.
        sha256: Digest,
    },
    /// Nobody awaits the bundle, and it is not there yet.
    #[error("not fetched within {} s", UNAWAITED_TIME.as_secs())]
    TooSlow,
    /// The step was asked to stop.
    #[error("asked to stop before all bundles were fetched")]
    Stopped,
    /// The disk failed.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
}

impl FetchError {
    /// The reason in the words of the Job protocol.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Artifact(error) => error.reason(),
            Self::OtherDigest { .. } => "DigestMismatch",
            Self::TooSlow | Self::Stopped => "StorageUnavailable",
            Self::Write { .. } => "Internal",
        }
    }

    /// Whether the same may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Artifact(error) => error.is_retryable(),
            Self::TooSlow | Self::Stopped => true,
            Self::OtherDigest { .. } | Self::Write { .. } => false,
        }
    }

    fn exit_code(&self) -> u8 {
        if self.is_retryable() {
            EXIT_RETRY
        } else if self.reason() == "Internal" {
            EXIT_INTERNAL
        } else {
            EXIT_UNUSABLE
        }
    }

    fn failure(&self) -> TrackFailure {
        let mut message = self.to_string();
        let end = (0..=MAXIMUM_MESSAGE_BYTES)
            .rev()
            .find(|end| message.is_char_boundary(*end))
            .unwrap_or(0);
        message.truncate(end);
        TrackFailure {
            reason: self.reason().to_owned(),
            message,
        }
    }
}

/// The termination message.
#[derive(Debug, Serialize)]
#[serde(tag = "outcome")]
enum Report {
    Succeeded {
        bundles: Vec<Digest>,
        unusable: BTreeMap<Digest, String>,
    },
    Failed {
        retryable: bool,
        #[serde(flatten)]
        failure: TrackFailure,
    },
}

/// Fetches all bundles, or as many as it can until `stop` completes, writes the result file, and gives
/// the exit code. A bundle that was not finished is left without its manifest: it is not there.
pub async fn run(arguments: &FetchArguments, stop: impl Future<Output = ()>) -> u8 {
    let fetched = tokio::select! {
        biased;
        fetched = fetch_all(arguments) => fetched,
        () = stop => Err(FetchError::Stopped),
    };
    let (report, code) = match fetched {
        Ok(report) => (report, EXIT_FETCHED),
        Err(error) => {
            let (failure, retryable) = (error.failure(), error.is_retryable());
            error!(
                reason = failure.reason,
                message = failure.message,
                retryable,
                "cannot fetch"
            );
            (Report::Failed { retryable, failure }, error.exit_code())
        }
    };
    let text = serde_json::to_vec(&report).expect("a report is made of strings and flags");
    if let Err(error) = tokio::fs::write(&arguments.result_file, text).await {
        // The exit code still tells; on a laptop there is no termination message.
        warn!(path = %arguments.result_file.display(), %error, "cannot write the result file");
    }
    code
}

/// The required bundles first: without them there is nothing to serve. Those that nobody awaits last,
/// for they may have to be left out.
async fn fetch_all(arguments: &FetchArguments) -> Result<Report, FetchError> {
    let patience = Duration::from_millis(arguments.retry_milliseconds);
    let deadline = Instant::now() + patience;
    let mut sources: Vec<&BundleSource> = arguments.bundles.iter().collect();
    sources.sort_by_key(|source| {
        (
            !arguments.is_required(&source.sha256),
            !arguments.is_awaited(&source.sha256),
        )
    });
    let mut unawaited_deadline = None;
    let mut bundles = Vec::new();
    let mut unusable = BTreeMap::new();
    for source in sources {
        let note = failure_file(&arguments.into, &source.sha256);
        let fetched = if arguments.is_awaited(&source.sha256) {
            fetch_until(source, &arguments.into, deadline).await
        } else {
            let end = *unawaited_deadline.get_or_insert_with(|| Instant::now() + UNAWAITED_TIME);
            tokio::time::timeout_at(end, fetch(source, &arguments.into))
                .await
                .unwrap_or(Err(FetchError::TooSlow))
        };
        match fetched {
            Ok(()) => {
                // A note of an earlier attempt would still speak against it.
                remove(&note).await?;
                info!(model = %source.sha256, "fetched");
                bundles.push(source.sha256.clone());
            }
            Err(error) if fails_step(arguments, source, &error) => return Err(error),
            Err(error) => {
                let failure = error.failure();
                warn!(model = %source.sha256, reason = failure.reason, message = failure.message, "left out");
                let text = serde_json::to_vec(&failure).expect("a failure is made of strings");
                let written = tokio::fs::write(&note, text).await;
                written.map_err(|source| FetchError::Write { path: note, source })?;
                unusable.insert(source.sha256.clone(), failure.reason);
            }
        }
    }
    Ok(Report::Succeeded { bundles, unusable })
}

/// Whether the step cannot end well without this bundle.
fn fails_step(arguments: &FetchArguments, source: &BundleSource, error: &FetchError) -> bool {
    if error.is_retryable() {
        arguments.is_awaited(&source.sha256)
    } else {
        arguments.is_required(&source.sha256) || error.reason() == "Internal"
    }
}

async fn remove(path: &Path) -> Result<(), FetchError> {
    match tokio::fs::remove_file(path).await {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(FetchError::Write {
            path: path.to_owned(),
            source,
        }),
        _ => Ok(()),
    }
}

/// Tries until it succeeds, can never succeed, or the deadline is over.
async fn fetch_until(
    source: &BundleSource,
    into: &Path,
    deadline: Instant,
) -> Result<(), FetchError> {
    let mut pause = FIRST_PAUSE;
    loop {
        let error = match fetch(source, into).await {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        if !error.is_retryable() || Instant::now() + pause > deadline {
            return Err(error);
        }
        warn!(model = %source.sha256, %error, pause_seconds = pause.as_secs(), "cannot fetch, trying again");
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn fetch(source: &BundleSource, into: &Path) -> Result<(), FetchError> {
    let uri: ArtifactUri = source.uri.parse()?;
    if uri.sha256.to_string() != source.sha256.as_str() {
        return Err(FetchError::OtherDigest {
            uri: source.uri.clone(),
            sha256: source.sha256.clone(),
        });
    }
    let location = StoreLocation {
        uri: uri.store.clone(),
        connection: S3Connection::from_environment()?,
    };
    let repository = ArtifactRepository::open(&location).await?;
    repository
        .fetch(
            uri.sha256,
            Kind::ModelBundle,
            &into.join(source.sha256.as_str()),
        )
        .await?;
    Ok(())
}

/// Where it is noted that a bundle cannot be served: `<digest>.failed.json`.
pub fn failure_file(bundles: &Path, digest: &Digest) -> PathBuf {
    bundles.join(format!("{digest}.failed.json"))
}
