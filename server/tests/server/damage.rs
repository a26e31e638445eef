//! Bundles that are damaged or were not fetched.

use crate::bundles::{self, BundleFiles};

/// Loads one bundle, and gives why it is refused.
async fn refused(bundle: BundleFiles, damage: impl FnOnce(&std::path::Path)) -> (String, String) {
    let directory = tempfile::tempdir().unwrap();
    let digest = bundle.write(directory.path());
    damage(&directory.path().join(digest.as_str()));
    let error = searchop_server::bundle::LoadedBundle::load(directory.path(), &digest)
        .expect_err("it is damaged");
    let failure = searchop_server::bundle::failure(directory.path(), &digest, &error);
    (failure.reason, failure.message)
}

fn replace(bundle: &mut BundleFiles, path: &str, from: &str, to: &str) {
    let file = bundle
        .files
        .iter_mut()
        .find(|(name, _)| name == path)
        .unwrap();
    let text = String::from_utf8(file.1.clone()).unwrap();
    assert!(text.contains(from), "the damage changes something");
    file.1 = text.replacen(from, to, 1).into_bytes();
}

#[tokio::test]
async fn every_damage_to_a_bundle_is_refused_by_name() {
    let untouched = |_: &std::path::Path| {};
    let flip = |directory: &std::path::Path| {
        let path = directory.join("model.txt");
        let mut bytes = std::fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        std::fs::write(path, bytes).unwrap();
    };
    let (reason, message) = refused(bundles::upward(), flip).await;
    assert_eq!(reason, "DigestMismatch");
    assert!(
        message.starts_with("model.txt: expected sha256 "),
        "{message}"
    );
    let shorten =
        |directory: &std::path::Path| std::fs::write(directory.join("parity.json"), "{}").unwrap();
    assert_eq!(
        refused(bundles::upward(), shorten).await.0,
        "DigestMismatch"
    );
    let lose =
        |directory: &std::path::Path| std::fs::remove_file(directory.join("model.txt")).unwrap();
    assert_eq!(refused(bundles::upward(), lose).await.0, "ArtifactNotFound");
    let other = |directory: &std::path::Path| {
        std::fs::write(
            directory.join("manifest.json"),
            bundles::downward().manifest(),
        )
        .unwrap()
    };
    assert_eq!(refused(bundles::upward(), other).await.0, "DigestMismatch");

    let mut later = bundles::upward();
    later.format_version = 2;
    let (reason, message) = refused(later, untouched).await;
    assert_eq!(reason, "UnknownFormat");
    assert!(message.contains("format version 2"), "{message}");
    let mut dataset = bundles::upward();
    dataset.kind = "Dataset";
    assert_eq!(refused(dataset, untouched).await.0, "UnknownFormat");
    let mut outside = bundles::upward();
    outside.files.push(("../outside".into(), b"x".to_vec()));
    assert_eq!(refused(outside, untouched).await.0, "InvalidData");

    let mut other_scores = bundles::upward();
    replace(
        &mut other_scores,
        "model.txt",
        "leaf_value=1.0",
        "leaf_value=1.0000000000000002",
    );
    assert_eq!(refused(other_scores, untouched).await.0, "ParityMismatch");
    let mut other_schema = bundles::upward();
    replace(&mut other_schema, "features.json", "\"f1\"", "\"g1\"");
    assert_eq!(refused(other_schema, untouched).await.0, "SchemaMismatch");
    let mut other_catalogue = bundles::with_catalogue();
    replace(
        &mut other_catalogue,
        "catalogue.jsonl",
        "\"title\":\"Desk lamp\",",
        "",
    );
    let (reason, message) = refused(other_catalogue, untouched).await;
    assert_eq!(reason, "CatalogueInvalid");
    assert!(
        message.contains("title") && message.contains('4'),
        "names field and line: {message}"
    );
}

#[tokio::test]
async fn a_bundle_that_was_not_fetched_says_why() {
    let directory = tempfile::tempdir().unwrap();
    let digest = bundles::upward().digest();
    let load = || {
        searchop_server::bundle::LoadedBundle::load(directory.path(), &digest)
            .expect_err("it is not there")
    };
    let failure = searchop_server::bundle::failure(directory.path(), &digest, &load());
    assert_eq!(failure.reason, "ArtifactNotFound");
    let note = r#"{"reason":"UnknownFormat","message":"format version 9"}"#;
    std::fs::write(directory.path().join(format!("{digest}.failed.json")), note).unwrap();
    let failure = searchop_server::bundle::failure(directory.path(), &digest, &load());
    assert_eq!(
        (failure.reason.as_str(), failure.message.as_str()),
        ("UnknownFormat", "format version 9")
    );
}
