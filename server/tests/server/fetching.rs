//! The init step: what it brings, what it notes, how it ends.

use std::path::Path;
use std::process::{Command, Stdio};

use searchop_server::bundle::LoadedBundle;
use searchop_server::digest::Digest;
use serde_json::Value;

use crate::bundles;
use crate::program::{binary, fetch, wait};

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
        bundles::upward().publish(store.path()),
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
        bundles::upward().publish(store.path()),
        bundles::downward().publish(store.path()),
    );
    let absent: Digest = "a".repeat(64).parse().unwrap();
    let mut later = bundles::upward();
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

/// A fetch from an S3 store at `endpoint`, with a directory of credentials.
fn s3_fetch(endpoint: &str, credentials: &Path, into: &Path, result_file: &Path) -> Command {
    let mut command = Command::new(binary());
    command
        .args(["fetch", "--retry-milliseconds", "100", "--into"])
        .arg(into)
        .env("SEARCHOP_S3_ENDPOINT", endpoint)
        .env("SEARCHOP_S3_PATH_STYLE", "true")
        .env("SEARCHOP_S3_CREDENTIALS_DIRECTORY", credentials)
        .env("SEARCHOP_RESULT_FILE", result_file)
        .env_remove("SEARCHOP_AWAITED")
        .stdout(Stdio::null());
    command
}

fn s3_source(digest: &Digest) -> String {
    format!("s3://bucket/prefix/artifacts/{digest}#sha256={digest}")
}

#[test]
fn a_store_that_does_not_answer_is_tried_again_later() {
    let absent: Digest = "a".repeat(64).parse().unwrap();
    let into = tempfile::tempdir().unwrap();
    // A directory of credentials without credentials in it.
    let credentials = tempfile::tempdir().unwrap();
    let result_file = into.path().join("result");
    let status = s3_fetch(
        "http://127.0.0.1:1",
        credentials.path(),
        into.path(),
        &result_file,
    )
    .args(["--required", absent.as_str(), "--bundle"])
    .arg(s3_source(&absent))
    .status()
    .unwrap();
    assert_eq!(status.code(), Some(75));
    let result: Value = serde_json::from_slice(&std::fs::read(&result_file).unwrap()).unwrap();
    assert_eq!(
        (&result["retryable"], result["reason"].as_str()),
        (&Value::Bool(true), Some("CredentialsMissing"))
    );
}

#[test]
fn only_a_bundle_that_is_awaited_keeps_a_pod_from_starting() {
    let store = tempfile::tempdir().unwrap();
    let up = bundles::upward().publish(store.path());
    let unreachable = bundles::downward().digest();
    let credentials = tempfile::tempdir().unwrap();
    let fetch = |awaited: Option<String>| {
        let into = tempfile::tempdir().unwrap();
        let result_file = into.path().join("result");
        let mut command = s3_fetch(
            "http://127.0.0.1:1",
            credentials.path(),
            into.path(),
            &result_file,
        );
        command.args(["--required", up.as_str()]);
        for source in [s3_source(&unreachable), source(store.path(), &up)] {
            command.args(["--bundle", &source]);
        }
        if let Some(awaited) = awaited {
            command.env("SEARCHOP_AWAITED", awaited);
        }
        let code = command.status().unwrap().code().unwrap();
        let result = serde_json::from_slice(&std::fs::read(&result_file).unwrap()).unwrap();
        Fetched { code, result, into }
    };
    assert_eq!(fetch(None).code, 75, "all are awaited");
    assert_eq!(fetch(Some(format!("{up},{unreachable}"))).code, 75);
    for awaited in [up.to_string(), String::new()] {
        let fetched = fetch(Some(awaited));
        assert_eq!(fetched.code, 0, "{}", fetched.result);
        LoadedBundle::load(fetched.into.path(), &up).unwrap();
        let note = fetched.noted(&unreachable).expect("it is noted");
        assert_eq!(note["reason"], "CredentialsMissing");
        assert_eq!(
            fetched.result["unusable"][unreachable.as_str()],
            "CredentialsMissing"
        );
    }
}

#[test]
fn a_fetch_that_is_told_to_stop_does_so_and_leaves_no_half_bundle() {
    let digest: Digest = "a".repeat(64).parse().unwrap();
    let into = tempfile::tempdir().unwrap();
    let credentials = tempfile::tempdir().unwrap();
    for (name, value) in [
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
    ] {
        std::fs::write(credentials.path().join(name), value).unwrap();
    }
    // A store that accepts and never answers.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let result_file = credentials.path().join("result");
    let mut child = s3_fetch(&endpoint, credentials.path(), into.path(), &result_file)
        .args(["--required", digest.as_str(), "--bundle"])
        .arg(s3_source(&digest))
        .spawn()
        .unwrap();
    let (_connection, _) = listener.accept().unwrap();
    let told = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(told.success());
    // Long before the store is given up, which takes minutes.
    let status = wait("the fetch to stop", || child.try_wait().unwrap());
    assert_eq!(status.code(), Some(75));
    let result: Value = serde_json::from_slice(&std::fs::read(&result_file).unwrap()).unwrap();
    assert_eq!(result["retryable"], true);
    assert_eq!(
        result["message"],
        "asked to stop before all bundles were fetched"
    );
    assert_eq!(std::fs::read_dir(into.path()).unwrap().count(), 0);
}
