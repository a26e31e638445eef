//! What only a real S3 server shows: other buckets, and answers to wrong credentials.

use searchop_artifacts::{
    Sha256, StoreLocation, StoreUri, fetch_input, ignore_progress, preflight,
};

use crate::fixture::{BUCKET, connection, put, reason, s3};

#[tokio::test]
async fn an_input_of_any_bucket_is_fetched_and_verified() {
    let Some(fixture) = s3().await else { return };
    let server = fixture.server.as_ref().expect("the server");
    put(&*fixture.store, "rows.svm", b"1 qid:1 1:0.5").await;
    let directory = tempfile::tempdir().expect("a directory");
    let into = directory.path().join("rows");
    let uri = format!("s3://{BUCKET}/some/prefix/rows.svm");
    let sha256 = Sha256::of(b"1 qid:1 1:0.5");
    let connection = connection(server);
    let fetch = |uri: String, expected| {
        let (connection, into) = (&connection, &into);
        async move { fetch_input(connection, &uri, expected, into, 1000, &ignore_progress).await }
    };
    assert_eq!(
        fetch(uri.clone(), Some(sha256))
            .await
            .expect("fetch")
            .sha256,
        sha256
    );
    assert_eq!(
        reason(fetch(uri, Some(Sha256::of(b""))).await),
        "DigestMismatch"
    );
    assert_eq!(
        reason(fetch(format!("s3://{BUCKET}/absent"), None).await),
        "ArtifactNotFound"
    );
    assert_eq!(
        reason(fetch("s3://no-such-bucket/a".into(), None).await),
        "BucketNotFound"
    );
}

#[tokio::test]
async fn an_absent_bucket_and_wrong_credentials_are_told_apart() {
    let Some(fixture) = s3().await else { return };
    let server = fixture.server.as_ref().expect("the server");
    let location = StoreLocation {
        uri: StoreUri::S3 {
            bucket: "no-such-bucket".into(),
            prefix: String::new(),
        },
        connection: connection(server),
    };
    let store = searchop_artifacts::open(&location).await.expect("open");
    assert_eq!(reason(preflight(&*store).await), "BucketNotFound");
    std::fs::write(
        server.credentials.path().join("AWS_SECRET_ACCESS_KEY"),
        "wrong",
    )
    .expect("write");
    assert_eq!(
        reason(preflight(&*fixture.store).await),
        "StorageAccessDenied"
    );
    std::fs::write(
        server.credentials.path().join("AWS_ACCESS_KEY_ID"),
        "nobody",
    )
    .expect("write");
    assert_eq!(
        reason(preflight(&*fixture.store).await),
        "StorageAccessDenied"
    );
}
