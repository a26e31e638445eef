//! One suite over every store: the directory, and S3 against a real server.
//!
//! The server is the versitygw program that `SEARCHOP_VERSITYGW` names; without it those tests print
//! that they are skipped.

use std::sync::Mutex;

use crate::fixture::{Fixture, MEBIBYTE, body, put, reason};
use bytes::Bytes;
use searchop_artifacts::{
    ArtifactRepository, Body, Kind, ObjectStore, Owner, PutOutcome, Sha256, ignore_progress,
    preflight,
};

macro_rules! conformance {
    ($($name:ident),* $(,)?) => {
        mod directory_store {
            $(#[tokio::test] async fn $name() { super::$name(&crate::fixture::directory()).await; })*
        }
        mod s3_store {
            $(#[tokio::test] async fn $name() {
                if let Some(fixture) = crate::fixture::s3().await {
                    super::$name(&fixture).await;
                }
            })*
        }
    };
}

conformance!(
    an_object_is_read_as_it_was_written,
    a_second_put_is_refused_and_changes_nothing,
    of_racing_writers_exactly_one_creates,
    a_body_with_another_digest_is_refused_and_leaves_nothing,
    an_absent_object_is_not_found,
    a_read_that_is_not_what_was_expected_leaves_no_file,
    a_large_file_is_written_and_read_whole,
    racing_writers_of_a_large_object_agree,
    a_listing_has_every_object_of_its_folder_and_no_other,
    unsafe_keys_are_refused,
    the_preflight_passes_and_leaves_nothing,
    an_artifact_is_published_fetched_and_purged,
);

async fn put_parts(store: &dyn ObjectStore, key: &str, bytes: &[u8]) -> PutOutcome {
    let (body, sha256) = body(bytes);
    store
        .put_in_parts_if_absent(key, &body, sha256, &ignore_progress)
        .await
        .expect("put succeeds")
}

async fn keys(store: &dyn ObjectStore, folder: &str) -> Vec<String> {
    let listed = store.list(folder).await.expect("list succeeds");
    listed.into_iter().map(|object| object.key).collect()
}

/// Bytes that differ from block to block, so that swapped or repeated parts are noticed.
fn pattern(length: usize) -> Vec<u8> {
    (0..length as u64)
        .map(|index| (index.wrapping_mul(2_654_435_761) >> 16) as u8)
        .collect()
}

async fn an_object_is_read_as_it_was_written(fixture: &Fixture) {
    let store = &*fixture.store;
    let directory = tempfile::tempdir().expect("a directory");
    let all_bytes: Vec<u8> = (0..=255).collect();
    for (key, content) in [("one/empty", &[][..]), ("one/two/bytes.bin", &all_bytes)] {
        assert_eq!(put(store, key, content).await, PutOutcome::Created);
        let sha256 = Sha256::of(content);
        assert_eq!(
            store.get(key, Some(sha256), 256).await.expect("get"),
            content
        );
        let digest = store.digest(key).await.expect("digest");
        assert_eq!(
            (digest.sha256, digest.size_bytes),
            (sha256, content.len() as u64)
        );
        let info = store.head(key).await.expect("head");
        assert_eq!(
            (info.key.as_str(), info.size_bytes),
            (key, content.len() as u64)
        );
        let path = directory.path().join("file");
        let read = store
            .get_to_file(key, &path, Some(sha256), 256, &ignore_progress)
            .await;
        assert_eq!(read.expect("get to file"), digest);
        assert_eq!(std::fs::read(&path).expect("the file"), content);
    }
}

async fn a_second_put_is_refused_and_changes_nothing(fixture: &Fixture) {
    let store = &*fixture.store;
    assert_eq!(put(store, "a", b"first").await, PutOutcome::Created);
    assert_eq!(put(store, "a", b"first").await, PutOutcome::AlreadyExists);
    assert_eq!(put(store, "a", b"second").await, PutOutcome::AlreadyExists);
    assert_eq!(
        put_parts(store, "a", b"third").await,
        PutOutcome::AlreadyExists
    );
    assert_eq!(store.get("a", None, 100).await.expect("get"), &b"first"[..]);
    store.delete("a").await.expect("delete");
    assert_eq!(put(store, "a", b"second").await, PutOutcome::Created);
}

async fn of_racing_writers_exactly_one_creates(fixture: &Fixture) {
    for round in 0..10 {
        let key = format!("race/{round}");
        let writers: Vec<_> = (0..8)
            .map(|writer| {
                let (store, key) = (fixture.store.clone(), key.clone());
                tokio::spawn(async move {
                    let content = format!("writer {writer}");
                    (put(&*store, &key, content.as_bytes()).await, content)
                })
            })
            .collect();
        let mut winners = Vec::new();
        for writer in writers {
            let (outcome, content) = writer.await.expect("the writer ends");
            if outcome == PutOutcome::Created {
                winners.push(content);
            }
        }
        assert_eq!(winners.len(), 1, "round {round}");
        let stored = fixture.store.get(&key, None, 100).await.expect("get");
        assert_eq!(stored, winners[0].as_bytes(), "round {round}");
    }
}

async fn a_body_with_another_digest_is_refused_and_leaves_nothing(fixture: &Fixture) {
    let store = &*fixture.store;
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), b"these bytes").expect("the file");
    let wrong = Sha256::of(b"other bytes");
    for body in [
        Body::Bytes(Bytes::from_static(b"these bytes")),
        Body::File(file.path().into()),
    ] {
        let whole = store
            .put_if_absent("a", &body, wrong, &ignore_progress)
            .await;
        assert_eq!(reason(whole), "DigestMismatch");
        let parts = store
            .put_in_parts_if_absent("a", &body, wrong, &ignore_progress)
            .await;
        assert_eq!(reason(parts), "DigestMismatch");
    }
    assert_eq!(reason(store.head("a").await), "ArtifactNotFound");
    assert_eq!(store.discard_unfinished("").await.expect("discard"), 0);
}

async fn an_absent_object_is_not_found(fixture: &Fixture) {
    let store = &*fixture.store;
    let directory = tempfile::tempdir().expect("a directory");
    put(store, "a", b"an object").await;
    for key in ["absent", "absent/too", "a/below-an-object"] {
        assert_eq!(
            reason(store.get(key, None, 100).await),
            "ArtifactNotFound",
            "{key}"
        );
        assert_eq!(reason(store.head(key).await), "ArtifactNotFound", "{key}");
        assert_eq!(reason(store.digest(key).await), "ArtifactNotFound", "{key}");
        let path = directory.path().join("file");
        let read = store
            .get_to_file(key, &path, None, 100, &ignore_progress)
            .await;
        assert_eq!(reason(read), "ArtifactNotFound", "{key}");
        store
            .delete(key)
            .await
            .expect("deleting what is absent is no error");
    }
    assert_eq!(
        std::fs::read_dir(directory.path())
            .expect("the directory")
            .count(),
        0
    );
    assert!(keys(store, "absent/").await.is_empty());
    assert_eq!(keys(store, "").await, ["a"]);
}

async fn a_read_that_is_not_what_was_expected_leaves_no_file(fixture: &Fixture) {
    let store = &*fixture.store;
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("file");
    put(store, "a", b"ten bytes.").await;
    let other = Some(Sha256::of(b"other"));
    assert_eq!(reason(store.get("a", other, 100).await), "DigestMismatch");
    assert_eq!(reason(store.get("a", None, 9).await), "InvalidData");
    assert_eq!(
        reason(
            store
                .get_to_file("a", &path, other, 100, &ignore_progress)
                .await
        ),
        "DigestMismatch"
    );
    assert_eq!(
        reason(
            store
                .get_to_file("a", &path, None, 9, &ignore_progress)
                .await
        ),
        "InvalidData"
    );
    assert_eq!(
        std::fs::read_dir(directory.path())
            .expect("the directory")
            .count(),
        0
    );
    assert!(store.get("a", None, 10).await.is_ok());
}

async fn a_large_file_is_written_and_read_whole(fixture: &Fixture) {
    let store = &*fixture.store;
    let directory = tempfile::tempdir().expect("a directory");
    let (source, target) = (
        directory.path().join("source"),
        directory.path().join("target"),
    );
    // Two whole parts and a rest.
    let content = pattern(11 * MEBIBYTE + 12345);
    std::fs::write(&source, &content).expect("the file");
    let sha256 = Sha256::of(&content);
    let told = Mutex::new(Vec::new());
    let on_bytes = |bytes| told.lock().expect("not poisoned").push(bytes);
    let body = Body::File(source);
    let outcome = store
        .put_if_absent("large", &body, sha256, &on_bytes)
        .await
        .expect("put");
    assert_eq!(outcome, PutOutcome::Created);
    let told = told.into_inner().expect("not poisoned");
    assert!(told.is_sorted(), "{told:?}");
    assert_eq!(told.last(), Some(&(content.len() as u64)));

    let limit = content.len() as u64;
    let read = store
        .get_to_file("large", &target, Some(sha256), limit, &ignore_progress)
        .await;
    assert_eq!(read.expect("get").size_bytes, limit);
    assert!(std::fs::read(&target).expect("the file") == content);
    assert_eq!(store.head("large").await.expect("head").size_bytes, limit);

    let again = store
        .put_if_absent("large", &body, sha256, &ignore_progress)
        .await
        .expect("put");
    assert_eq!(again, PutOutcome::AlreadyExists);
    let again = store
        .put_in_parts_if_absent("large", &body, sha256, &ignore_progress)
        .await;
    assert_eq!(again.expect("put"), PutOutcome::AlreadyExists);
    assert_eq!(store.discard_unfinished("").await.expect("discard"), 0);
}

async fn racing_writers_of_a_large_object_agree(fixture: &Fixture) {
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let store = fixture.store.clone();
            tokio::spawn(async move {
                let content = vec![writer; 100];
                (put_parts(&*store, "large", &content).await, content)
            })
        })
        .collect();
    let mut winners = Vec::new();
    for writer in writers {
        let (outcome, content) = writer.await.expect("the writer ends");
        if outcome == PutOutcome::Created {
            winners.push(content);
        }
    }
    assert_eq!(winners.len(), 1);
    let stored = fixture.store.get("large", None, 100).await.expect("get");
    assert_eq!(stored, winners[0]);
    assert_eq!(
        fixture.store.discard_unfinished("").await.expect("discard"),
        0
    );
}

async fn a_listing_has_every_object_of_its_folder_and_no_other(fixture: &Fixture) {
    let store = &*fixture.store;
    let inside = ["a/1", "a/2", "a/b/1", "a/b/2", "a/b/c/1", "a/z"];
    let outside = ["a-b", "ab/1", "b/a/1"];
    for key in inside.iter().chain(&outside) {
        put(store, key, key.as_bytes()).await;
    }
    assert_eq!(keys(store, "a/").await, inside);
    assert_eq!(keys(store, "a/b/").await, ["a/b/1", "a/b/2", "a/b/c/1"]);
    assert_eq!(keys(store, "").await.len(), inside.len() + outside.len());
    let listed = store.list("a/b/c/").await.expect("list");
    assert_eq!(listed[0].size_bytes, "a/b/c/1".len() as u64);
    assert_eq!(reason(store.list("a").await), "InvalidParameters");
}

async fn unsafe_keys_are_refused(fixture: &Fixture) {
    let store = &*fixture.store;
    for key in ["", "/a", "a/", "../a", "a/../b", "a//b", "a b", "ä"] {
        let (body, sha256) = body(b"x");
        let put = store
            .put_if_absent(key, &body, sha256, &ignore_progress)
            .await;
        assert_eq!(reason(put), "InvalidParameters", "{key:?}");
        assert_eq!(
            reason(store.get(key, None, 1).await),
            "InvalidParameters",
            "{key:?}"
        );
        assert_eq!(
            reason(store.delete(key).await),
            "InvalidParameters",
            "{key:?}"
        );
    }
}

async fn the_preflight_passes_and_leaves_nothing(fixture: &Fixture) {
    put(&*fixture.store, "kept", b"kept").await;
    preflight(&*fixture.store).await.expect("the store is fit");
    assert_eq!(keys(&*fixture.store, "").await, ["kept"]);
}

async fn an_artifact_is_published_fetched_and_purged(fixture: &Fixture) {
    let directory = tempfile::tempdir().expect("a directory");
    let (small, large) = (
        directory.path().join("small"),
        directory.path().join("large"),
    );
    std::fs::write(&small, "model").expect("a file");
    std::fs::write(&large, pattern(7 * MEBIBYTE)).expect("a file");
    let owner: Owner = "trainingrun.demo.one.uid".parse().expect("an owner");
    let repository = ArtifactRepository::new(fixture.store.clone());
    let files = [("model.txt", &small), ("index/segment.bin", &large)];
    let metadata = serde_json::json!({"seed": 42});
    let publish = repository.publish(Kind::ModelBundle, 1, &files, metadata.clone(), &owner);
    let published = publish.await.expect("publish");
    let again = repository
        .publish(Kind::ModelBundle, 1, &files, metadata, &owner)
        .await;
    assert_eq!(again.expect("publish again"), published);
    assert!(
        published
            .uri
            .ends_with(&format!("/artifacts/{}", published.sha256))
    );

    let into = directory.path().join("into");
    let fetched = repository
        .fetch(published.sha256, Kind::ModelBundle, &into)
        .await
        .expect("fetch");
    assert_eq!(fetched.metadata["seed"], 42);
    assert_eq!(
        std::fs::read(into.join("model.txt")).expect("the file"),
        b"model"
    );
    assert!(
        std::fs::read(into.join("index/segment.bin")).expect("the file") == pattern(7 * MEBIBYTE)
    );
    assert_eq!(
        Sha256::of(&std::fs::read(into.join("manifest.json")).expect("it")),
        published.sha256
    );

    let report = repository.purge(&owner).await.expect("purge");
    assert_eq!(report.removed, [published.sha256]);
    assert!(keys(&*fixture.store, "").await.is_empty());
}
