//! The checked-in definitions are those that the types generate, and every field is documented.

use serde_json::Value;
use std::{fs, path::Path};

#[test]
fn checked_in_definitions_are_those_of_the_types() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/crd/bases");
    for (name, expected) in searchop_crds::generate::files() {
        let actual =
            fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(
            actual == expected,
            "{name} differs from the types: run `make crds`"
        );
    }
}

#[test]
fn every_field_of_ours_is_documented() {
    for (name, definition) in searchop_crds::generate::definitions() {
        let schema = definition.spec.versions[0]
            .schema
            .as_ref()
            .expect("a schema");
        let schema = serde_json::to_value(&schema.open_api_v3_schema).expect("a schema is JSON");
        let mut undocumented = Vec::new();
        collect(&schema, "", &mut undocumented);
        assert!(
            undocumented.is_empty(),
            "{name}: fields without a description of 20 characters: {undocumented:#?}"
        );
    }
}

/// Fields whose types are Kubernetes' own; their documentation is Kubernetes' too.
const FOREIGN: [&str; 6] = [
    ".conditions",
    ".metrics",
    ".behavior",
    ".tolerations",
    ".imagePullSecrets",
    ".resources",
];

fn collect(node: &Value, path: &str, undocumented: &mut Vec<String>) {
    let Some(properties) = node.get("properties").and_then(Value::as_object) else {
        if let Some(items) = node.get("items") {
            collect(items, &format!("{path}[]"), undocumented);
        }
        return;
    };
    for (name, property) in properties {
        let path = format!("{path}.{name}");
        let description = property
            .get("description")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if description.len() < 20 && !(path.starts_with(".status") && description.len() > 4) {
            undocumented.push(path.clone());
        }
        if !FOREIGN.iter().any(|foreign| path.ends_with(foreign)) || path == ".status.metrics" {
            collect(property, &path, undocumented);
        }
    }
}
