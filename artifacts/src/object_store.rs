//! What an object store must do, and nothing about how.
//!
//! The trait has no way to overwrite an object: that is what makes content addressing safe with
//! several writers. `tests/conformance.rs` runs one suite over every implementation.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use bytes::Bytes;

use crate::digest::{Digest, Sha256};
use crate::error::Error;

/// The content of an object to write.
#[derive(Clone, Debug)]
pub enum Body {
    /// Bytes in memory.
    Bytes(Bytes),
    /// A local file; it must not change while it is written.
    File(PathBuf),
}

/// What a conditional put did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutOutcome {
    /// The object was written.
    Created,
    /// An object of this key was there and is untouched. It may also be this caller's own, from a
    /// request whose answer was lost; whoever needs to know compares digests.
    AlreadyExists,
}

/// One object of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectInfo {
    /// The key, relative to the store.
    pub key: String,
    /// The size of its content.
    pub size_bytes: u64,
}

/// Told how many bytes of the object have been transferred so far, counted from its start. The
/// figure falls back when a transfer starts over.
pub type OnBytes<'a> = &'a (dyn Fn(u64) + Send + Sync);

/// An [`OnBytes`] for callers that do not follow progress.
pub fn ignore_progress(_: u64) {}

/// A flat set of immutable objects. Keys are names of `[A-Za-z0-9._-]` joined by `/`; a key must
/// not be a folder of another (`a` and `a/b`). Implementations retry what is transient, and every
/// call ends in bounded time.
#[async_trait]
pub trait ObjectStore: Send + Sync + std::fmt::Debug {
    /// The address of the store, without credentials, for messages and artifact URIs.
    fn uri(&self) -> &str;

    /// Writes an object unless its key is taken. The object appears whole or not at all, and only
    /// when its bytes have the digest `sha256`; large ones go in parts.
    ///
    /// # Errors
    /// [`Error::DigestMismatch`] when the body has another digest, and the store's failures.
    async fn put_if_absent(
        &self,
        key: &str,
        body: &Body,
        sha256: Sha256,
        on_bytes: OnBytes<'_>,
    ) -> Result<PutOutcome, Error>;

    /// As [`ObjectStore::put_if_absent`], in the way large objects go whatever the size, and without
    /// looking first whether the key is taken: a preflight sees by it whether the store does refuse.
    ///
    /// # Errors
    /// As [`ObjectStore::put_if_absent`].
    async fn put_in_parts_if_absent(
        &self,
        key: &str,
        body: &Body,
        sha256: Sha256,
        on_bytes: OnBytes<'_>,
    ) -> Result<PutOutcome, Error>;

    /// Reads a small object whole.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::InvalidContent`] when it has more than `maximum_bytes`;
    /// [`Error::DigestMismatch`] when `expected` is given and differs.
    async fn get(
        &self,
        key: &str,
        expected: Option<Sha256>,
        maximum_bytes: u64,
    ) -> Result<Bytes, Error>;

    /// Reads an object into a new local file, hashing on the way. On failure no file is left.
    ///
    /// # Errors
    /// As [`ObjectStore::get`], and [`Error::Local`].
    async fn get_to_file(
        &self,
        key: &str,
        path: &Path,
        expected: Option<Sha256>,
        maximum_bytes: u64,
        on_bytes: OnBytes<'_>,
    ) -> Result<Digest, Error>;

    /// Reads an object only to hash it.
    ///
    /// # Errors
    /// [`Error::NotFound`] and the store's failures.
    async fn digest(&self, key: &str) -> Result<Digest, Error>;

    /// The size of an object.
    ///
    /// # Errors
    /// [`Error::NotFound`] and the store's failures.
    async fn head(&self, key: &str) -> Result<ObjectInfo, Error>;

    /// Removes an object. Removing an absent one is no error.
    ///
    /// # Errors
    /// The store's failures.
    async fn delete(&self, key: &str) -> Result<(), Error>;

    /// All objects in a folder and the folders below it, sorted by key. `folder` is empty or ends
    /// with `/`.
    ///
    /// # Errors
    /// The store's failures; a folder without objects is an empty list.
    async fn list(&self, folder: &str) -> Result<Vec<ObjectInfo>, Error>;

    /// Removes what interrupted writes under `folder` left behind: space that is paid for and never
    /// seen. A write of the same folder that is still running starts over. Returns how many there
    /// were.
    ///
    /// # Errors
    /// The store's failures.
    async fn discard_unfinished(&self, folder: &str) -> Result<usize, Error>;
}

/// Checks a finished read against what was promised.
pub(crate) fn verify(what: &str, expected: Option<Sha256>, actual: &Digest) -> Result<(), Error> {
    match expected {
        Some(expected) if expected != actual.sha256 => {
            Err(Error::digest(what, expected, actual.sha256))
        }
        _ => Ok(()),
    }
}

/// The error for an object that is larger than its reader takes.
pub(crate) fn too_large(what: &str, maximum_bytes: u64) -> Error {
    Error::invalid_content(what, format!("it has more than {maximum_bytes} bytes"))
}
