//! Publishing, fetching and purging: the layout, several owners, and damaged or hostile content.

use std::path::Path;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use searchop_artifacts::{
    ArtifactUri, Body, Kind, PurgeReport, S3Connection, Sha256, StoreLocation, StoreUri,
    ignore_progress,
};
use serde_json::json;

use crate::workshop::{Workshop, inputs, owner, run_job};

#[tokio::test]
async fn the_layout_is_as_documented() {
    let workshop = Workshop::new();
    let owner = owner("one");
    run_job(&workshop, &workshop.repository(), &owner)
        .await
        .unwrap();
    let published = workshop.publish(&owner).await;
    let sha256 = published.sha256;
    assert_eq!(
        workshop.keys().await,
        [
            format!("artifacts/{sha256}/files/features.json"),
            format!("artifacts/{sha256}/files/model.txt"),
            format!("artifacts/{sha256}/files/samples/parity.json"),
            format!("artifacts/{sha256}/manifest.json"),
            format!("references/{sha256}/trainingrun.demo.one.uid"),
            format!("results/trainingrun.demo.one.uid/{}.json", inputs()),
        ]
    );
    assert_eq!(published.size_bytes, 16);
    let manifest = std::fs::read(workshop.stored(&format!("artifacts/{sha256}/manifest.json")));
    assert_eq!(Sha256::of(&manifest.unwrap()), sha256);
}

#[tokio::test]
async fn the_digest_depends_on_content_and_not_on_the_order_of_files() {
    let workshop = Workshop::new();
    let repository = workshop.repository();
    let owner = owner("one");
    let (model, features) = (workshop.path("model"), workshop.path("features"));
    let publish = async |files: &[(&str, &Path)], metadata| {
        let published = repository
            .publish(Kind::ModelBundle, 1, files, metadata, &owner)
            .await;
        published.unwrap().sha256
    };
    let one = publish(&[("a", &model), ("b", &features)], json!({"x": 1, "y": 2})).await;
    let two = publish(&[("b", &features), ("a", &model)], json!({"y": 2, "x": 1})).await;
    let other = publish(&[("a", &features), ("b", &model)], json!({"x": 1, "y": 2})).await;
    assert_eq!(one, two);
    assert_ne!(one, other);
}

#[tokio::test]
async fn what_another_owner_refers_to_stays_until_the_last_one_goes() {
    let workshop = Workshop::new();
    let (first, second) = (owner("first"), owner("second"));
    let sha256 = workshop.publish(&first).await.sha256;
    workshop.repository().refer(sha256, &second).await.unwrap();

    let report = workshop.repository().purge(&first).await.unwrap();
    assert_eq!(report.retained, [sha256]);
    assert!(report.removed.is_empty());
    workshop
        .fetch(sha256)
        .await
        .expect("the second owner still needs it");

    let report = workshop.repository().purge(&second).await.unwrap();
    assert_eq!(report.removed, [sha256]);
    assert!(workshop.keys().await.is_empty());
}

#[tokio::test]
async fn an_owner_whose_name_begins_with_anothers_is_another() {
    let workshop = Workshop::new();
    let (short, long) = (owner("run"), "trainingrun.demo.run.uid2".parse().unwrap());
    let sha256 = workshop.publish(&long).await.sha256;
    assert_eq!(
        workshop.repository().purge(&short).await.unwrap(),
        PurgeReport::default()
    );
    workshop.fetch(sha256).await.unwrap();
}

#[tokio::test]
async fn purging_again_does_nothing() {
    let workshop = Workshop::new();
    workshop.publish(&owner("one")).await;
    workshop.repository().purge(&owner("one")).await.unwrap();
    let again = workshop.repository().purge(&owner("one")).await.unwrap();
    assert_eq!(again, PurgeReport::default());
}

#[tokio::test]
async fn other_bytes_under_a_published_digest_are_a_mismatch_for_the_next_publisher() {
    let workshop = Workshop::new();
    let sha256 = workshop.publish(&owner("one")).await.sha256;
    let key = format!("artifacts/{sha256}/files/model.txt");
    std::fs::write(workshop.stored(&key), "TREES").unwrap();
    let result = workshop
        .publish_with(&workshop.repository(), &owner("two"))
        .await;
    let error = result.unwrap_err();
    assert_eq!(
        (error.reason(), error.is_retryable()),
        ("DigestMismatch", false)
    );
    assert!(error.to_string().contains(&key), "{error}");
}

#[tokio::test]
async fn damage_is_named_when_an_artifact_is_fetched() {
    for (key, content, reason) in [
        ("files/model.txt", Some("TREES"), "DigestMismatch"),
        ("files/model.txt", Some("tree"), "DigestMismatch"),
        ("files/model.txt", Some("trees and more"), "DigestMismatch"),
        ("files/model.txt", None, "ArtifactNotFound"),
        ("manifest.json", Some("{}"), "DigestMismatch"),
        ("manifest.json", None, "ArtifactNotFound"),
    ] {
        let workshop = Workshop::new();
        let sha256 = workshop.publish(&owner("one")).await.sha256;
        let key = format!("artifacts/{sha256}/{key}");
        match content {
            Some(content) => std::fs::write(workshop.stored(&key), content).unwrap(),
            None => std::fs::remove_file(workshop.stored(&key)).unwrap(),
        }
        let error = workshop.fetch(sha256).await.unwrap_err();
        assert_eq!(error.reason(), reason, "{key} {content:?}");
        assert!(error.to_string().contains(&key), "{error}");
        // Sizes and presence are enough to refuse an old result; content is left to the fetch.
        if content != Some("TREES") {
            assert_eq!(
                workshop
                    .repository()
                    .check(sha256)
                    .await
                    .unwrap_err()
                    .reason(),
                reason
            );
        }
    }
}

#[tokio::test]
async fn a_fetch_completes_and_repairs_what_an_earlier_one_left() {
    let workshop = Workshop::new();
    let sha256 = workshop.publish(&owner("one")).await.sha256;
    let into = workshop.path("into");
    std::fs::create_dir_all(into.join("samples")).unwrap();
    std::fs::write(into.join("model.txt"), "half").unwrap();
    std::fs::write(into.join("features.json"), "names").unwrap();
    // A right file is not read again: the store's copy may even be gone.
    std::fs::remove_file(workshop.stored(&format!("artifacts/{sha256}/files/features.json")))
        .unwrap();
    workshop
        .repository()
        .fetch(sha256, Kind::ModelBundle, &into)
        .await
        .unwrap();
    assert_eq!(std::fs::read(into.join("model.txt")).unwrap(), b"trees");
    assert_eq!(
        Sha256::of(&std::fs::read(into.join("manifest.json")).unwrap()),
        sha256
    );
}

#[tokio::test]
async fn unknown_formats_and_other_kinds_are_not_fetched() {
    let workshop = Workshop::new();
    let repository = workshop.repository();
    let files = [("model.txt", workshop.path("model"))];
    let owner = owner("one");
    let publish = repository.publish(Kind::ModelBundle, 99, &files, json!({}), &owner);
    let future = publish.await.unwrap().sha256;
    let error = workshop.fetch(future).await.unwrap_err();
    assert_eq!(error.reason(), "UnknownFormat");
    assert!(error.to_string().contains("format version 99"), "{error}");

    let bundle = workshop.publish(&owner).await.sha256;
    let into = workshop.path("into");
    let error = repository
        .fetch(bundle, Kind::Dataset, &into)
        .await
        .unwrap_err();
    assert_eq!(error.reason(), "UnknownFormat");
    assert!(!into.exists());
}

#[tokio::test]
async fn a_hostile_manifest_writes_nothing_outside_its_folder() {
    let workshop = Workshop::new();
    let content = Sha256::of(b"evil");
    let manifest = format!(
        "{{\"files\":[{{\"path\":\"../escaped\",\"sha256\":\"{content}\",\"sizeBytes\":4}}],\
         \"formatVersion\":1,\"kind\":\"ModelBundle\",\"metadata\":{{}}}}"
    );
    let sha256 = Sha256::of(manifest.as_bytes());
    let key = format!("artifacts/{sha256}/manifest.json");
    let body = Body::Bytes(Bytes::from(manifest));
    workshop
        .store
        .put_if_absent(&key, &body, sha256, &ignore_progress)
        .await
        .unwrap();
    let into = workshop.path("into");
    let error = workshop
        .repository()
        .fetch(sha256, Kind::ModelBundle, &into)
        .await
        .unwrap_err();
    assert_eq!(error.reason(), "InvalidData");
    assert!(error.to_string().contains("files[0].path"), "{error}");
    assert!(!into.exists() && !workshop.path("escaped").exists());
}

#[tokio::test]
async fn an_unsafe_path_is_refused_before_anything_is_written() {
    let workshop = Workshop::new();
    for path in ["../model.txt", "/model.txt", "manifest.json"] {
        let files = [(path, workshop.path("model"))];
        let publish = workshop
            .repository()
            .publish(Kind::Dataset, 1, &files, json!({}), &owner("one"))
            .await;
        assert_eq!(publish.unwrap_err().reason(), "InvalidData");
    }
    assert!(workshop.keys().await.is_empty());
}

#[tokio::test]
async fn an_artifact_that_is_too_large_is_refused_before_it_is_fetched() {
    let workshop = Workshop::new();
    let sha256 = workshop.publish(&owner("one")).await.sha256;
    let into = workshop.path("into");
    let fetch = async |maximum| {
        let repository = workshop.repository().with_maximum_bytes(maximum);
        repository.fetch(sha256, Kind::ModelBundle, &into).await
    };
    assert_eq!(fetch(15).await.unwrap_err().reason(), "InvalidData");
    assert!(!into.exists());
    fetch(16).await.unwrap();
}

#[tokio::test]
async fn a_result_stays_as_it_was_first_written() {
    let workshop = Workshop::new();
    let repository = workshop.repository();
    let owner = owner("one");
    assert_eq!(
        repository.read_result(&owner, inputs()).await.unwrap(),
        None
    );
    let (first, second) = (json!({"trees": 1, "low": "0.40"}), json!({"trees": 2}));
    assert_eq!(
        repository
            .write_result(&owner, inputs(), &first)
            .await
            .unwrap(),
        first
    );
    assert_eq!(
        repository
            .write_result(&owner, inputs(), &second)
            .await
            .unwrap(),
        first
    );
    assert_eq!(
        repository.read_result(&owner, inputs()).await.unwrap(),
        Some(first)
    );
    repository.remove_result(&owner, inputs()).await.unwrap();
    assert_eq!(
        repository
            .write_result(&owner, inputs(), &second)
            .await
            .unwrap(),
        second
    );
}

#[tokio::test]
async fn a_damaged_result_is_not_believed() {
    let workshop = Workshop::new();
    let repository = workshop.repository();
    let owner = owner("one");
    repository
        .write_result(&owner, inputs(), &json!({"trees": 300}))
        .await
        .unwrap();
    let path = workshop.stored(&format!("results/{owner}/{}.json", inputs()));
    let text = std::fs::read_to_string(&path).unwrap();
    for (damaged, reason) in [
        (text.replace("300", "301"), "DigestMismatch"),
        ("{".to_owned(), "InvalidData"),
    ] {
        std::fs::write(&path, damaged).unwrap();
        let error = repository.read_result(&owner, inputs()).await.unwrap_err();
        assert_eq!(error.reason(), reason);
    }
}

#[tokio::test]
async fn an_artifact_is_fetched_by_its_address() {
    let workshop = Workshop::new();
    let published = workshop.publish(&owner("one")).await;
    let uri: ArtifactUri = published.uri.parse().unwrap();
    assert_eq!(uri.sha256, published.sha256);
    let elsewhere = StoreLocation {
        uri: StoreUri::Directory(workshop.path("another-store")),
        connection: S3Connection::default(),
    };
    let repository = uri.open(&elsewhere).await.unwrap();
    repository.check(uri.sha256).await.unwrap();
}

#[tokio::test]
async fn progress_is_told_up_to_the_end() {
    let workshop = Workshop::new();
    let told = Arc::new(Mutex::new(Vec::new()));
    let repository = {
        let told = told.clone();
        workshop.repository().with_progress(move |progress| {
            told.lock()
                .unwrap()
                .push((progress.done_bytes, progress.total_bytes));
        })
    };
    let published = workshop
        .publish_with(&repository, &owner("one"))
        .await
        .unwrap();
    let into = workshop.path("into");
    repository
        .fetch(published.sha256, Kind::ModelBundle, &into)
        .await
        .unwrap();
    let told = told.lock().unwrap();
    let last = told.iter().filter(|step| **step == (16, 16)).count();
    assert_eq!(last, 2, "{told:?}");
    assert!(
        told.iter()
            .all(|(done, total)| done <= total && *total == 16)
    );
}
