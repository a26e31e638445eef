//! Publishing and purging that die at every write, and that cross each other.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use searchop_artifacts::{Body, Owner, Sha256, ignore_progress};
use serde_json::json;

use crate::failing_store::Moment;
use crate::workshop::{Workshop, inputs, owner, run_job};

#[tokio::test]
async fn a_job_that_dies_at_any_write_leaves_nothing_partial_and_ends_alike_when_repeated() {
    let complete = {
        let workshop = Workshop::new();
        run_job(&workshop, &workshop.repository(), &owner("one"))
            .await
            .unwrap();
        workshop.keys().await
    };
    let mut interrupted = 0;
    for moment in [Moment::Before, Moment::After] {
        for writes in 0.. {
            let workshop = Workshop::new();
            let owner = owner("one");
            let result = run_job(&workshop, &workshop.failing(writes, moment), &owner).await;
            if result.is_ok() {
                // Reference, three files, manifest, result.
                assert_eq!(writes, 6);
                break;
            }
            interrupted += 1;
            let keys = workshop.keys().await;
            let manifest = keys.iter().find(|key| key.ends_with("/manifest.json"));
            if let Some(manifest) = manifest {
                let sha256 = manifest.split('/').nth(1).unwrap().parse().unwrap();
                workshop
                    .fetch(sha256)
                    .await
                    .expect("what has a manifest is complete");
            }
            if workshop
                .repository()
                .read_result(&owner, inputs())
                .await
                .unwrap()
                .is_some()
            {
                assert!(
                    manifest.is_some(),
                    "a result before its artifact after {writes} writes"
                );
            }
            // Whatever is there is referred to, so that a purge finds it.
            assert!(keys.is_empty() || keys.iter().any(|key| key.starts_with("references/")));

            run_job(&workshop, &workshop.repository(), &owner)
                .await
                .unwrap();
            assert_eq!(workshop.keys().await, complete, "{moment:?} {writes}");
        }
    }
    assert_eq!(interrupted, 12);
}

#[tokio::test]
async fn a_purge_that_dies_at_any_write_shows_nothing_partial_and_ends_alike_when_repeated() {
    let mut interrupted = 0;
    for moment in [Moment::Before, Moment::After] {
        for writes in 0.. {
            let workshop = Workshop::new();
            let owner = owner("one");
            run_job(&workshop, &workshop.repository(), &owner)
                .await
                .unwrap();
            let sha256 = workshop.publish(&owner).await.sha256;
            let result = workshop.failing(writes, moment).purge(&owner).await;
            if let Ok(report) = result {
                assert_eq!(report.removed, [sha256]);
                // Result, note, reference, manifest, three files, note.
                assert_eq!(writes, 8);
                assert_eq!(report.objects, 6);
                break;
            }
            interrupted += 1;
            match workshop.fetch(sha256).await {
                Ok(_) => {}
                Err(error) => assert_eq!(error.reason(), "ArtifactNotFound"),
            }
            if let Some(message) = workshop
                .repository()
                .read_result(&owner, inputs())
                .await
                .unwrap()
            {
                assert_eq!(message["model"]["sha256"], json!(sha256));
                workshop
                    .fetch(sha256)
                    .await
                    .expect("a result names what is there");
            }
            workshop.repository().purge(&owner).await.unwrap();
            assert!(workshop.keys().await.is_empty(), "{moment:?} {writes}");
        }
    }
    assert_eq!(interrupted, 16);
}

#[tokio::test]
async fn two_owners_that_purge_and_publish_at_once_never_lose_a_published_artifact() {
    for _ in 0..50 {
        let workshop = Arc::new(Workshop::new());
        let (leaving, coming) = (owner("leaving"), owner("coming"));
        let sha256 = workshop.publish(&leaving).await.sha256;
        let purge = {
            let workshop = workshop.clone();
            tokio::spawn(async move { workshop.repository().purge(&leaving).await })
        };
        let publish = {
            let workshop = workshop.clone();
            tokio::spawn(async move { workshop.publish(&coming).await })
        };
        publish.await.unwrap();
        purge.await.unwrap().unwrap();
        workshop
            .fetch(sha256)
            .await
            .expect("it was published and is referred to");
    }
}

/// The note that a purge leaves while it is under way.
fn note(leaving: &Owner, sha256: Sha256) -> String {
    format!("purges/{leaving}/{sha256}")
}

async fn put_note(workshop: &Workshop, key: &str) {
    let body = Body::Bytes(Bytes::from_static(b"note"));
    workshop
        .store
        .put_if_absent(key, &body, Sha256::of(b"note"), &ignore_progress)
        .await
        .expect("the store takes it");
}

#[tokio::test]
async fn whoever_publishes_waits_for_a_purge_that_has_looked_for_references_already() {
    let workshop = Arc::new(Workshop::new());
    let (leaving, coming) = (owner("leaving"), owner("coming"));
    let sha256 = workshop.publish(&leaving).await.sha256;
    // The purge has let go of its reference, found no other one, and is about to remove a file.
    let note = note(&leaving, sha256);
    put_note(&workshop, &note).await;
    let reference = format!("references/{sha256}/{leaving}");
    workshop.store.delete(&reference).await.unwrap();

    let publish = {
        let (workshop, coming) = (workshop.clone(), coming.clone());
        tokio::spawn(async move { workshop.publish(&coming).await })
    };
    let referred = format!("references/{sha256}/{coming}");
    while workshop.store.head(&referred).await.is_err() {
        tokio::task::yield_now().await;
    }
    // Everything is there still, so that nothing but the note keeps the publisher from being done.
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!publish.is_finished(), "it did not wait");
    let file = format!("artifacts/{sha256}/files/model.txt");
    workshop.store.delete(&file).await.unwrap();
    workshop.store.delete(&note).await.unwrap();

    assert_eq!(publish.await.unwrap().sha256, sha256);
    workshop
        .fetch(sha256)
        .await
        .expect("what the purge removed was put back");
}

#[tokio::test]
async fn a_purge_of_another_artifact_is_not_waited_for() {
    let workshop = Workshop::new();
    put_note(&workshop, &note(&owner("leaving"), Sha256::of(b"other"))).await;
    let coming = owner("coming");
    let publish = workshop.publish(&coming);
    tokio::time::timeout(Duration::from_secs(30), publish)
        .await
        .expect("it does not wait");
}

#[tokio::test]
async fn a_purge_that_died_is_not_waited_for_without_end() {
    let workshop = Workshop::new();
    let sha256 = workshop.publish(&owner("leaving")).await.sha256;
    put_note(&workshop, &note(&owner("leaving"), sha256)).await;
    let repository = workshop
        .repository()
        .with_purge_patience(Duration::from_millis(50));
    workshop
        .publish_with(&repository, &owner("coming"))
        .await
        .unwrap();
    workshop.fetch(sha256).await.unwrap();
    let report = workshop
        .repository()
        .purge(&owner("leaving"))
        .await
        .unwrap();
    assert_eq!(report.retained, [sha256]);
}
