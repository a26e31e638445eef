//! Content-addressed artifacts in an object store: datasets and model bundles.
//!
//! [`ArtifactRepository`] publishes, fetches, and purges artifacts; it stands on [`ObjectStore`],
//! which is S3 ([`S3Store`]) or a directory ([`DirectoryStore`]). Every byte that is read is checked
//! against a SHA-256 digest, and nothing is ever overwritten. This crate knows neither Kubernetes
//! nor what is inside an artifact.

mod digest;
mod directory;
mod error;
mod key;
mod local_file;
mod location;
mod manifest;
mod object_store;
mod open;
mod preflight;
mod repository;
mod retry;
mod s3;
mod settings;

pub use digest::{Digest, InvalidSha256, Sha256, digest_file};
pub use directory::DirectoryStore;
pub use error::{Error, Outlook, PreflightCheck};
pub use key::Owner;
pub use location::{ArtifactUri, S3Connection, StoreLocation, StoreUri};
pub use manifest::{Kind, Manifest, ManifestFile};
pub use object_store::{Body, ObjectInfo, ObjectStore, OnBytes, PutOutcome, ignore_progress};
pub use open::{fetch_input, open};
pub use preflight::preflight;
pub use repository::{ArtifactRepository, Published, PurgeReport, TransferProgress};
pub use s3::S3Store;
pub use settings::{RetrySettings, TransferSettings};
