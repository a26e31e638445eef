//! What the kinds that own an artifact in the store share.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What happens to the stored artifact when the object is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ArtifactPolicy {
    /// The artifact stays in the store.
    #[default]
    Retain,
    /// A purge Job deletes the artifact, unless another object refers to it.
    Delete,
}

/// An artifact in the store, named by the digest of its manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ArtifactReference {
    /// Where the artifact is: the store's URI, then `/artifacts/` and the digest.
    pub uri: String,
    /// SHA-256 of the artifact's manifest, 64 hexadecimal digits. It covers every byte of every file.
    pub sha256: String,
    /// Size of all files together, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<i64>,
}

/// The Job that works, or worked, for the object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobStatus {
    /// Name of the newest Job.
    pub name: String,
    /// Number of the newest Job, counted from 1.
    pub attempt: i32,
    /// Attempts so far that failed of the work's own doing: bad data or parameters, a crash, memory, disk. Trouble with storage,
    /// network or nodes is not counted.
    #[serde(default)]
    pub failures: i32,
    /// Attempts in a row that were cut short by storage, network or nodes. These are tried again without end.
    #[serde(default)]
    pub interruptions: i32,
    /// When the next Job starts, while one is waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<Time>,
}

/// Versions of what made the artifact, by component.
pub type Versions = BTreeMap<String, String>;
