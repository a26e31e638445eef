//! SHA-256 digests as a type of their own, and hashing of files.
//!
//! Nothing here knows where bytes are kept.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::Digest as _;
use tokio::io::AsyncReadExt as _;

use crate::error::Error;

/// Bytes read from a file at once while hashing.
const READ_SIZE: usize = 256 * 1024;

/// A SHA-256 digest; written and read as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256([u8; 32]);

/// The digest and the size of the same bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest {
    /// SHA-256 of all the bytes.
    pub sha256: Sha256,
    /// How many bytes there were.
    pub size_bytes: u64,
}

/// Text that is not 64 lower-case hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a SHA-256 digest (64 lower-case hexadecimal digits)")]
pub struct InvalidSha256(String);

impl Sha256 {
    /// The digest of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(sha2::Sha256::digest(bytes).into())
    }

    /// The 32 bytes of the digest.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl FromStr for Sha256 {
    type Err = InvalidSha256;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidSha256(text.chars().take(80).collect());
        // One spelling only: the digest is part of object keys, which are case-sensitive.
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(invalid());
        }
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| invalid())?;
        Ok(Self(bytes))
    }
}

impl Serialize for Sha256 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Sha256 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Hashes and counts bytes as they pass.
#[derive(Clone, Default)]
pub(crate) struct Hasher {
    state: sha2::Sha256,
    size_bytes: u64,
}

impl Hasher {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.state.update(bytes);
        self.size_bytes += bytes.len() as u64;
    }

    pub(crate) fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    pub(crate) fn finish(self) -> Digest {
        Digest {
            sha256: Sha256(self.state.finalize().into()),
            size_bytes: self.size_bytes,
        }
    }
}

/// Hashes a local file without holding it in memory.
///
/// # Errors
/// [`Error::Local`] when the file cannot be read.
pub async fn digest_file(path: &Path) -> Result<Digest, Error> {
    let failed = |source| Error::local("read", path, source);
    let mut file = tokio::fs::File::open(path).await.map_err(failed)?;
    let mut buffer = vec![0; READ_SIZE];
    let mut hasher = Hasher::default();
    loop {
        let count = file.read(&mut buffer).await.map_err(failed)?;
        if count == 0 {
            return Ok(hasher.finish());
        }
        hasher.update(&buffer[..count]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_written_and_read_as_lower_case_hexadecimal() {
        let text = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Sha256::of(b"abc").to_string(), text);
        assert_eq!(text.parse::<Sha256>(), Ok(Sha256::of(b"abc")));
    }

    #[test]
    fn text_that_is_no_digest_is_refused() {
        let valid = Sha256::of(b"abc").to_string();
        for text in [
            "",
            "abc",
            &valid[1..],
            &valid.to_uppercase(),
            &format!("{valid}0"),
        ] {
            assert!(text.parse::<Sha256>().is_err(), "{text:?} was accepted");
        }
    }

    #[tokio::test]
    async fn a_file_has_the_digest_of_its_bytes() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("large");
        let bytes = vec![7; READ_SIZE * 2 + 3];
        std::fs::write(&path, &bytes).unwrap();
        let digest = digest_file(&path).await.unwrap();
        assert_eq!(digest.sha256, Sha256::of(&bytes));
        assert_eq!(digest.size_bytes, bytes.len() as u64);
    }
}
