//! The init step: what it brings, what it notes, how it ends.

use std::path::Path;

use searchop_server::bundle::LoadedBundle;
use searchop_server::digest::Digest;
use serde_json::Value;

use crate::bundles::{self, BundleFiles};
use crate::program::{binary, fetch};

fn upward() -> BundleFiles {
    bundles::dense([1.0, 2.0, 3.0])
}

fn downward() -> BundleFiles {
    bundles::dense([3.0, 2.0, 1.0])
}

/// How a fetch ended.
struct Fetched {
    code: i32,
    result: Value,
    into: tempfile::TempDir,
}

impl Fetched {
    fn noted(&self, digest: &Digest) -> Option<Value> {
        let text = std::fs::read(self.into.path().join(format!("{digest}.failed.json"))).ok()?;
        Some(serde_json::from_slice(&text).unwrap())
    }
}

fn run(sources: &[String], required: &Digest) -> Fetched {
    let into = tempfile::tempdir().unwrap();
    let result_file = into.path().join("result");
    let output = fetch(
        into.path(),
        &result_file,
        sources,
        required,
        &["--retry-milliseconds", "100"],
    );
    let result = std::fs::read(&result_file).unwrap();
    assert!(result.len() <= 4_096);
    Fetched {
        code: output.status.code().unwrap(),
        result: serde_json::from_slice(&result).unwrap(),
        into,
    }
}

fn source(store: &Path, digest: &Digest) -> String {
    format!(
        "file://{}/artifacts/{digest}#sha256={digest}",
        store.display()
    )
}

#[test]
fn fetched_bundles_can_be_served() {
    let store = tempfile::tempdir().unwrap();
    let (up, with_catalogue) = (
        upward().publish(store.path()),
        bundles::with_catalogue().publish(store.path()),
    );
    let fetched = run(
        &[
            source(store.path(), &up),
            source(store.path(), &with_catalogue),
        ],
        &up,
    );
    assert_eq!(
        (fetched.code, fetched.result["outcome"].as_str()),
        (0, Some("Succeeded"))
    );
    LoadedBundle::load(fetched.into.path(), &up).unwrap();
    LoadedBundle::load(fetched.into.path(), &with_catalogue).unwrap();
}

#[test]
fn an_unusable_candidate_is_noted_and_the_required_bundle_is_there() {
    let store = tempfile::tempdir().unwrap();
    let (up, down) = (
        upward().publish(store.path()),
        downward().publish(store.path()),
    );
    let absent: Digest = "a".repeat(64).parse().unwrap();
    let mut later = upward();
    later.format_version = 9;
    let later = later.publish(store.path());
    std::fs::write(
        store
            .path()
            .join("artifacts")
            .join(down.as_str())
            .join("files/model.txt"),
        "tree\n",
    )
    .unwrap();
    let misnamed = format!(
        "file://{}/artifacts/{up}#sha256={}",
        store.path().display(),
        "b".repeat(64)
    );
    let other: Digest = "b".repeat(64).parse().unwrap();
    let sources = [&down, &absent, &later]
        .map(|digest| source(store.path(), digest))
        .into_iter()
        .chain([misnamed, source(store.path(), &up)]);
    let fetched = run(&sources.collect::<Vec<_>>(), &up);
    assert_eq!(fetched.code, 0, "{}", fetched.result);
    LoadedBundle::load(fetched.into.path(), &up).unwrap();
    let reason = |digest: &Digest| {
        fetched.noted(digest).expect("noted")["reason"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(reason(&down), "DigestMismatch");
    assert_eq!(reason(&absent), "ArtifactNotFound");
    assert_eq!(reason(&later), "UnknownFormat");
    assert_eq!(reason(&other), "DigestMismatch");
    assert!(fetched.noted(&up).is_none());
    assert_eq!(fetched.result["unusable"][down.as_str()], "DigestMismatch");
}

#[test]
fn without_the_required_bundle_the_pod_is_told_why() {
    let store = tempfile::tempdir().unwrap();
    let absent: Digest = "a".repeat(64).parse().unwrap();
    let fetched = run(&[source(store.path(), &absent)], &absent);
    assert_eq!(fetched.code, 65);
    assert_eq!(fetched.result["outcome"], "Failed");
    assert_eq!(fetched.result["retryable"], false);
    assert_eq!(fetched.result["reason"], "ArtifactNotFound");
    assert!(
        fetched.result["message"]
            .as_str()
            .unwrap()
            .contains(absent.as_str())
    );
}

#[test]
fn a_store_that_does_not_answer_is_tried_again_later() {
    let absent: Digest = "a".repeat(64).parse().unwrap();
    let into = tempfile::tempdir().unwrap();
    let credentials = tempfile::tempdir().unwrap();
    let result_file = into.path().join("result");
    // A directory of credentials without credentials in it.
    let output = std::process::Command::new(binary())
        .args([
            "fetch",
            "--retry-milliseconds",
            "100",
            "--required",
            absent.as_str(),
        ])
        .args([
            "--bundle",
            &format!("s3://bucket/prefix/artifacts/{absent}#sha256={absent}"),
        ])
        .arg("--into")
        .arg(into.path())
        .env("SEARCHOP_S3_ENDPOINT", "http://127.0.0.1:1")
        .env("SEARCHOP_S3_CREDENTIALS_DIRECTORY", credentials.path())
        .env("SEARCHOP_RESULT_FILE", &result_file)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(75));
    let result: Value = serde_json::from_slice(&std::fs::read(&result_file).unwrap()).unwrap();
    assert_eq!(
        (&result["retryable"], result["reason"].as_str()),
        (&Value::Bool(true), Some("CredentialsMissing"))
    );
}
