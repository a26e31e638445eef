//! What a run found in its data.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How much the data of a run held, and how much of it was not used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct DataFound {
    /// Products of the catalogue.
    #[serde(default)]
    pub products: i64,
    /// Judgements that can be used.
    #[serde(default)]
    pub judgements: i64,
    /// Searches that can be used.
    #[serde(default)]
    pub searches: i64,
    /// Events that can be used.
    #[serde(default)]
    pub events: i64,
    /// Lines or rows that were passed over because they cannot be read, as `spec.dataset.badLines` allows, by what is wrong with them:
    /// `TooLong`, `NotUtf8`, `Malformed`, `MissingField`, `InvalidField`, `Contradiction`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 16))]
    pub bad_lines: BTreeMap<String, i64>,
    /// What could be read but was left out, by the kind of cause, such as `RepeatedRow` or `EventOfUnrecordedSearch`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 64))]
    pub left_out: BTreeMap<String, i64>,
}
