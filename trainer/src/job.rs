//! What every subcommand works with: the store, a work folder, progress, threads and the wish to
//! end. The subcommands themselves are in files of their own.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use searchop_artifacts::{
    ArtifactRepository, ArtifactUri, Error, Kind, Owner, S3Connection, Sha256, StoreLocation,
    preflight,
};
use searchop_ranking::bundle::canonical_json;
use serde_json::Value;
use tempfile::TempDir;

use crate::cli::JobOptions;
use crate::failure::Failure;
use crate::outcome::{Outcome, Success};
use crate::progress::{Progress, Stage};
use crate::request::InputFile;
use crate::threads::threads_of_this_process;

/// This program's version.
pub const TRAINER_VERSION: &str = env!("CARGO_PKG_VERSION");

/// A wish to end that long work looks at; clones share it.
#[derive(Clone, Debug, Default)]
pub struct StopWish(Arc<AtomicBool>);

impl StopWish {
    /// Asks to end.
    pub fn ask(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether to go on.
    pub fn check(&self) -> ControlFlow<()> {
        if self.0.load(Ordering::Relaxed) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}

/// One run of a subcommand.
#[derive(Debug)]
pub struct Job {
    /// Where the Job is.
    pub progress: Progress,
    /// Threads to train with.
    pub threads: usize,
    /// Whether to end early.
    pub stop: StopWish,
    store: Option<String>,
    work: TempDir,
}

impl Job {
    /// Prepares a run.
    ///
    /// # Errors
    /// The work folder cannot be created, or `--threads` is 0.
    pub fn new(options: &JobOptions, progress: Progress) -> Result<Self, Failure> {
        let threads = match options.threads {
            Some(0) => return Err(Failure::parameters("--threads 0 is not at least 1")),
            Some(threads) => threads,
            None => threads_of_this_process(),
        };
        // A folder of its own within the work directory: what a killed attempt left there is
        // never mistaken for this attempt's.
        let builder = tempfile::Builder::new().prefix("searchop-").to_owned();
        let work = match options
            .work_directory
            .as_ref()
            .filter(|text| !text.is_empty())
        {
            Some(folder) => {
                std::fs::create_dir_all(folder).and_then(|()| builder.tempdir_in(folder))
            }
            None => builder.tempdir(),
        };
        let work = work.map_err(|error| Failure::local_file("create a work folder", &error))?;
        Ok(Self {
            progress,
            threads,
            stop: StopWish::default(),
            store: options.store.clone().filter(|text| !text.is_empty()),
            work,
        })
    }

    /// A path in the work folder.
    #[must_use]
    pub fn work_path(&self, name: &str) -> PathBuf {
        self.work.path().join(name)
    }

    /// Opens this Job's store and checks that it keeps what correctness rests on.
    ///
    /// # Errors
    /// No store is named, or what the check finds.
    pub async fn open_store(&self) -> Result<ArtifactRepository, Failure> {
        let Some(uri) = &self.store else {
            return Err(Failure::parameters(
                "no store is named: set --store or SEARCHOP_STORE",
            ));
        };
        self.progress.begin(Stage::Download);
        let location = StoreLocation::from_environment_with_uri(uri)?;
        let repository = ArtifactRepository::open(&location).await?;
        preflight(repository.store()).await?;
        Ok(repository)
    }

    /// How S3 is reached, for inputs outside this Job's store.
    ///
    /// # Errors
    /// A malformed variable.
    pub fn connection(&self) -> Result<S3Connection, Failure> {
        Ok(S3Connection::from_environment()?)
    }

    /// The address, the digest and the store of an artifact.
    ///
    /// # Errors
    /// The address names no artifact, or another one than the digest does.
    pub async fn locate(
        &self,
        artifact: &InputFile,
    ) -> Result<(ArtifactUri, ArtifactRepository), Failure> {
        let uri: ArtifactUri = artifact.uri.parse()?;
        if let Some(expected) = &artifact.sha256
            && *expected != uri.sha256.to_string()
        {
            return Err(Failure::parameters(format!(
                "the address {} and the digest {expected} name different artifacts",
                artifact.uri
            )));
        }
        let location = StoreLocation {
            uri: uri.store.clone(),
            connection: self.connection()?,
        };
        let repository = uri.open(&location).await?;
        Ok((uri, repository))
    }

    /// Fetches an artifact, every byte verified, and returns its metadata.
    ///
    /// # Errors
    /// What the store says, and content that is not what its digest promises.
    pub async fn fetch(
        &self,
        repository: ArtifactRepository,
        sha256: Sha256,
        kind: Kind,
        into: &Path,
    ) -> Result<Value, Failure> {
        let progress = self.progress.clone();
        let repository = repository.with_progress(move |transfer| {
            progress.part(Stage::Download, transfer.done_bytes, transfer.total_bytes);
        });
        Ok(repository.fetch(sha256, kind, into).await?.metadata)
    }

    /// The result that an earlier attempt of `owner` left for the same inputs, if its artifact is
    /// still there. A result that is of no use any more is removed, so that this attempt's takes
    /// its place.
    ///
    /// # Errors
    /// What the store says.
    pub async fn earlier_result(
        &self,
        repository: &ArtifactRepository,
        owner: &Owner,
        inputs: Sha256,
    ) -> Result<Option<Success>, Failure> {
        let message = match repository.read_result(owner, inputs).await {
            Ok(None) => return Ok(None),
            Ok(Some(message)) => message,
            Err(Error::DigestMismatch { .. } | Error::InvalidContent { .. }) => {
                repository.remove_result(owner, inputs).await?;
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        let usable = match serde_json::from_value(message) {
            Ok(Outcome::Succeeded(mut success)) => {
                success.mark_reused().map(|sha256| (success, sha256))
            }
            _ => None,
        };
        if let Some((success, sha256)) = usable
            && let Ok(sha256) = sha256.parse::<Sha256>()
        {
            repository.refer(sha256, owner).await?;
            match repository.check(sha256).await {
                Ok(_) => return Ok(Some(success)),
                Err(error) if error.is_retryable() => return Err(error.into()),
                Err(_) => {}
            }
        }
        repository.remove_result(owner, inputs).await?;
        Ok(None)
    }

    /// Leaves the result for later attempts.
    ///
    /// # Errors
    /// What the store says.
    pub async fn leave_result(
        &self,
        repository: &ArtifactRepository,
        owner: &Owner,
        inputs: Sha256,
        success: &Success,
    ) -> Result<(), Failure> {
        let message =
            serde_json::to_value(Outcome::Succeeded(success.clone())).map_err(Failure::internal)?;
        repository.write_result(owner, inputs, &message).await?;
        Ok(())
    }
}

/// Runs blocking work on a thread of its own, so that progress is answered meanwhile.
///
/// # Errors
/// What the work returns, or that it panicked.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| match error.try_into_panic() {
            Ok(cause) => Failure::panicked(cause.as_ref()),
            Err(error) => Failure::internal(format!("a worker thread failed: {error}")),
        })?
}

/// The digest of what a result depends on.
#[must_use]
pub fn inputs_digest(inputs: &Value) -> Sha256 {
    let text = canonical_json(inputs).expect("a JSON value is JSON");
    Sha256::of(text.as_bytes())
}
