//! The metadata of a bundle's manifest: what is told of a model without reading its files.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The `metadata` of a bundle's manifest.
///
/// Fields that are not known are passed over: they describe the model, they do
/// not change a score. What changes scores is versioned and strict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BundleMetadata {
    /// SHA-256 of the canonical JSON of the feature schema.
    pub feature_schema_sha256: String,
    /// Digest of the data it was trained on.
    pub dataset_sha256: String,
    /// What was optimised, such as `lambdarank`.
    pub objective: String,
    /// The seed of the training.
    pub seed: u64,
    /// LightGBM's parameters by name, without those that name a machine.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    /// How many trees the model has.
    pub trees: usize,
    /// What trained it.
    pub versions: BundleVersions,
    /// The headline metrics.
    #[serde(default)]
    pub metrics: Vec<HeadlineMetric>,
}

/// What trained a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundleVersions {
    /// Version of the trainer.
    pub trainer: String,
    /// Version of LightGBM.
    pub lightgbm: String,
}

/// A metric as it is shown: decimals as strings, so that no reader rounds them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HeadlineMetric {
    /// Such as `ndcg@10`.
    pub name: String,
    /// The mean over queries.
    pub value: String,
    /// The lower end of its interval.
    pub low: String,
    /// The upper end of its interval.
    pub high: String,
    /// How many queries count.
    pub queries: usize,
    /// The mean of each baseline that the data allows, by the baseline's name.
    #[serde(default)]
    pub baselines: BTreeMap<String, String>,
}
