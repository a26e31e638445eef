//! The name of a bundle: the SHA-256 of its manifest, as 64 lower-case hexadecimal digits.
//!
//! Parsed once at the edge (flags, plan file), so that nothing behind it handles loose strings or
//! builds paths from unchecked text.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// A bundle's digest. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(Arc<str>);

/// A text that is not a digest.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{0:?} is not a digest: want 64 lower-case hexadecimal digits")]
pub struct InvalidDigest(String);

impl Digest {
    /// The 64 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Digest {
    type Err = InvalidDigest;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_hexadecimal = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() == 64 && text.bytes().all(is_hexadecimal) {
            Ok(Self(Arc::from(text)))
        } else {
            Err(InvalidDigest(text.chars().take(80).collect()))
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_sixty_four_lower_case_hexadecimal_digits() {
        let text = "0123456789abcdef".repeat(4);
        assert_eq!(text.parse::<Digest>().unwrap().as_str(), text);
        for wrong in [
            "",
            "abc",
            &text.to_uppercase(),
            &format!("{text}0"),
            &text.replace('a', "/"),
        ] {
            assert!(wrong.parse::<Digest>().is_err(), "{wrong} was accepted");
        }
    }
}
