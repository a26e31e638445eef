//! Stores to test: one in a directory, and one on a real S3 server.

use std::sync::Arc;

use bytes::Bytes;
use searchop_artifacts::{
    Body, DirectoryStore, Error, ObjectStore, PutOutcome, S3Connection, S3Store, Sha256,
    TransferSettings, ignore_progress,
};

use crate::versitygw::Versitygw;

pub(crate) const MEBIBYTE: usize = 1024 * 1024;
pub(crate) const BUCKET: &str = "conformance";

/// A store, and what it stands on for as long as the test runs.
pub(crate) struct Fixture {
    pub(crate) store: Arc<dyn ObjectStore>,
    _directory: tempfile::TempDir,
    pub(crate) server: Option<Versitygw>,
}

pub(crate) fn directory() -> Fixture {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Arc::new(DirectoryStore::open(directory.path()).expect("a store"));
    Fixture {
        store,
        _directory: directory,
        server: None,
    }
}

pub(crate) fn connection(server: &Versitygw) -> S3Connection {
    S3Connection {
        endpoint: Some(server.endpoint.clone()),
        path_style: true,
        credentials_directory: Some(server.credentials.path().to_path_buf()),
        ..S3Connection::default()
    }
}

pub(crate) async fn s3() -> Option<Fixture> {
    let server = Versitygw::start(BUCKET)?;
    let settings = TransferSettings {
        // The smallest part that S3 allows, and pages so small that every listing has several.
        multipart_threshold_bytes: 6 * MEBIBYTE as u64,
        part_size_bytes: 5 * MEBIBYTE as u64,
        list_page_size: 2,
        ..TransferSettings::default()
    };
    let store = S3Store::open(&connection(&server), BUCKET, "some/prefix", settings).await;
    let directory = tempfile::tempdir().expect("a directory");
    Some(Fixture {
        store: Arc::new(store),
        _directory: directory,
        server: Some(server),
    })
}

pub(crate) fn body(bytes: &[u8]) -> (Body, Sha256) {
    (
        Body::Bytes(Bytes::copy_from_slice(bytes)),
        Sha256::of(bytes),
    )
}

pub(crate) async fn put(store: &dyn ObjectStore, key: &str, bytes: &[u8]) -> PutOutcome {
    let (body, sha256) = body(bytes);
    store
        .put_if_absent(key, &body, sha256, &ignore_progress)
        .await
        .expect("put succeeds")
}

pub(crate) fn reason<T: std::fmt::Debug>(result: Result<T, Error>) -> &'static str {
    result.expect_err("it must fail").reason()
}
