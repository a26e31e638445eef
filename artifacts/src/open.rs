//! Opens a store by its location, and reads single objects of any other bucket as inputs.

use std::path::Path;
use std::sync::Arc;

use crate::digest::{Digest, Sha256};
use crate::directory::DirectoryStore;
use crate::error::Error;
use crate::local_file::PendingFile;
use crate::location::{S3Connection, StoreLocation, StoreUri, local_path, split_bucket};
use crate::object_store::{ObjectStore, OnBytes, too_large, verify};
use crate::s3::S3Store;
use crate::settings::TransferSettings;

/// Opens the store. On S3 nothing is sent yet; [`crate::preflight`] is the first to ask.
///
/// # Errors
/// [`Error::Local`] when a directory cannot be created.
pub async fn open(location: &StoreLocation) -> Result<Arc<dyn ObjectStore>, Error> {
    Ok(match &location.uri {
        StoreUri::Directory(path) => Arc::new(DirectoryStore::open(path)?),
        StoreUri::S3 { bucket, prefix } => Arc::new(
            S3Store::open(
                &location.connection,
                bucket,
                prefix,
                TransferSettings::default(),
            )
            .await,
        ),
    })
}

/// Copies an input, `s3://bucket/key` of any bucket or a local path, to the local file `into`, and
/// returns its digest. `into` is written whole or not at all.
///
/// # Errors
/// [`Error::NotFound`], [`Error::DigestMismatch`] when `expected` is given and differs,
/// [`Error::InvalidContent`] when it has more than `maximum_bytes`, and the store's failures.
pub async fn fetch_input(
    connection: &S3Connection,
    uri: &str,
    expected: Option<Sha256>,
    into: &Path,
    maximum_bytes: u64,
    on_bytes: OnBytes<'_>,
) -> Result<Digest, Error> {
    let refused = |why: String| Error::invalid_location("input address", format!("{uri:?}: {why}"));
    let Some(rest) = uri.strip_prefix("s3://") else {
        let path = local_path(uri).map_err(refused)?;
        return copy_local(&path, expected, into, maximum_bytes, on_bytes).await;
    };
    let (bucket, key) = split_bucket(rest).map_err(refused)?;
    if key.is_empty() {
        return Err(refused("it names a bucket but no object".into()));
    }
    let store = S3Store::open(connection, bucket, "", TransferSettings::default()).await;
    store
        .get_foreign_to_file(key, into, expected, maximum_bytes, on_bytes)
        .await
}

async fn copy_local(
    path: &Path,
    expected: Option<Sha256>,
    into: &Path,
    maximum_bytes: u64,
    on_bytes: OnBytes<'_>,
) -> Result<Digest, Error> {
    let what = path.display().to_string();
    let failed = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::NotFound => Error::NotFound { what: what.clone() },
        _ => Error::local("read", path, source),
    };
    let metadata = tokio::fs::metadata(path).await.map_err(failed)?;
    if metadata.len() > maximum_bytes {
        return Err(too_large(&what, maximum_bytes));
    }
    let target = PendingFile::create_for(into)?;
    tokio::fs::copy(path, target.path()).await.map_err(failed)?;
    // The copy is hashed, not the original: the original may change meanwhile.
    let digest = crate::digest::digest_file(target.path()).await?;
    verify(&what, expected, &digest)?;
    target.persist(into)?;
    on_bytes(digest.size_bytes);
    Ok(digest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object_store::ignore_progress;

    async fn fetch(uri: &str, expected: Option<Sha256>, into: &Path) -> Result<Digest, Error> {
        fetch_input(
            &S3Connection::default(),
            uri,
            expected,
            into,
            100,
            &ignore_progress,
        )
        .await
    }

    #[tokio::test]
    async fn a_local_input_is_copied_when_its_digest_is_right() {
        let directory = tempfile::tempdir().unwrap();
        let source = directory.path().join("source");
        let into = directory.path().join("into");
        std::fs::write(&source, "rows").unwrap();
        let uri = source.display().to_string();

        let wrong = fetch(&uri, Some(Sha256::of(b"other")), &into)
            .await
            .unwrap_err();
        assert_eq!(wrong.reason(), "DigestMismatch");
        assert!(!into.exists());

        let digest = fetch(&format!("file://{uri}"), Some(Sha256::of(b"rows")), &into)
            .await
            .unwrap();
        assert_eq!(
            digest,
            Digest {
                sha256: Sha256::of(b"rows"),
                size_bytes: 4
            }
        );
        assert_eq!(std::fs::read(&into).unwrap(), b"rows");
    }

    #[tokio::test]
    async fn an_absent_large_or_malformed_input_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let large = directory.path().join("large");
        std::fs::write(&large, vec![0; 101]).unwrap();
        let into = directory.path().join("into");
        for (uri, reason) in [
            (
                directory.path().join("absent").display().to_string(),
                "ArtifactNotFound",
            ),
            (large.display().to_string(), "InvalidData"),
            ("s3://bucket".into(), "InvalidParameters"),
            ("s3://b/key".into(), "InvalidParameters"),
            ("http://host/key".into(), "InvalidParameters"),
        ] {
            let error = fetch(&uri, None, &into).await.unwrap_err();
            assert_eq!(error.reason(), reason);
            assert!(error.to_string().contains(&uri), "{error}");
        }
    }
}
