//! The preflight against servers that are careless in one way each.

use crate::s3_stub::{Fault, Flaws, S3Stub};
use searchop_artifacts::preflight;

async fn message(flaws: Flaws) -> String {
    let stub = S3Stub::start(flaws).await;
    let error = preflight(&stub.store().await)
        .await
        .expect_err("the server is careless");
    assert_eq!(
        (error.reason(), error.is_retryable()),
        ("StorageUnfit", true),
        "{error}"
    );
    assert!(
        stub.contents().objects.is_empty(),
        "its objects were left behind"
    );
    assert!(
        stub.contents().uploads.is_empty(),
        "its uploads were left behind"
    );
    error.to_string()
}

#[tokio::test]
async fn a_careful_server_is_fit_and_nothing_is_left_in_it() {
    let stub = S3Stub::start(Flaws::default()).await;
    preflight(&stub.store().await).await.unwrap();
    assert!(stub.contents().objects.is_empty());
    assert!(stub.contents().uploads.is_empty());
}

#[tokio::test]
async fn a_server_that_ignores_conditional_puts_is_named_unfit() {
    let message = message(Flaws {
        ignores_conditional_put: true,
        ..Flaws::default()
    })
    .await;
    assert!(message.contains("check ConditionalPut failed"), "{message}");
    assert!(message.contains("s3://bucket/prefix"), "{message}");
    assert!(
        message.contains("the store ignores conditional puts"),
        "{message}"
    );
}

#[tokio::test]
async fn a_server_that_ignores_conditional_completion_is_named_unfit() {
    let message = message(Flaws {
        ignores_conditional_completion: true,
        ..Flaws::default()
    })
    .await;
    assert!(
        message.contains("check ConditionalMultipart failed"),
        "{message}"
    );
}

#[tokio::test]
async fn a_server_that_ignores_checksums_is_named_unfit() {
    let message = message(Flaws {
        ignores_checksums: true,
        ..Flaws::default()
    })
    .await;
    assert!(message.contains("check Checksum failed"), "{message}");
    assert!(message.contains("the store ignores checksums"), "{message}");
    assert!(message.contains("was accepted"), "{message}");
}

#[tokio::test]
async fn a_server_that_keeps_what_it_refused_is_named_unfit() {
    let message = message(Flaws {
        keeps_refused: true,
        ..Flaws::default()
    })
    .await;
    assert!(message.contains("check Checksum failed"), "{message}");
    assert!(message.contains("refused but kept"), "{message}");
}

#[tokio::test]
async fn a_server_that_cannot_be_asked_is_unavailable_and_not_unfit() {
    let stub = S3Stub::start(Flaws::default()).await;
    stub.fail("PUT", Fault::Refuse(503, "SlowDown"), usize::MAX);
    let error = preflight(&stub.store().await).await.unwrap_err();
    assert_eq!(error.reason(), "StorageUnavailable");
}

#[tokio::test]
async fn an_answer_lost_on_the_way_is_not_held_against_the_server() {
    let stub = S3Stub::start(Flaws::default()).await;
    stub.fail("PUT", Fault::LoseAnswer, 1);
    stub.fail("COMPLETE", Fault::LoseAnswer, 1);
    preflight(&stub.store().await).await.unwrap();
}

#[tokio::test]
async fn a_server_that_refuses_what_is_needed_is_named_unfit() {
    for (request, status, code, check, said) in [
        (
            "PUT",
            501,
            "NotImplemented",
            "ConditionalPut",
            "the store refuses conditional puts (put): NotImplemented",
        ),
        (
            "PUT",
            400,
            "InvalidChecksumAlgorithm",
            "Checksum",
            "the store refuses SHA-256 checksums (put): InvalidChecksumAlgorithm",
        ),
        (
            "COMPLETE",
            501,
            "NotImplemented",
            "ConditionalMultipart",
            "the store refuses conditional puts in parts (complete upload): NotImplemented",
        ),
        (
            "BEGIN",
            400,
            "UnknownChecksum",
            "Checksum",
            "the store refuses SHA-256 checksums (begin upload): UnknownChecksum",
        ),
    ] {
        let stub = S3Stub::start(Flaws::default()).await;
        stub.fail(request, Fault::Refuse(status, code), usize::MAX);
        let error = preflight(&stub.store().await).await.unwrap_err();
        assert_eq!(
            (error.reason(), error.is_retryable()),
            ("StorageUnfit", true),
            "{error}"
        );
        let text = error.to_string();
        assert!(text.contains(&format!("check {check} failed")), "{text}");
        assert!(text.contains(said), "{text}");
        assert!(stub.contents().uploads.is_empty());
    }
}

#[tokio::test]
async fn a_server_that_refuses_a_wrong_checksum_in_words_of_its_own_is_fit() {
    let stub = S3Stub::start(Flaws::default()).await;
    let store = stub.store().await;
    stub.fail("PUT /prefix/preflight", Fault::Pass, 2);
    stub.fail(
        "PUT /prefix/preflight",
        Fault::Refuse(400, "InvalidRequest"),
        1,
    );
    preflight(&store).await.unwrap();
}
