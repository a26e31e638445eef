//! The manifest of an artifact: what it is and what files it has.
//!
//! Its canonical JSON is what the artifact's digest is taken of, so the digest covers every file
//! through the digests listed here. What the files mean is not known here.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::digest::Sha256;
use crate::error::Error;
use crate::key::check_path;

/// A manifest is read into memory; this bounds it.
pub(crate) const MAXIMUM_MANIFEST_BYTES: u64 = 4 * 1024 * 1024;
const MAXIMUM_FILES: usize = 1000;
/// The format version of both kinds that this program reads.
const FORMAT_VERSION: u32 = 1;

/// What an artifact is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// Data to train on.
    Dataset,
    /// A trained model with all that is needed to serve it.
    ModelBundle,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Dataset => "Dataset",
            Self::ModelBundle => "ModelBundle",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// A file of an artifact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ManifestFile {
    /// Relative path with `/` between names; never leaves the artifact's folder.
    pub path: String,
    /// The digest of its content.
    pub sha256: Sha256,
    /// The size of its content.
    pub size_bytes: u64,
}

/// What an artifact is and what files it has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Manifest {
    /// What the artifact is.
    pub kind: Kind,
    /// The version of the kind's format.
    pub format_version: u32,
    /// The files, sorted by path.
    pub files: Vec<ManifestFile>,
    /// What the kind has to say about itself.
    pub metadata: Value,
}

/// The two fields that say whether the rest can be understood.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Header {
    kind: String,
    format_version: u64,
}

impl Manifest {
    /// The sum of the files' sizes.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.files
            .iter()
            .fold(0, |sum, file| sum.saturating_add(file.size_bytes))
    }

    /// The bytes that the artifact's digest is taken of: JSON with sorted keys and no whitespace.
    #[must_use]
    pub fn canonical_json(&self) -> Vec<u8> {
        let value = serde_json::to_value(self).expect("a manifest has only text keys");
        canonical_json(&value)
    }

    /// Reads a manifest whose digest has been checked. `what` is its address, for messages.
    ///
    /// # Errors
    /// [`Error::UnknownFormat`] unless it is `expected` in a known version;
    /// [`Error::InvalidContent`] naming the field that breaks a rule.
    pub(crate) fn parse(what: &str, bytes: &[u8], expected: Option<Kind>) -> Result<Self, Error> {
        let invalid = |error: serde_json::Error| Error::invalid_content(what, error.to_string());
        let header: Header = serde_json::from_slice(bytes).map_err(invalid)?;
        let known = |kind: Kind| {
            header.kind == kind.name() && header.format_version == u64::from(FORMAT_VERSION)
        };
        let kinds = expected.map_or(vec![Kind::Dataset, Kind::ModelBundle], |kind| vec![kind]);
        if !kinds.iter().copied().any(known) {
            let names: Vec<_> = kinds
                .iter()
                .map(|kind| format!("{kind} format version {FORMAT_VERSION}"))
                .collect();
            return Err(Error::UnknownFormat {
                what: what.to_owned(),
                kind: header.kind,
                format_version: header.format_version,
                known: names.join(" or "),
            });
        }
        let manifest: Self = serde_json::from_slice(bytes).map_err(invalid)?;
        manifest
            .check()
            .map_err(|message| Error::invalid_content(what, message))?;
        Ok(manifest)
    }

    /// The rules that every manifest keeps, written or read.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.files.len() > MAXIMUM_FILES {
            return Err(format!(
                "files: {} are more than {MAXIMUM_FILES}",
                self.files.len()
            ));
        }
        let mut paths = BTreeSet::new();
        for (index, file) in self.files.iter().enumerate() {
            let field = || format!("files[{index}].path {:?}", file.path);
            check_path(&file.path).map_err(|why| format!("{}: {why}", field()))?;
            if !paths.insert(file.path.as_str()) {
                return Err(format!("{} stands twice", field()));
            }
        }
        for path in &paths {
            // A file cannot also be a folder, on a disk or on S3 servers that stand on one.
            for (end, _) in path.match_indices('/') {
                if paths.contains(&path[..end]) {
                    return Err(format!("files: {:?} is a file and a folder", &path[..end]));
                }
            }
        }
        Ok(())
    }
}

/// JSON with sorted keys and no whitespace. Written out here because the order of keys in
/// `serde_json` depends on features that any other crate of the program may turn on.
pub(crate) fn canonical_json(value: &Value) -> Vec<u8> {
    let mut text = String::new();
    write_canonical(value, &mut text);
    text.into_bytes()
}

fn write_canonical(value: &Value, text: &mut String) {
    match value {
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write_canonical(item, text);
            }
            text.push(']');
        }
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(name, _)| name.as_str());
            text.push('{');
            for (index, (name, field)) in fields.into_iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push(':');
                write_canonical(field, text);
            }
            text.push('}');
        }
        scalar => text.push_str(&scalar.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn manifest(paths: &[&str]) -> Manifest {
        let file = |path: &&str| ManifestFile {
            path: (*path).to_owned(),
            sha256: Sha256::of(path.as_bytes()),
            size_bytes: 1,
        };
        Manifest {
            kind: Kind::ModelBundle,
            format_version: 1,
            files: paths.iter().map(file).collect(),
            metadata: json!({"b": [1, 2.5, "ü\n"], "a": {"y": null, "x": true}}),
        }
    }

    #[test]
    fn canonical_json_is_fixed_to_the_byte() {
        let bytes = manifest(&["m"]).canonical_json();
        let digest = Sha256::of(b"m");
        let expected = format!(
            "{{\"files\":[{{\"path\":\"m\",\"sha256\":\"{digest}\",\"sizeBytes\":1}}],\"formatVersion\":1,\
             \"kind\":\"ModelBundle\",\"metadata\":{{\"a\":{{\"x\":true,\"y\":null}},\"b\":[1,2.5,\"ü\\n\"]}}}}"
        );
        assert_eq!(String::from_utf8(bytes).unwrap(), expected);
    }

    #[test]
    fn a_manifest_is_read_as_it_was_written() {
        let written = manifest(&["model.txt", "index/a"]);
        let bytes = written.canonical_json();
        assert_eq!(
            Manifest::parse("x", &bytes, Some(Kind::ModelBundle)).unwrap(),
            written
        );
    }

    #[test]
    fn another_kind_or_version_is_an_unknown_format() {
        let mut future = manifest(&["m"]);
        future.format_version = 2;
        let error = Manifest::parse("x", &future.canonical_json(), None).unwrap_err();
        assert_eq!(error.reason(), "UnknownFormat");
        assert!(error.to_string().contains("format version 2"), "{error}");

        let bundle = manifest(&["m"]).canonical_json();
        let error = Manifest::parse("x", &bundle, Some(Kind::Dataset)).unwrap_err();
        assert_eq!(error.reason(), "UnknownFormat");

        // Fields that only a later version knows must not hide which version it is.
        let other = br#"{"kind":"Ensemble","formatVersion":7,"members":[]}"#;
        let error = Manifest::parse("x", other, None).unwrap_err();
        assert!(error.to_string().contains("\"Ensemble\""), "{error}");
    }

    #[test]
    fn unsafe_or_ambiguous_paths_are_refused_by_field() {
        for (paths, field) in [
            (&["ok", "../escape"][..], "files[1].path"),
            (&["/absolute"], "files[0].path"),
            (&["twice", "twice"], "files[1].path"),
            (&["a", "a-b", "a/b"], "\"a\""),
        ] {
            let bytes = manifest(paths).canonical_json();
            let error = Manifest::parse("x", &bytes, None).unwrap_err();
            assert_eq!(error.reason(), "InvalidData");
            assert!(error.to_string().contains(field), "{error}");
        }
    }

    proptest! {
        #[test]
        fn no_manifest_text_makes_the_parser_panic(text in "\\PC{0,200}") {
            let _ = Manifest::parse("x", text.as_bytes(), None);
        }
    }
}
