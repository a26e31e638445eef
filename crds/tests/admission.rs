//! Every admission rule refuses its invalid manifest and lets the valid ones pass, without a cluster.
//!
//! The manifests in `manifests/invalid` say in their first two lines what refuses them and with which message; a file with two
//! documents is an edit of the first into the second. Those refused by the schema itself (types, bounds, patterns) are applied to
//! a real API server by the end-to-end tests, which read the same folder.

use kube_cel_rules::{all_messages, check};
use serde_json::Value;
use std::collections::BTreeSet;
use std::{fs, path::Path, path::PathBuf};

mod kube_cel_rules {
    //! Evaluation of the generated definitions' CEL rules.

    use kube::core::cel::Validator;
    use serde_json::Value;

    /// The schema of a kind, as generated.
    fn schema(kind: &str) -> Value {
        let (_, definition) = searchop_crds::generate::definitions()
            .into_iter()
            .find(|(_, definition)| definition.spec.names.kind == kind)
            .unwrap_or_else(|| panic!("no definition of kind {kind}"));
        let schema = definition.spec.versions[0]
            .schema
            .as_ref()
            .expect("a schema");
        serde_json::to_value(&schema.open_api_v3_schema).expect("a schema is JSON")
    }

    /// Messages of the rules that refuse the object, or the edit of `old` into it.
    pub(super) fn check(object: &Value, old: Option<&Value>) -> Vec<String> {
        let kind = object["kind"].as_str().expect("a kind");
        match Validator::new().validate(&schema(kind), object, old) {
            Ok(()) => Vec::new(),
            Err(errors) => errors
                .into_vec()
                .into_iter()
                .map(|error| error.message)
                .collect(),
        }
    }

    /// Messages of every rule of every kind, each with its kind.
    pub(super) fn all_messages() -> Vec<(String, String)> {
        let mut found = Vec::new();
        for (_, definition) in searchop_crds::generate::definitions() {
            let kind = definition.spec.names.kind;
            collect(&schema(&kind), &kind, &mut found);
        }
        found
    }

    fn collect(node: &Value, kind: &str, found: &mut Vec<(String, String)>) {
        match node {
            Value::Object(fields) => {
                for rule in fields
                    .get("x-kubernetes-validations")
                    .and_then(Value::as_array)
                    .into_iter()
                    .flatten()
                {
                    found.push((
                        kind.to_owned(),
                        rule["message"]
                            .as_str()
                            .expect("every rule has a message")
                            .to_owned(),
                    ));
                }
                fields
                    .values()
                    .for_each(|value| collect(value, kind, found));
            }
            Value::Array(items) => items.iter().for_each(|value| collect(value, kind, found)),
            _ => {}
        }
    }
}

/// A manifest that must be refused.
struct Invalid {
    path: PathBuf,
    by_cel: bool,
    message: String,
    documents: Vec<Value>,
}

#[test]
fn valid_manifests_pass_every_rule() {
    for path in manifests("valid") {
        for document in documents(&path) {
            assert_eq!(
                check(&document, None),
                Vec::<String>::new(),
                "{}",
                path.display()
            );
            assert_eq!(
                check(&document, Some(&document)),
                Vec::<String>::new(),
                "{} unchanged",
                path.display()
            );
        }
    }
}

#[test]
fn valid_manifests_fit_the_types() {
    for path in manifests("valid") {
        for document in documents(&path) {
            let fits = match document["kind"].as_str() {
                Some("DemoDataset") => {
                    serde_json::from_value::<searchop_crds::DemoDataset>(document).map(drop)
                }
                Some("TrainingRun") => {
                    serde_json::from_value::<searchop_crds::TrainingRun>(document).map(drop)
                }
                Some("RankingModel") => {
                    serde_json::from_value::<searchop_crds::RankingModel>(document).map(drop)
                }
                other => panic!("{}: kind {other:?}", path.display()),
            };
            assert!(fits.is_ok(), "{}: {fits:?}", path.display());
        }
    }
}

#[test]
fn each_rule_refuses_its_invalid_manifest() {
    for invalid in invalid_manifests().iter().filter(|invalid| invalid.by_cel) {
        let (last, before) = invalid.documents.split_last().expect("a document");
        if let Some(old) = before.last() {
            assert_eq!(
                check(old, None),
                Vec::<String>::new(),
                "{} before the edit",
                invalid.path.display()
            );
        }
        let messages = check(last, before.last());
        assert!(
            messages.contains(&invalid.message),
            "{}: refused with {messages:?}, not with {:?}",
            invalid.path.display(),
            invalid.message
        );
    }
}

#[test]
fn every_rule_has_an_invalid_manifest() {
    let covered: BTreeSet<(String, String)> = invalid_manifests()
        .iter()
        .filter(|invalid| invalid.by_cel)
        .map(|invalid| {
            (
                invalid.documents[0]["kind"]
                    .as_str()
                    .expect("a kind")
                    .to_owned(),
                invalid.message.clone(),
            )
        })
        .collect();
    let missing: Vec<_> = all_messages()
        .into_iter()
        .filter(|rule| !covered.contains(rule))
        .collect();
    assert!(
        missing.is_empty(),
        "rules without an invalid manifest: {missing:#?}"
    );
}

#[test]
fn every_message_names_its_field() {
    for (kind, message) in all_messages() {
        let named = ["spec.", "metadata.", "storage.", "artifact."]
            .iter()
            .any(|prefix| message.starts_with(prefix));
        assert!(named, "{kind}: {message}");
    }
}

fn invalid_manifests() -> Vec<Invalid> {
    manifests("invalid")
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).expect("a readable manifest");
            let header = |key: &str| {
                let line = text
                    .lines()
                    .find_map(|line| line.strip_prefix(&format!("# {key}: ")));
                line.unwrap_or_else(|| panic!("{} says no {key:?}", path.display()))
                    .to_owned()
            };
            Invalid {
                by_cel: header("refused by") == "CEL",
                message: header("message"),
                documents: documents(&path),
                path,
            }
        })
        .collect()
}

fn manifests(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/manifests")
        .join(folder);
    let mut paths: Vec<_> = fs::read_dir(folder)
        .expect("the folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    assert!(!paths.is_empty());
    paths
}

fn documents(path: &Path) -> Vec<Value> {
    use serde::Deserialize;
    let text = fs::read_to_string(path).expect("a readable manifest");
    serde_yaml::Deserializer::from_str(&text)
        .map(|document| {
            Value::deserialize(document)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        })
        .collect()
}
