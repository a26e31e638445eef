//! Publishing and purging that die at every write, and that cross each other.

use std::sync::Arc;

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
