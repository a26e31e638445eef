//! Verifies a bundle on the disk against its digest: the manifest by the digest, every file by the
//! manifest. Reads files; what is in them is `bundle`.
//!
//! The manifest lies in the bundle's directory as `manifest.json`, the files beside it.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::digest::Digest;

/// The name of the manifest in a bundle's directory.
pub const MANIFEST_FILE: &str = "manifest.json";
/// The longest manifest that is read, in bytes.
const MAXIMUM_MANIFEST_BYTES: u64 = 4 * 1024 * 1024;
const KIND: &str = "ModelBundle";
const FORMAT_VERSION: u64 = 1;

/// A bundle's manifest, as far as serving needs it.
#[derive(Clone, Debug, Deserialize)]
pub struct Manifest {
    files: Vec<ListedFile>,
    /// About the bundle as a whole; read by `bundle`.
    pub metadata: serde_json::Value,
}

impl Manifest {
    /// Whether the bundle has a file of this path.
    pub fn lists(&self, path: &str) -> bool {
        self.files.iter().any(|file| file.path == path)
    }
}

/// One file of a bundle.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListedFile {
    path: String,
    sha256: Digest,
    size_bytes: u64,
}

/// Why a bundle is not what its digest names.
#[derive(Debug, Error)]
pub enum ManifestError {
    /// Not on the disk.
    #[error("{} is missing", path.display())]
    Missing {
        /// The file that is not there.
        path: PathBuf,
    },
    /// The disk failed.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// Other bytes than promised.
    #[error("{what}: expected {expected}, found {actual}")]
    DigestMismatch {
        /// The file, as its bundle names it.
        what: String,
        /// The promised digest or size.
        expected: String,
        /// What is there.
        actual: String,
    },
    /// A manifest that cannot be understood.
    #[error("{MANIFEST_FILE}: {0}")]
    Malformed(String),
    /// Something other than a bundle of a known version.
    #[error(
        "{MANIFEST_FILE}: {kind} of format version {version}; this server reads {KIND} of format version {FORMAT_VERSION}"
    )]
    UnknownFormat {
        /// The kind.
        kind: String,
        /// The version.
        version: u64,
    },
}

impl ManifestError {
    /// The reason in the words of the Job protocol.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "ArtifactNotFound",
            Self::Read { .. } => "Internal",
            Self::DigestMismatch { .. } => "DigestMismatch",
            Self::Malformed(_) => "InvalidData",
            Self::UnknownFormat { .. } => "UnknownFormat",
        }
    }
}

/// Reads every byte of the bundle in `directory` and compares it with what `digest` promises.
///
/// # Errors
/// Names the first thing that differs.
pub fn verify(directory: &Path, digest: &Digest) -> Result<Manifest, ManifestError> {
    let bytes = read_manifest(&directory.join(MANIFEST_FILE))?;
    let actual = hex::encode(Sha256::digest(&bytes));
    if actual != digest.as_str() {
        return Err(ManifestError::DigestMismatch {
            what: MANIFEST_FILE.to_owned(),
            expected: format!("sha256 {digest}"),
            actual: format!("sha256 {actual}"),
        });
    }
    let manifest = parse(&bytes)?;
    for file in &manifest.files {
        verify_file(directory, file)?;
    }
    Ok(manifest)
}

fn parse(bytes: &[u8]) -> Result<Manifest, ManifestError> {
    /// What every version of every kind has.
    #[derive(Deserialize)]
    struct Head {
        kind: String,
        #[serde(rename = "formatVersion")]
        format_version: u64,
    }
    // The head first: a later version may have other fields, and is to be refused as such.
    let malformed = |error: serde_json::Error| ManifestError::Malformed(error.to_string());
    let head: Head = serde_json::from_slice(bytes).map_err(malformed)?;
    if head.kind != KIND || head.format_version != FORMAT_VERSION {
        return Err(ManifestError::UnknownFormat {
            kind: head.kind,
            version: head.format_version,
        });
    }
    serde_json::from_slice(bytes).map_err(malformed)
}

fn read_manifest(path: &Path) -> Result<Vec<u8>, ManifestError> {
    let mut bytes = Vec::new();
    let read = open(path)?
        .take(MAXIMUM_MANIFEST_BYTES + 1)
        .read_to_end(&mut bytes);
    read.map_err(|source| ManifestError::Read {
        path: path.to_owned(),
        source,
    })?;
    if bytes.len() as u64 > MAXIMUM_MANIFEST_BYTES {
        return Err(ManifestError::Malformed(format!(
            "longer than {MAXIMUM_MANIFEST_BYTES} bytes"
        )));
    }
    Ok(bytes)
}

fn verify_file(directory: &Path, listed: &ListedFile) -> Result<(), ManifestError> {
    let relative = Path::new(&listed.path);
    let is_plain = |component| matches!(component, Component::Normal(_));
    if listed.path.is_empty() || !relative.components().all(is_plain) {
        return Err(ManifestError::Malformed(format!(
            "files: the path {:?} leaves the bundle",
            listed.path
        )));
    }
    let path = directory.join(relative);
    let mut hasher = Sha256::new();
    let size = io::copy(&mut open(&path)?, &mut DigestWriter(&mut hasher))
        .map_err(|source| ManifestError::Read { path, source })?;
    if size != listed.size_bytes {
        return Err(ManifestError::DigestMismatch {
            what: listed.path.clone(),
            expected: format!("{} bytes", listed.size_bytes),
            actual: format!("{size} bytes"),
        });
    }
    let actual = hex::encode(hasher.finalize());
    if actual != listed.sha256.as_str() {
        return Err(ManifestError::DigestMismatch {
            what: listed.path.clone(),
            expected: format!("sha256 {}", listed.sha256),
            actual: format!("sha256 {actual}"),
        });
    }
    Ok(())
}

fn open(path: &Path) -> Result<File, ManifestError> {
    File::open(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => ManifestError::Missing {
            path: path.to_owned(),
        },
        _ => ManifestError::Read {
            path: path.to_owned(),
            source,
        },
    })
}

struct DigestWriter<'hasher>(&'hasher mut Sha256);

impl io::Write for DigestWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
