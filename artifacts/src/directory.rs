//! The store in a directory: for laptops and tests, with the guarantees of the one on S3.
//!
//! An object is written beside the others, flushed to disk, and then linked to its name; a link
//! fails when the name is taken, so two writers cannot overwrite each other. A reader never sees a
//! half-written object. It is not for network disks that lack hard links.

use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;

use crate::digest::{Digest, Hasher, Sha256};
use crate::error::Error;
use crate::key::{check_folder, check_key};
use crate::local_file::PendingFile;
use crate::object_store::{Body, ObjectInfo, ObjectStore, OnBytes, PutOutcome, too_large, verify};

/// Where objects are written before they get their name; same disk, never listed.
const INCOMING: &str = ".incoming";
/// What an interrupted process left in there is removed after this long.
const INCOMING_KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// A deletion may remove an empty folder just as a put is about to use it; the put then repeats.
const FOLDER_ATTEMPTS: usize = 10;
const COPY_SIZE: usize = 256 * 1024;

/// A store in a local directory.
#[derive(Clone, Debug)]
pub struct DirectoryStore {
    root: PathBuf,
    uri: String,
}

impl DirectoryStore {
    /// Opens the store in `root`, which is created when absent.
    ///
    /// # Errors
    /// [`Error::Local`] when the directory cannot be created.
    pub fn open(root: &Path) -> Result<Self, Error> {
        let failed = |source| Error::local("create", root, source);
        std::fs::create_dir_all(root).map_err(failed)?;
        let root = root.canonicalize().map_err(failed)?;
        let incoming = root.join(INCOMING);
        std::fs::create_dir_all(&incoming)
            .map_err(|source| Error::local("create", &incoming, source))?;
        remove_stale(&incoming, SystemTime::now());
        let uri = format!("file://{}", root.display());
        Ok(Self { root, uri })
    }

    fn path(&self, key: &str) -> Result<PathBuf, Error> {
        check_key(key)?;
        if key.split('/').next() == Some(INCOMING) {
            return Err(Error::invalid_location(
                format!("object key {key:?}"),
                "the store keeps unfinished objects under this name",
            ));
        }
        Ok(self.root.join(key))
    }

    fn describe(&self, key: &str) -> String {
        format!("{}/{key}", self.uri)
    }
}

fn remove_stale(incoming: &Path, now: SystemTime) {
    // Best effort: what cannot be removed is invisible to readers and only takes space.
    let Ok(entries) = std::fs::read_dir(incoming) else {
        return;
    };
    for entry in entries.flatten() {
        let modified = entry.metadata().and_then(|metadata| metadata.modified());
        let stale = modified.is_ok_and(|time| {
            now.duration_since(time)
                .is_ok_and(|age| age > INCOMING_KEPT)
        });
        if stale && let Err(error) = std::fs::remove_file(entry.path()) {
            tracing::warn!(path = %entry.path().display(), %error, "cannot remove a stale file");
        }
    }
}

/// Disk work goes to a thread of its own so that it does not hold up the runtime.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(error) => Err(Error::local(
                "finish work on",
                Path::new("the directory store"),
                std::io::Error::other(error),
            )),
        },
    }
}

#[async_trait]
impl ObjectStore for DirectoryStore {
    fn uri(&self) -> &str {
        &self.uri
    }

    async fn put_if_absent(
        &self,
        key: &str,
        body: &Body,
        sha256: Sha256,
        on_bytes: OnBytes<'_>,
    ) -> Result<PutOutcome, Error> {
        let target = self.path(key)?;
        let incoming = self.root.join(INCOMING);
        let what = self.describe(key);
        let body = body.clone();
        let root = self.root.clone();
        let (outcome, size_bytes) = blocking(move || {
            // The usual case of a repeated publish, found without writing anything.
            if target.is_file() {
                return Ok((PutOutcome::AlreadyExists, 0));
            }
            let (temporary, digest) = write_incoming(&incoming, &body)?;
            verify(&what, Some(sha256), &digest)?;
            Ok((link(&root, temporary.path(), &target)?, digest.size_bytes))
        })
        .await?;
        on_bytes(size_bytes);
        Ok(outcome)
    }

    async fn put_in_parts_if_absent(
        &self,
        key: &str,
        body: &Body,
        sha256: Sha256,
        on_bytes: OnBytes<'_>,
    ) -> Result<PutOutcome, Error> {
        self.put_if_absent(key, body, sha256, on_bytes).await
    }

    async fn get(
        &self,
        key: &str,
        expected: Option<Sha256>,
        maximum_bytes: u64,
    ) -> Result<Bytes, Error> {
        let path = self.path(key)?;
        let what = self.describe(key);
        blocking(move || {
            let mut bytes = Vec::new();
            let digest = copy(&path, &what, maximum_bytes, |part| {
                bytes.extend_from_slice(part);
                Ok(())
            })?;
            verify(&what, expected, &digest)?;
            Ok(Bytes::from(bytes))
        })
        .await
    }

    async fn get_to_file(
        &self,
        key: &str,
        path: &Path,
        expected: Option<Sha256>,
        maximum_bytes: u64,
        on_bytes: OnBytes<'_>,
    ) -> Result<Digest, Error> {
        let source = self.path(key)?;
        let what = self.describe(key);
        let path = path.to_path_buf();
        let digest = blocking(move || {
            let target = PendingFile::create_for(&path)?;
            let digest = copy(&source, &what, maximum_bytes, |part| {
                target
                    .file()
                    .write_all(part)
                    .map_err(|source| Error::local("write", &path, source))
            })?;
            verify(&what, expected, &digest)?;
            target.persist(&path)?;
            Ok(digest)
        })
        .await?;
        on_bytes(digest.size_bytes);
        Ok(digest)
    }

    async fn digest(&self, key: &str) -> Result<Digest, Error> {
        let path = self.path(key)?;
        let what = self.describe(key);
        blocking(move || copy(&path, &what, u64::MAX, |_| Ok(()))).await
    }

    async fn head(&self, key: &str) -> Result<ObjectInfo, Error> {
        let path = self.path(key)?;
        let key = key.to_owned();
        let what = self.describe(&key);
        blocking(move || {
            let metadata =
                std::fs::metadata(&path).map_err(|error| read_error(&path, &what, error))?;
            if !metadata.is_file() {
                return Err(Error::NotFound { what });
            }
            Ok(ObjectInfo {
                key,
                size_bytes: metadata.len(),
            })
        })
        .await
    }

    async fn delete(&self, key: &str) -> Result<(), Error> {
        let path = self.path(key)?;
        let root = self.root.clone();
        blocking(move || {
            match std::fs::remove_file(&path) {
                Ok(()) => {}
                Err(error) if is_absent(&error) => {}
                Err(error) => return Err(Error::local("remove", &path, error)),
            }
            remove_empty_folders(&root, &path);
            Ok(())
        })
        .await
    }

    async fn list(&self, folder: &str) -> Result<Vec<ObjectInfo>, Error> {
        check_folder(folder)?;
        let root = self.root.clone();
        let start = root.join(folder);
        blocking(move || {
            let mut found = Vec::new();
            collect(&root, &start, &mut found)?;
            found.sort_by(|left, right| left.key.cmp(&right.key));
            Ok(found)
        })
        .await
    }

    async fn discard_unfinished(&self, folder: &str) -> Result<usize, Error> {
        // An unfinished object has no folder yet; opening the store clears old ones.
        check_folder(folder).map(|()| 0)
    }
}

/// Writes the body under a name that no key has, flushed to disk. Dropping the result removes it.
fn write_incoming(incoming: &Path, body: &Body) -> Result<(PendingFile, Digest), Error> {
    let target = PendingFile::create_in(incoming)?;
    let failed = |source| Error::local("write", target.path(), source);
    let digest = match body {
        Body::Bytes(bytes) => {
            target.file().write_all(bytes).map_err(failed)?;
            Digest {
                sha256: Sha256::of(bytes),
                size_bytes: bytes.len() as u64,
            }
        }
        Body::File(path) => {
            let what = path.display().to_string();
            copy_local(path, &what, u64::MAX, |part| {
                target.file().write_all(part).map_err(failed)
            })
            .map_err(|error| match error {
                CopyError::Open(source) => Error::local("read", path, source),
                CopyError::Other(error) => error,
            })?
        }
    };
    target.set_readable()?;
    target.file().sync_all().map_err(failed)?;
    Ok((target, digest))
}

/// Gives the finished file its name, unless the name is taken.
fn link(root: &Path, temporary: &Path, target: &Path) -> Result<PutOutcome, Error> {
    let failed = |source| Error::local("write", target, source);
    let folder = target.parent().unwrap_or(root);
    for _ in 0..FOLDER_ATTEMPTS {
        match std::fs::create_dir_all(folder) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(failed(error)),
        }
        match std::fs::hard_link(temporary, target) {
            Ok(()) => {
                flush_folders(root, folder).map_err(failed)?;
                return Ok(PutOutcome::Created);
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists && target.is_dir() => {
                return Err(failed(ErrorKind::IsADirectory.into()));
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                return Ok(PutOutcome::AlreadyExists);
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
    }
    Err(failed(ErrorKind::NotFound.into()))
}

/// Makes the new name, and new folders above it, survive a power loss.
fn flush_folders(root: &Path, folder: &Path) -> std::io::Result<()> {
    for folder in folder
        .ancestors()
        .take_while(|folder| folder.starts_with(root))
    {
        match std::fs::File::open(folder) {
            Ok(handle) => handle.sync_all()?,
            // Another process removed the object and its empty folder meanwhile.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn remove_empty_folders(root: &Path, path: &Path) {
    for folder in path
        .ancestors()
        .skip(1)
        .take_while(|folder| *folder != root)
    {
        // Fails on the first folder that is not empty, which ends the work.
        if !folder.starts_with(root) || std::fs::remove_dir(folder).is_err() {
            return;
        }
    }
}

/// `a/b` is absent too when `a` is an object.
fn is_absent(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn read_error(path: &Path, what: &str, error: std::io::Error) -> Error {
    if is_absent(&error) {
        Error::NotFound {
            what: what.to_owned(),
        }
    } else {
        Error::local("read", path, error)
    }
}

enum CopyError {
    Open(std::io::Error),
    Other(Error),
}

/// Reads an object in portions, hashing.
fn copy(
    path: &Path,
    what: &str,
    maximum_bytes: u64,
    write: impl FnMut(&[u8]) -> Result<(), Error>,
) -> Result<Digest, Error> {
    copy_local(path, what, maximum_bytes, write).map_err(|error| match error {
        CopyError::Open(source) if source.kind() == ErrorKind::IsADirectory => Error::NotFound {
            what: what.to_owned(),
        },
        CopyError::Open(source) => read_error(path, what, source),
        CopyError::Other(error) => error,
    })
}

fn copy_local(
    path: &Path,
    what: &str,
    maximum_bytes: u64,
    mut write: impl FnMut(&[u8]) -> Result<(), Error>,
) -> Result<Digest, CopyError> {
    let mut file = std::fs::File::open(path).map_err(CopyError::Open)?;
    let mut buffer = vec![0; COPY_SIZE];
    let mut hasher = Hasher::default();
    loop {
        // Opening a directory succeeds on Unix; reading it is what fails.
        let count = file.read(&mut buffer).map_err(CopyError::Open)?;
        if count == 0 {
            return Ok(hasher.finish());
        }
        hasher.update(&buffer[..count]);
        if hasher.size_bytes() > maximum_bytes {
            return Err(CopyError::Other(too_large(what, maximum_bytes)));
        }
        write(&buffer[..count]).map_err(CopyError::Other)?;
    }
}

fn collect(root: &Path, folder: &Path, found: &mut Vec<ObjectInfo>) -> Result<(), Error> {
    let failed = |source| Error::local("list", folder, source);
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if is_absent(&error) => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let path = entry.path();
        let metadata = match entry.metadata() {
            Ok(metadata) => metadata,
            // Deleted since the listing began.
            Err(error) if is_absent(&error) => continue,
            Err(error) => return Err(failed(error)),
        };
        if metadata.is_dir() {
            if path != root.join(INCOMING) {
                collect(root, &path, found)?;
            }
        } else if metadata.is_file() {
            let relative = path.strip_prefix(root).expect("entries are below the root");
            // Names that are not UTF-8 cannot be ours.
            if let Some(key) = relative.to_str() {
                found.push(ObjectInfo {
                    key: key.to_owned(),
                    size_bytes: metadata.len(),
                });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object_store::ignore_progress;

    #[tokio::test]
    async fn stale_unfinished_files_are_removed_and_recent_ones_kept() {
        let root = tempfile::tempdir().unwrap();
        DirectoryStore::open(root.path()).unwrap();
        let incoming = root.path().join(INCOMING);
        std::fs::write(incoming.join("left-behind"), "x").unwrap();
        remove_stale(&incoming, SystemTime::now());
        assert!(incoming.join("left-behind").exists());
        remove_stale(
            &incoming,
            SystemTime::now() + INCOMING_KEPT + Duration::from_secs(60),
        );
        assert!(!incoming.join("left-behind").exists());
    }

    #[tokio::test]
    async fn nothing_unfinished_stays_after_a_refused_put() {
        let root = tempfile::tempdir().unwrap();
        let store = DirectoryStore::open(root.path()).unwrap();
        let body = Body::Bytes(Bytes::from_static(b"one"));
        let error = store
            .put_if_absent("a/b", &body, Sha256::of(b"two"), &ignore_progress)
            .await
            .unwrap_err();
        assert_eq!(error.reason(), "DigestMismatch");
        assert_eq!(
            std::fs::read_dir(root.path().join(INCOMING))
                .unwrap()
                .count(),
            0
        );
        assert!(!root.path().join("a").exists());
    }

    #[tokio::test]
    async fn a_key_below_an_object_or_above_others_is_an_error_and_never_taken_for_written() {
        let root = tempfile::tempdir().unwrap();
        let store = DirectoryStore::open(root.path()).unwrap();
        let body = Body::Bytes(Bytes::from_static(b"one"));
        let put = async |key| {
            let sha256 = Sha256::of(b"one");
            store
                .put_if_absent(key, &body, sha256, &ignore_progress)
                .await
        };
        put("a").await.unwrap();
        put("b/c").await.unwrap();
        assert!(put("a/b").await.is_err());
        assert!(put("b").await.is_err());
    }

    #[tokio::test]
    async fn deleting_the_last_object_of_a_folder_removes_the_folder_but_not_the_store() {
        let root = tempfile::tempdir().unwrap();
        let store = DirectoryStore::open(root.path()).unwrap();
        let body = Body::Bytes(Bytes::from_static(b"one"));
        store
            .put_if_absent("a/b/c", &body, Sha256::of(b"one"), &ignore_progress)
            .await
            .unwrap();
        store.delete("a/b/c").await.unwrap();
        assert!(!root.path().join("a").exists());
        assert!(root.path().exists());
    }
}
