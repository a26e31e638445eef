//! What the S3 store makes of a server that fails: what is repeated, what is not, what is reported,
//! and that nothing partial stays.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::s3_stub::{BUCKET, Fault, Flaws, S3Stub, connection, quick_settings, write_credentials};
use bytes::Bytes;
use searchop_artifacts::{
    Body, Error, ObjectStore, PutOutcome, RetrySettings, S3Store, Sha256, TransferSettings,
    ignore_progress,
};

const CONTENT: &[u8] = b"ten bytes.";
/// More than one part of the quick settings.
const LARGE: &[u8] = &[7; 50];

async fn stub() -> S3Stub {
    S3Stub::start(Flaws::default()).await
}

async fn put(store: &S3Store, key: &str, content: &'static [u8]) -> Result<PutOutcome, Error> {
    let body = Body::Bytes(Bytes::from_static(content));
    store
        .put_if_absent(key, &body, Sha256::of(content), &ignore_progress)
        .await
}

async fn get(store: &S3Store, key: &str) -> Result<Bytes, Error> {
    store.get(key, Some(Sha256::of(CONTENT)), 1000).await
}

async fn get_to_file(store: &S3Store, key: &str, path: &Path) -> Result<(), Error> {
    let expected = Some(Sha256::of(CONTENT));
    store
        .get_to_file(key, path, expected, 1000, &ignore_progress)
        .await
        .map(|_| ())
}

#[tokio::test]
async fn a_busy_server_is_asked_again_until_it_answers() {
    let stub = stub().await;
    let store = stub.store().await;
    for request in ["PUT", "GET", "HEAD", "LIST", "DELETE"] {
        stub.fail(request, Fault::Refuse(503, "SlowDown"), 2);
    }
    assert_eq!(
        put(&store, "a", CONTENT).await.unwrap(),
        PutOutcome::Created
    );
    assert_eq!(get(&store, "a").await.unwrap(), CONTENT);
    assert_eq!(store.head("a").await.unwrap().size_bytes, 10);
    assert_eq!(store.list("").await.unwrap().len(), 1);
    store.delete("a").await.unwrap();
    for request in ["PUT", "GET", "HEAD", "LIST", "DELETE"] {
        assert_eq!(stub.count(request), 3, "{request}");
    }
}

#[tokio::test]
async fn a_server_that_stays_busy_is_given_up_after_bounded_attempts() {
    let stub = stub().await;
    stub.fail("GET", Fault::Refuse(500, "InternalError"), usize::MAX);
    let error = get(&stub.store().await, "a").await.unwrap_err();
    assert_eq!(
        (error.reason(), error.is_retryable()),
        ("StorageUnavailable", true)
    );
    assert_eq!(stub.count("GET"), 4);
    assert!(error.to_string().contains("InternalError"), "{error}");
}

#[tokio::test]
async fn refused_permission_is_reported_at_once() {
    let stub = stub().await;
    stub.fail(
        "GET",
        Fault::Refuse(403, "SignatureDoesNotMatch"),
        usize::MAX,
    );
    let error = get(&stub.store().await, "a").await.unwrap_err();
    assert_eq!(
        (error.reason(), error.is_retryable()),
        ("StorageAccessDenied", true)
    );
    assert!(
        error.to_string().contains("SignatureDoesNotMatch"),
        "{error}"
    );
    assert_eq!(stub.count("GET"), 1);
}

#[tokio::test]
async fn an_absent_object_is_reported_at_once() {
    let stub = stub().await;
    let error = get(&stub.store().await, "a").await.unwrap_err();
    assert_eq!(
        (error.reason(), error.is_retryable()),
        ("ArtifactNotFound", false)
    );
    assert!(
        error.to_string().contains("s3://bucket/prefix/a"),
        "{error}"
    );
    assert_eq!(stub.count("GET"), 1);
}

#[tokio::test]
async fn an_absent_bucket_is_named_and_may_be_created_later() {
    let stub = stub().await;
    stub.fail("PUT", Fault::Refuse(404, "NoSuchBucket"), 1);
    let error = put(&stub.store().await, "a", CONTENT).await.unwrap_err();
    assert_eq!(
        (error.reason(), error.is_retryable()),
        ("BucketNotFound", true)
    );
    assert!(error.to_string().contains("\"bucket\""), "{error}");
}

#[tokio::test]
async fn an_error_answer_without_meaning_to_us_is_not_repeated_at_once_but_later() {
    let stub = stub().await;
    stub.fail("PUT", Fault::Refuse(400, "InvalidArgument"), usize::MAX);
    let error = put(&stub.store().await, "a", CONTENT).await.unwrap_err();
    assert_eq!(
        (error.reason(), error.is_retryable()),
        ("StorageUnavailable", true)
    );
    assert_eq!(stub.count("PUT"), 1);
}

#[tokio::test]
async fn a_404_that_is_not_of_the_store_does_not_say_that_an_object_is_absent() {
    let stub = stub().await;
    stub.fail("GET", Fault::Refuse(404, ""), usize::MAX);
    let error = get(&stub.store().await, "a").await.unwrap_err();
    assert_eq!(
        (error.reason(), error.is_retryable()),
        ("StorageUnavailable", true)
    );
}

#[tokio::test]
async fn a_put_whose_answer_was_lost_finds_its_own_object() {
    let stub = stub().await;
    stub.fail("PUT", Fault::LoseAnswer, 1);
    let store = stub.store().await;
    assert_eq!(
        put(&store, "a", CONTENT).await.unwrap(),
        PutOutcome::AlreadyExists
    );
    assert_eq!(get(&store, "a").await.unwrap(), CONTENT);
}

#[tokio::test]
async fn a_conflict_of_crossing_puts_is_asked_again() {
    let stub = stub().await;
    stub.fail("PUT", Fault::Refuse(409, "ConditionalRequestConflict"), 1);
    assert_eq!(
        put(&stub.store().await, "a", CONTENT).await.unwrap(),
        PutOutcome::Created
    );
}

#[tokio::test]
async fn a_body_that_breaks_off_is_read_again_from_the_start() {
    let stub = stub().await;
    let store = stub.store().await;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    put(&store, "a", CONTENT).await.unwrap();
    stub.fail("GET", Fault::CutBody(4), 2);
    get_to_file(&store, "a", &path).await.unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), CONTENT);
    stub.fail("GET", Fault::CutBody(4), 2);
    assert_eq!(get(&store, "a").await.unwrap(), CONTENT);
}

#[tokio::test]
async fn a_body_that_always_breaks_off_leaves_no_file() {
    let stub = stub().await;
    let store = stub.store().await;
    let directory = tempfile::tempdir().unwrap();
    put(&store, "a", CONTENT).await.unwrap();
    stub.fail("GET", Fault::CutBody(4), usize::MAX);
    let error = get_to_file(&store, "a", &directory.path().join("file"))
        .await
        .unwrap_err();
    assert_eq!(
        (error.reason(), error.is_retryable()),
        ("StorageUnavailable", true)
    );
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn wrong_and_missing_bytes_are_a_digest_mismatch_and_leave_no_file() {
    for fault in [Fault::DamageBody, Fault::ShortenBody] {
        let stub = stub().await;
        let store = stub.store().await;
        let directory = tempfile::tempdir().unwrap();
        put(&store, "a", CONTENT).await.unwrap();
        stub.fail("GET", fault.clone(), usize::MAX);
        let error = get_to_file(&store, "a", &directory.path().join("file"))
            .await
            .unwrap_err();
        assert_eq!(
            (error.reason(), error.is_retryable()),
            ("DigestMismatch", false),
            "{fault:?}"
        );
        assert!(
            error.to_string().contains(&Sha256::of(CONTENT).to_string()),
            "{error}"
        );
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
        assert_eq!(
            get(&store, "a").await.unwrap_err().reason(),
            "DigestMismatch"
        );
    }
}

#[tokio::test]
async fn a_refused_connection_is_reported_in_bounded_time() {
    let credentials = tempfile::tempdir().unwrap();
    write_credentials(credentials.path());
    // A port that was free a moment ago.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let connection = connection(&endpoint, credentials.path());
    let store = S3Store::open(&connection, BUCKET, "", quick_settings()).await;
    let start = Instant::now();
    let error = get(&store, "a").await.unwrap_err();
    assert_eq!(
        (error.reason(), error.is_retryable()),
        ("StorageUnavailable", true)
    );
    assert!(error.to_string().contains(&endpoint), "{error}");
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up_in_bounded_time() {
    let stub = stub().await;
    stub.fail("GET", Fault::Hang, usize::MAX);
    let start = Instant::now();
    let error = get(&stub.store().await, "a").await.unwrap_err();
    assert_eq!(
        (error.reason(), error.is_retryable()),
        ("StorageUnavailable", true)
    );
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(stub.count("GET"), 4);
}

#[tokio::test]
async fn a_body_that_stalls_or_trickles_is_given_up_in_bounded_time() {
    // The first stays below the stall timeout and is too slow all the same.
    for (pause, said) in [(200, "slower than allowed"), (3000, "nothing was received")] {
        let stub = stub().await;
        let store = stub.store().await;
        put(&store, "a", CONTENT).await.unwrap();
        stub.fail(
            "GET",
            Fault::Trickle(Duration::from_millis(pause)),
            usize::MAX,
        );
        let start = Instant::now();
        let error = get(&store, "a").await.unwrap_err();
        assert_eq!(
            (error.reason(), error.is_retryable()),
            ("StorageUnavailable", true)
        );
        assert!(error.to_string().contains(said), "{error}");
        assert!(
            start.elapsed() < Duration::from_secs(6),
            "{:?}",
            start.elapsed()
        );
    }
}

#[tokio::test]
async fn parts_are_sent_again_when_they_fail() {
    let stub = stub().await;
    let store = stub.store().await;
    for request in ["BEGIN", "PART", "COMPLETE"] {
        stub.fail(request, Fault::Refuse(503, "SlowDown"), 2);
    }
    assert_eq!(put(&store, "a", LARGE).await.unwrap(), PutOutcome::Created);
    assert_eq!(stub.contents().objects["prefix/a"], LARGE);
    // Four parts and two failures.
    assert_eq!(stub.count("PART"), 6);
    assert!(stub.contents().uploads.is_empty());
}

#[tokio::test]
async fn an_upload_that_fails_for_good_is_aborted() {
    for (request, code) in [("PART", "InvalidArgument"), ("COMPLETE", "InvalidPart")] {
        let stub = stub().await;
        stub.fail(request, Fault::Refuse(400, code), usize::MAX);
        let error = put(&stub.store().await, "a", LARGE).await.unwrap_err();
        assert_eq!(error.reason(), "StorageUnavailable");
        assert!(stub.contents().uploads.is_empty(), "{request}");
        assert!(stub.contents().objects.is_empty(), "{request}");
        assert_eq!(stub.count("ABORT"), 1);
    }
}

#[tokio::test]
async fn an_upload_whose_caller_stops_waiting_is_aborted() {
    let stub = stub().await;
    let store = stub.store().await;
    stub.fail("PART", Fault::Hang, usize::MAX);
    let waited = tokio::time::timeout(Duration::from_millis(200), put(&store, "a", LARGE)).await;
    assert!(waited.is_err());
    assert_eq!(stub.count("BEGIN"), 1);
    for _ in 0..100 {
        if stub.contents().uploads.is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the upload was not aborted");
}

#[tokio::test]
async fn a_completion_whose_answer_was_lost_finds_its_own_object() {
    let stub = stub().await;
    stub.fail("COMPLETE", Fault::LoseAnswer, 1);
    assert_eq!(
        put(&stub.store().await, "a", LARGE).await.unwrap(),
        PutOutcome::AlreadyExists
    );
    assert_eq!(stub.contents().objects["prefix/a"], LARGE);
    assert!(stub.contents().uploads.is_empty());
}

#[tokio::test]
async fn an_upload_that_somebody_discards_begins_anew() {
    for request in ["PART", "COMPLETE"] {
        let stub = stub().await;
        stub.fail(request, Fault::Refuse(404, "NoSuchUpload"), 1);
        let store = stub.store().await;
        assert_eq!(put(&store, "a", LARGE).await.unwrap(), PutOutcome::Created);
        assert_eq!(stub.count("BEGIN"), 2);
        // The stub keeps the first one: it stands for what a killed process leaves.
        assert_eq!(store.discard_unfinished("").await.unwrap(), 1);
        assert!(stub.contents().uploads.is_empty());
    }
}

#[tokio::test]
async fn an_upload_that_ends_in_a_conflict_is_aborted_and_begins_anew() {
    let stub = stub().await;
    stub.fail(
        "COMPLETE",
        Fault::Refuse(409, "ConditionalRequestConflict"),
        1,
    );
    let store = stub.store().await;
    assert_eq!(put(&store, "a", LARGE).await.unwrap(), PutOutcome::Created);
    assert_eq!(stub.count("BEGIN"), 2);
    assert_eq!(stub.count("ABORT"), 1);
    assert!(stub.contents().uploads.is_empty());
}

#[tokio::test]
async fn an_upload_that_finds_its_key_taken_is_aborted() {
    let stub = stub().await;
    stub.fail("COMPLETE", Fault::Refuse(412, "PreconditionFailed"), 1);
    let store = stub.store().await;
    assert_eq!(
        put(&store, "a", LARGE).await.unwrap(),
        PutOutcome::AlreadyExists
    );
    assert!(stub.contents().uploads.is_empty());
}

#[tokio::test]
async fn a_completion_that_is_never_answered_ends_in_bounded_time_and_is_aborted() {
    let stub = stub().await;
    stub.fail("COMPLETE", Fault::Hang, usize::MAX);
    let error = put(&stub.store().await, "a", LARGE).await.unwrap_err();
    assert_eq!(error.reason(), "StorageUnavailable");
    assert_eq!(stub.count("COMPLETE"), 4);
    assert!(stub.contents().uploads.is_empty());
}

#[tokio::test]
async fn a_large_object_that_is_there_is_not_sent_again() {
    let stub = stub().await;
    let store = stub.store().await;
    put(&store, "a", LARGE).await.unwrap();
    let parts = stub.count("PART");
    assert_eq!(
        put(&store, "a", LARGE).await.unwrap(),
        PutOutcome::AlreadyExists
    );
    assert_eq!(stub.count("PART"), parts);
}

#[tokio::test]
async fn a_file_that_changes_while_it_is_uploaded_is_refused() {
    let stub = stub().await;
    let store = stub.store().await;
    let file = tempfile::NamedTempFile::new().unwrap();
    for size in [10, 50] {
        std::fs::write(file.path(), vec![1; size]).unwrap();
        let body = Body::File(file.path().to_path_buf());
        let before = Sha256::of(&vec![0; size]);
        let error = store
            .put_if_absent("a", &body, before, &ignore_progress)
            .await
            .unwrap_err();
        assert_eq!(error.reason(), "DigestMismatch");
        assert!(stub.contents().objects.is_empty());
        assert!(stub.contents().uploads.is_empty());
    }
}

#[tokio::test]
async fn a_listing_that_breaks_off_is_not_taken_for_complete() {
    let stub = S3Stub::start(Flaws {
        truncates_listings: true,
        ..Flaws::default()
    })
    .await;
    let error = stub.store().await.list("").await.unwrap_err();
    assert_eq!(error.reason(), "StorageUnavailable");
}

#[tokio::test]
async fn missing_credentials_are_named_and_work_once_they_are_there() {
    let stub = stub().await;
    let store = stub.store().await;
    let secret = stub.credentials.path().join("AWS_SECRET_ACCESS_KEY");
    let value = std::fs::read(&secret).unwrap();
    std::fs::remove_file(&secret).unwrap();
    let error = put(&store, "a", CONTENT).await.unwrap_err();
    assert_eq!(
        (error.reason(), error.is_retryable()),
        ("CredentialsMissing", true)
    );
    assert!(
        error.to_string().contains("AWS_SECRET_ACCESS_KEY"),
        "{error}"
    );
    assert!(stub.contents().requests.is_empty());
    std::fs::write(&secret, value).unwrap();
    assert_eq!(
        put(&store, "a", CONTENT).await.unwrap(),
        PutOutcome::Created
    );
}

#[tokio::test]
async fn the_secret_key_is_in_no_message_and_no_debug_text() {
    let stub = stub().await;
    let store = stub.store().await;
    stub.fail("GET", Fault::Refuse(403, "AccessDenied"), 1);
    stub.fail("PUT", Fault::Hang, usize::MAX);
    let denied = get(&store, "a").await.unwrap_err();
    let unavailable = put(&store, "a", CONTENT).await.unwrap_err();
    let text = format!("{store:?} {store:#?} {denied} {denied:?} {unavailable} {unavailable:?}");
    assert!(!text.contains(crate::s3_stub::SECRET), "{text}");
}

#[tokio::test]
async fn the_default_patience_is_bounded() {
    let RetrySettings {
        maximum_attempts,
        maximum_pause,
        ..
    } = RetrySettings::default();
    let settings = TransferSettings::default();
    // Preflight's first request to a store that is down: connect timeouts and pauses.
    let longest = (settings.connect_timeout + maximum_pause) * maximum_attempts;
    assert!(longest <= Duration::from_secs(90), "{longest:?}");
}
