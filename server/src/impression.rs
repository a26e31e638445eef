//! Impression ids: one for each answered list, sent back with feedback.
//!
//! UUID version 7, so that ids sort by time. Time and randomness are arguments here; the clock and
//! the random source are read in `api::state`.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::{Builder, Uuid};

/// Names one answered list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImpressionId(Uuid);

impl ImpressionId {
    /// How long an id's text is, in bytes.
    pub const LENGTH: usize = uuid::fmt::Hyphenated::LENGTH;

    /// The id of a list answered at `unix_milliseconds`, made unique by `random`.
    pub fn new(unix_milliseconds: u64, random: [u8; 10]) -> Self {
        Self(Builder::from_unix_timestamp_millis(unix_milliseconds, &random).into_uuid())
    }

    /// The id's text, without an allocation.
    pub fn encoded<'text>(&self, text: &'text mut [u8; Self::LENGTH]) -> &'text str {
        self.0.hyphenated().encode_lower(text)
    }
}

impl fmt::Display for ImpressionId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(formatter)
    }
}

impl Serialize for ImpressionId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ImpressionId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let id = Uuid::try_parse(&text).map_err(|_| serde::de::Error::custom("is not a UUID"))?;
        Ok(Self(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_version_seven_and_sort_by_time() {
        let earlier = ImpressionId::new(1_700_000_000_000, [255; 10]);
        let later = ImpressionId::new(1_700_000_000_001, [0; 10]);
        assert_eq!(earlier.0.get_version_num(), 7);
        assert!(earlier < later);
        assert_ne!(later, ImpressionId::new(1_700_000_000_001, [1; 10]));
    }

    #[test]
    fn an_id_is_read_back_from_its_text() {
        let id = ImpressionId::new(1_700_000_000_000, [7; 10]);
        let text = serde_json::to_string(&id).unwrap();
        assert_eq!(serde_json::from_str::<ImpressionId>(&text).unwrap(), id);
        assert!(serde_json::from_str::<ImpressionId>("\"not-an-id\"").is_err());
    }
}
