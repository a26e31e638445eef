//! Artifacts in a store: their layout, and who refers to them.
//!
//! ```text
//! artifacts/<digest>/manifest.json      the digest is the SHA-256 of exactly these bytes
//! artifacts/<digest>/files/<path>       listed in the manifest with digest and size
//! references/<digest>/<owner>           who needs the artifact
//! results/<owner>/<inputs>.json         what a Job said it made of these inputs
//! purges/<owner>/<digest>               a purge that has begun
//! ```
//!
//! Whatever is interrupted is repeated from the start and comes to the same end. What is pointed to
//! is written before its pointer and removed after it: an artifact with a manifest is complete.
//!
//! A reference and a purge that cross see each other: one writes its reference and then looks for
//! purges (`refer`), the other writes its note and then looks for references (`purge`).

mod fetch;
mod publish;
mod purge;
mod refer;
mod results;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::digest::Sha256;
use crate::error::Error;
use crate::key::manifest_key;
use crate::location::{ArtifactUri, StoreLocation};
use crate::manifest::{Kind, MAXIMUM_MANIFEST_BYTES, Manifest};
use crate::object_store::ObjectStore;

pub use publish::Published;
pub use purge::PurgeReport;

/// More than a fetch may take from a store, unless told otherwise.
const MAXIMUM_ARTIFACT_BYTES: u64 = 64 * 1024 * 1024 * 1024;

/// How far a transfer of an artifact is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransferProgress {
    /// The file that is being transferred.
    pub path: String,
    /// Bytes of all files that are done.
    pub done_bytes: u64,
    /// Bytes of all files.
    pub total_bytes: u64,
}

type OnProgress = Arc<dyn Fn(&TransferProgress) + Send + Sync>;

/// The artifacts of one store.
#[derive(Clone)]
pub struct ArtifactRepository {
    store: Arc<dyn ObjectStore>,
    on_progress: OnProgress,
    maximum_bytes: u64,
    purge_patience: Duration,
}

impl fmt::Debug for ArtifactRepository {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ArtifactRepository")
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

impl ArtifactRepository {
    /// The artifacts of `store`.
    #[must_use]
    pub fn new(store: Arc<dyn ObjectStore>) -> Self {
        Self {
            store,
            on_progress: Arc::new(|_| {}),
            maximum_bytes: MAXIMUM_ARTIFACT_BYTES,
            purge_patience: refer::PURGE_PATIENCE,
        }
    }

    /// Opens the store at `location`.
    ///
    /// # Errors
    /// As [`crate::open`].
    pub async fn open(location: &StoreLocation) -> Result<Self, Error> {
        Ok(Self::new(crate::open(location).await?))
    }

    /// Has `on_progress` called, often, while files are transferred.
    #[must_use]
    pub fn with_progress(
        mut self,
        on_progress: impl Fn(&TransferProgress) + Send + Sync + 'static,
    ) -> Self {
        self.on_progress = Arc::new(on_progress);
        self
    }

    /// Refuses to fetch artifacts of more than `maximum_bytes`.
    #[must_use]
    pub fn with_maximum_bytes(mut self, maximum_bytes: u64) -> Self {
        self.maximum_bytes = maximum_bytes;
        self
    }

    /// Waits for at most this long until a purge has ended that was begun before an artifact was
    /// referred to. It is to be longer than the 60 s that such a purge may take to notice.
    #[must_use]
    pub fn with_purge_patience(mut self, patience: Duration) -> Self {
        self.purge_patience = patience;
        self
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &dyn ObjectStore {
        self.store.as_ref()
    }

    /// The address of an artifact in this store.
    #[must_use]
    pub fn artifact_uri(&self, sha256: Sha256) -> String {
        format!("{}/artifacts/{sha256}", self.store.uri())
    }

    /// Reads an artifact's manifest. `expected` is the kind it must have; none for any.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::DigestMismatch`], [`Error::UnknownFormat`],
    /// [`Error::InvalidContent`], and the store's failures.
    pub async fn manifest(
        &self,
        sha256: Sha256,
        expected: Option<Kind>,
    ) -> Result<Manifest, Error> {
        Ok(self.manifest_with_bytes(sha256, expected).await?.0)
    }

    async fn manifest_with_bytes(
        &self,
        sha256: Sha256,
        expected: Option<Kind>,
    ) -> Result<(Manifest, Bytes), Error> {
        let key = manifest_key(sha256);
        let bytes = self
            .store
            .get(&key, Some(sha256), MAXIMUM_MANIFEST_BYTES)
            .await?;
        let manifest = Manifest::parse(&self.describe(&key), &bytes, expected)?;
        Ok((manifest, bytes))
    }

    /// Checks that an artifact is there: its manifest by digest, its files by size. It is what a
    /// result of an earlier attempt needs before it is used again.
    ///
    /// # Errors
    /// As [`ArtifactRepository::manifest`]; [`Error::NotFound`] or [`Error::DigestMismatch`] naming
    /// the file.
    pub async fn check(&self, sha256: Sha256) -> Result<Manifest, Error> {
        let manifest = self.manifest(sha256, None).await?;
        self.check_files(sha256, &manifest).await?;
        Ok(manifest)
    }

    async fn check_files(&self, sha256: Sha256, manifest: &Manifest) -> Result<(), Error> {
        for file in &manifest.files {
            let key = crate::key::file_key(sha256, &file.path);
            let found = self.store.head(&key).await?;
            if found.size_bytes != file.size_bytes {
                return Err(Error::size(
                    self.describe(&key),
                    file.size_bytes,
                    found.size_bytes,
                ));
            }
        }
        Ok(())
    }

    fn describe(&self, key: &str) -> String {
        format!("{}/{key}", self.store.uri())
    }
}

impl ArtifactUri {
    /// Opens the store that the artifact is in, over the connection of `location`.
    ///
    /// # Errors
    /// As [`crate::open`].
    pub async fn open(&self, location: &StoreLocation) -> Result<ArtifactRepository, Error> {
        ArtifactRepository::open(&location.with_uri(self.store.clone())).await
    }
}
