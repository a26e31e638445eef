//! DemoDataset: seeded, realistic e-commerce data in the store.

use crate::{ArtifactPolicy, ArtifactReference, JobStatus, PodTemplate, StorageSpec, Versions};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What to generate. Only `artifactPolicy` can be edited: other data is another DemoDataset.
#[derive(Clone, Debug, PartialEq, CustomResource, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[kube(
    group = "searchop.dev",
    version = "v1alpha1",
    kind = "DemoDataset",
    plural = "demodatasets",
    shortname = "dds",
    category = "searchop",
    namespaced,
    status = "DemoDatasetStatus",
    derive = "PartialEq",
    doc = "DemoDataset is seeded, realistic e-commerce data: a catalogue, queries, events and judgements. One Job writes it to the store.",
    validation = Rule::new("self.metadata.name.size() <= 48").message("metadata.name may have at most 48 characters"),
    printcolumn(name = "Complete", type_ = "string", json_path = r#".status.conditions[?(@.type=="Complete")].status"#),
    printcolumn(name = "Reason", type_ = "string", json_path = r#".status.conditions[?(@.type=="Complete")].reason"#),
    printcolumn(name = "Products", type_ = "integer", json_path = ".status.counts.products"),
    printcolumn(name = "Queries", type_ = "integer", json_path = ".status.counts.queries"),
    printcolumn(name = "Events", type_ = "integer", json_path = ".status.counts.events"),
    printcolumn(name = "Digest", type_ = "string", json_path = ".status.artifact.sha256", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[x_kube(validation = Rule::new("has(self.drift) == has(oldSelf.drift)")
    .message("spec.drift is immutable: create another DemoDataset"))]
#[x_kube(validation = Rule::new("has(self.storage) == has(oldSelf.storage)")
    .message("spec.storage is immutable: create another DemoDataset"))]
#[x_kube(validation = Rule::new("has(self.template) == has(oldSelf.template)")
    .message("spec.template is immutable: create another DemoDataset"))]
pub struct DemoDatasetSpec {
    /// Start of the random numbers. The same seed, sizes and drift give the same bytes, and so the same digest. Default: 42.
    #[serde(default = "default_seed")]
    #[schemars(range(min = 0, max = 9_007_199_254_740_991_i64))]
    #[x_kube(validation = Rule::new("self == oldSelf").message("spec.seed is immutable: create another DemoDataset"))]
    pub seed: i64,

    /// Number of products in the catalogue. Default: 2000.
    #[serde(default = "default_products")]
    #[schemars(range(min = 100, max = 100_000))]
    #[x_kube(validation = Rule::new("self == oldSelf").message("spec.products is immutable: create another DemoDataset"))]
    pub products: i64,

    /// Number of shoppers, whether they come to search or not. Default: 5000.
    #[serde(default = "default_users")]
    #[schemars(range(min = 10, max = 1_000_000))]
    #[x_kube(validation = Rule::new("self == oldSelf").message("spec.users is immutable: create another DemoDataset"))]
    pub users: i64,

    /// Number of events: searches, impressions, clicks, carts and purchases together. Default: 100000.
    #[serde(default = "default_events")]
    #[schemars(range(min = 1_000, max = 10_000_000))]
    #[x_kube(validation = Rule::new("self == oldSelf").message("spec.events is immutable: create another DemoDataset"))]
    pub events: i64,

    /// Changes of the shop from a day on, each kind at most once. Data that changes shows what a model does that learned from the
    /// days before. Default: none. It cannot be edited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 4))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["kind".into()]))]
    #[x_kube(validation = Rule::new("self == oldSelf").message("spec.drift is immutable: create another DemoDataset"))]
    pub drift: Option<Vec<DriftChange>>,

    /// Where the dataset is kept. Default: the operator's store. It cannot be edited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("self == oldSelf").message("spec.storage is immutable: create another DemoDataset"))]
    pub storage: Option<StorageSpec>,

    /// What happens to the stored dataset when this object is deleted. An edit takes effect at once. Default: Retain.
    #[serde(default)]
    pub artifact_policy: ArtifactPolicy,

    /// Size and place of the generator's pod. Default: 1 CPU and 1 GiB. It cannot be edited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("self == oldSelf").message("spec.template is immutable: create another DemoDataset"))]
    pub template: Option<PodTemplate>,
}

/// A change of the shop from a day on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct DriftChange {
    /// What changes: `NewCategory`, `PriceShift`, `TasteShift` or `BrokenFeed`.
    pub kind: DriftKind,

    /// The first day on which it is so. The data has 30 days, counted from 1.
    #[schemars(range(min = 2, max = 30))]
    pub from_day: i32,

    /// How much of a change it is, in percent: the share of searches for the new category, by how much prices are higher, how
    /// strongly tastes change, the share of events that are broken.
    #[schemars(range(min = 1, max = 100))]
    pub strength_percent: i32,
}

/// What changes in a shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DriftKind {
    /// One category is neither shown nor asked for before the day. From then on a share of the searches is for it.
    NewCategory,
    /// All prices are higher from the day on; the catalogue has the new ones.
    PriceShift,
    /// All shoppers prefer other brands from the day on.
    TasteShift,
    /// A share of the clicks, carts and purchases from the day on names a search that is not recorded, so that it is lost.
    BrokenFeed,
}

impl DriftKind {
    /// The name, as in manifests and on the trainer's command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NewCategory => "NewCategory",
            Self::PriceShift => "PriceShift",
            Self::TasteShift => "TasteShift",
            Self::BrokenFeed => "BrokenFeed",
        }
    }
}

/// What is known of the dataset.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct DemoDatasetStatus {
    /// Generation of the spec that this status is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// `Complete` (the dataset is in the store), `Failed` (there will be none), and `Deleting` while the object goes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    #[schemars(length(max = 8))]
    pub conditions: Vec<Condition>,

    /// The dataset in the store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact: Option<ArtifactReference>,

    /// How much of what the dataset holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts: Option<DatasetCounts>,

    /// The newest Job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<JobStatus>,

    /// Percent of the work that is done: 100 once the dataset is in the store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress_percent: Option<i32>,

    /// Versions of what made the dataset, by component.
    #[serde(default, skip_serializing_if = "Versions::is_empty")]
    #[schemars(extend("maxProperties" = 8))]
    pub versions: Versions,
}

/// How much of what a dataset holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct DatasetCounts {
    /// Products in the catalogue.
    pub products: i64,
    /// Searches.
    pub queries: i64,
    /// Shoppers, whether they searched or not.
    pub users: i64,
    /// Searches, impressions, clicks, carts and purchases together.
    pub events: i64,
}

fn default_seed() -> i64 {
    42
}

fn default_products() -> i64 {
    2_000
}

fn default_users() -> i64 {
    5_000
}

fn default_events() -> i64 {
    100_000
}
