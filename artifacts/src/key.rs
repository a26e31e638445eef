//! The rules for object keys, paths inside an artifact, and owners.
//!
//! One rule for every store: what is accepted here is a legal key on S3, a legal file name on a
//! POSIX disk, and can never point outside the folder that it is joined to.

use std::fmt;
use std::str::FromStr;

use crate::digest::Sha256;
use crate::error::Error;

/// S3 allows 1024 bytes for a whole key; the rest is left for the store's own prefix.
const MAXIMUM_KEY_BYTES: usize = 800;
/// The longest file name on POSIX disks, which some S3 servers also stand on.
const MAXIMUM_NAME_BYTES: usize = 255;
/// An owner is one file name, with room for a suffix.
const MAXIMUM_OWNER_BYTES: usize = 240;

/// Why a key is refused, or nothing. A key is names of `[A-Za-z0-9._-]` joined by `/`; a name is
/// never `.` or `..`, and never empty.
fn refusal(key: &str) -> Option<String> {
    if key.len() > MAXIMUM_KEY_BYTES {
        return Some(format!(
            "{} bytes are more than {MAXIMUM_KEY_BYTES}",
            key.len()
        ));
    }
    for name in key.split('/') {
        if name.is_empty() {
            return Some("it has an empty name between slashes, or is empty".into());
        }
        if name == "." || name == ".." {
            return Some("'.' and '..' are not allowed".into());
        }
        if name.len() > MAXIMUM_NAME_BYTES {
            return Some(format!("a name is longer than {MAXIMUM_NAME_BYTES} bytes"));
        }
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if !name.bytes().all(allowed) {
            return Some("only letters, digits, '.', '_' and '-' are allowed in names".into());
        }
    }
    None
}

/// Checks the key of an object in a store.
pub(crate) fn check_key(key: &str) -> Result<(), Error> {
    refusal(key).map_or(Ok(()), |why| {
        Err(Error::invalid_location(format!("object key {key:?}"), why))
    })
}

/// Checks a folder to list: empty for all, or a key followed by `/`.
pub(crate) fn check_folder(folder: &str) -> Result<(), Error> {
    match folder.strip_suffix('/') {
        None if folder.is_empty() => Ok(()),
        None => Err(Error::invalid_location(
            format!("folder {folder:?}"),
            "it must end with '/'",
        )),
        Some(key) => check_key(key),
    }
}

/// Checks the path of a file inside an artifact.
pub(crate) fn check_path(path: &str) -> Result<(), String> {
    match refusal(path) {
        Some(why) => Err(why),
        // The manifest stands beside the files once they are fetched.
        None if path == MANIFEST_NAME => Err("the name is taken by the manifest itself".into()),
        None => Ok(()),
    }
}

/// The manifest's file name, in the store and in a fetched folder.
pub(crate) const MANIFEST_NAME: &str = "manifest.json";

pub(crate) fn manifest_key(sha256: Sha256) -> String {
    format!("artifacts/{sha256}/{MANIFEST_NAME}")
}

pub(crate) fn artifact_folder(sha256: Sha256) -> String {
    format!("artifacts/{sha256}/")
}

pub(crate) fn file_key(sha256: Sha256, path: &str) -> String {
    format!("artifacts/{sha256}/files/{path}")
}

pub(crate) fn references_folder(sha256: Sha256) -> String {
    format!("references/{sha256}/")
}

pub(crate) fn reference_key(sha256: Sha256, owner: &Owner) -> String {
    format!("references/{sha256}/{owner}")
}

pub(crate) fn results_folder(owner: &Owner) -> String {
    format!("results/{owner}/")
}

pub(crate) fn result_key(owner: &Owner, inputs: Sha256) -> String {
    format!("results/{owner}/{inputs}.json")
}

/// The notes of all purges that have begun.
pub(crate) const PURGES_FOLDER: &str = "purges/";

pub(crate) fn purges_folder(owner: &Owner) -> String {
    format!("{PURGES_FOLDER}{owner}/")
}

pub(crate) fn purge_key(owner: &Owner, sha256: Sha256) -> String {
    format!("{PURGES_FOLDER}{owner}/{sha256}")
}

/// Who keeps an artifact alive: `<kind>.<namespace>.<name>.<uid>` in lower case for an object of
/// a cluster, any such name (`local`) elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Owner(String);

impl Owner {
    /// The owner as it stands in object keys.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for Owner {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let refused = |why: &str| Err(Error::invalid_location(format!("owner {text:?}"), why));
        if text.is_empty() || text.len() > MAXIMUM_OWNER_BYTES {
            return refused("it must have 1 to 240 characters");
        }
        let allowed =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte);
        if !text.bytes().all(allowed) || text.starts_with('.') {
            return refused("only lower-case letters, digits, '.' and '-' are allowed");
        }
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_could_leave_their_folder_are_refused() {
        let hostile = [
            "",
            "/",
            "/etc/passwd",
            "..",
            "../x",
            "a/../../x",
            "a/./b",
            "a//b",
            "a/",
            "./a",
            "a\\b",
            "C:\\x",
            "a\0b",
            "a\nb",
            "ünïcode",
            "a b",
            "%2e%2e/x",
            "manifest.json",
        ];
        for path in hostile {
            assert!(check_path(path).is_err(), "{path:?} was accepted");
        }
        assert!(check_path(&"a".repeat(256)).is_err());
        assert!(check_path(&"a/".repeat(500)).is_err());
    }

    #[test]
    fn ordinary_paths_are_accepted() {
        for path in [
            "model.txt",
            "index/segment-1.bin",
            "catalogue.jsonl.gz",
            "..a",
            "sub/manifest.json",
        ] {
            assert_eq!(check_path(path), Ok(()), "{path:?}");
        }
    }

    #[test]
    fn owners_are_lower_case_names() {
        let owner = "trainingrun.demo.storefront-001.0d1c2a4e-0000-4000-8000-000000000000";
        assert_eq!(owner.parse::<Owner>().unwrap().as_str(), owner);
        for text in ["", "A", "a/b", "..", ".hidden", "a b", &"a".repeat(241)] {
            assert!(text.parse::<Owner>().is_err(), "{text:?} was accepted");
        }
    }

    #[test]
    fn only_whole_folders_are_listed() {
        assert!(check_folder("").is_ok());
        assert!(check_folder("a/b/").is_ok());
        for folder in ["a", "/", "a//", "../"] {
            assert!(check_folder(folder).is_err(), "{folder:?} was accepted");
        }
    }
}
