//! TrainingRun: one reproducible training.

use crate::trainer::Trainer;
use crate::{ArtifactPolicy, DataFound, JobStatus, Language, PodTemplate, StorageSpec, Versions};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What to train on, and how. Only `suspend` and `artifactPolicy` can be edited: another training is another TrainingRun.
#[derive(Clone, Debug, PartialEq, CustomResource, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[kube(
    group = "searchop.dev",
    version = "v1alpha1",
    kind = "TrainingRun",
    plural = "trainingruns",
    shortname = "trun",
    category = "searchop",
    namespaced,
    status = "TrainingRunStatus",
    derive = "PartialEq",
    doc = "TrainingRun is one reproducible training of a ranking model: features, training, evaluation and a model bundle in the store, by one Job.",
    validation = Rule::new("self.metadata.name.size() <= 48").message("metadata.name may have at most 48 characters"),
    printcolumn(name = "Complete", type_ = "string", json_path = r#".status.conditions[?(@.type=="Complete")].status"#),
    printcolumn(name = "Reason", type_ = "string", json_path = r#".status.conditions[?(@.type=="Complete")].reason"#),
    printcolumn(name = "Progress", type_ = "integer", json_path = ".status.progress.percent", description = "Percent of the work that is done."),
    printcolumn(name = "NDCG@10", type_ = "string", json_path = r#".status.metrics[?(@.name=="ndcg@10")].value"#),
    printcolumn(name = "BM25", type_ = "string", json_path = r#".status.metrics[?(@.name=="ndcg@10")].baselines.bm25"#, description = "NDCG@10 of ranking by BM25."),
    printcolumn(name = "Digest", type_ = "string", json_path = ".status.model.sha256", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[x_kube(validation = Rule::new("has(self.storage) == has(oldSelf.storage)")
    .message("spec.storage is immutable: create another TrainingRun"))]
#[x_kube(validation = Rule::new("has(self.template) == has(oldSelf.template)")
    .message("spec.template is immutable: create another TrainingRun"))]
#[x_kube(validation = Rule::new("has(self.split) == has(oldSelf.split)")
    .message("spec.split is immutable: create another TrainingRun"))]
#[x_kube(validation = Rule::new("!has(self.split) || self.split.mode != 'Time' || !has(self.dataset.inputs) || (self.dataset.inputs.exists(input, input.name == 'Events') && !self.dataset.inputs.exists(input, input.name == 'Judgements'))")
    .message("spec.split.mode Time needs events with times: spec.dataset.inputs has none, use Query, Provided or None"))]
#[x_kube(validation = Rule::new("!has(self.split) || self.split.mode != 'Provided' || (has(self.dataset.inputs) && self.dataset.inputs.exists(input, input.name == 'Validation'))")
    .message("spec.split.mode Provided needs an input named Validation in spec.dataset.inputs"))]
#[x_kube(validation = Rule::new("!has(self.trainer.earlyStopping) || !has(self.split) || self.split.mode != 'None'")
    .message("spec.trainer.earlyStopping needs data to evaluate on: spec.split.mode may not be None"))]
#[x_kube(validation = Rule::new("!has(self.trainer.positionBias) || self.trainer.positionBias.mode == 'None' || !has(self.dataset.inputs) || (self.dataset.inputs.exists(input, input.name == 'Events') && !self.dataset.inputs.exists(input, input.name == 'Judgements'))")
    .message("spec.trainer.positionBias.mode Unbiased needs labels from events: spec.dataset.inputs has none that were shown at a position"))]
#[x_kube(validation = Rule::new("!has(self.trainer.categoricalFeatures) || (has(self.dataset.inputs) && self.dataset.inputs.exists(input, input.name == 'SvmLight'))")
    .message("spec.trainer.categoricalFeatures needs an input named SvmLight in spec.dataset.inputs: features of a catalogue are all numbers"))]
pub struct TrainingRunSpec {
    /// What to train on. It cannot be edited.
    #[x_kube(validation = Rule::new("self == oldSelf").message("spec.dataset is immutable: create another TrainingRun"))]
    pub dataset: DatasetSource,

    /// Which part of the data is held back for evaluation. Default: by time for events, the Validation input where there is one,
    /// else by query, a fifth of the data. It cannot be edited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("self == oldSelf").message("spec.split is immutable: create another TrainingRun"))]
    pub split: Option<Split>,

    /// How to train. It cannot be edited.
    #[serde(default)]
    #[x_kube(validation = Rule::new("self == oldSelf").message("spec.trainer is immutable: create another TrainingRun"))]
    pub trainer: Trainer,

    /// While true, no Job runs: a running one is stopped, and started again from the beginning when this becomes false.
    /// Default: false.
    #[serde(default)]
    pub suspend: bool,

    /// Where the model is kept, and the dataset looked for. Default: the operator's store. It cannot be edited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("self == oldSelf").message("spec.storage is immutable: create another TrainingRun"))]
    pub storage: Option<StorageSpec>,

    /// What happens to the stored model when this object is deleted. An edit takes effect at once. Default: Retain.
    #[serde(default)]
    pub artifact_policy: ArtifactPolicy,

    /// Size and place of the trainer's pod. Default: 2 CPUs and 2 GiB at most. It cannot be edited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("self == oldSelf").message("spec.template is immutable: create another TrainingRun"))]
    pub template: Option<PodTemplate>,
}

/// What to train on: exactly one of the fields.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("[has(self.demoDatasetRef), has(self.artifact), has(self.inputs)].filter(given, given).size() == 1")
    .message("spec.dataset needs exactly one of demoDatasetRef, artifact and inputs"))]
#[x_kube(validation = Rule::new("!has(self.inputs) || self.inputs.exists(input, input.name == 'SvmLight') != self.inputs.exists(input, input.name == 'Catalogue')")
    .message("spec.dataset.inputs needs an input named SvmLight, or one named Catalogue"))]
#[x_kube(validation = Rule::new("(has(self.inputs) && self.inputs.exists(input, input.name == 'SvmLight')) == has(self.featureNumbering)")
    .message("spec.dataset.featureNumbering is needed with the input SvmLight, and only there"))]
#[x_kube(validation = Rule::new("!has(self.inputs) || !self.inputs.exists(input, input.name == 'ValidationGroups') || self.inputs.exists(input, input.name == 'Validation')")
    .message("spec.dataset.inputs: ValidationGroups needs an input named Validation"))]
#[x_kube(validation = Rule::new("!has(self.inputs) || self.inputs.exists(input, input.name == 'SvmLight') || !self.inputs.exists(input, input.name in ['Groups', 'Validation', 'ValidationGroups'])")
    .message("spec.dataset.inputs: Groups, Validation and ValidationGroups need an input named SvmLight"))]
#[x_kube(validation = Rule::new("!has(self.inputs) || self.inputs.exists(input, input.name == 'Catalogue') == self.inputs.exists(input, input.name in ['Judgements', 'Events'])")
    .message("spec.dataset.inputs: Catalogue needs an input named Judgements or Events, and these need it"))]
#[x_kube(validation = Rule::new("!has(self.inputs) || !self.inputs.exists(input, input.name == 'Topics') || self.inputs.exists(input, input.name == 'Judgements')")
    .message("spec.dataset.inputs: Topics needs an input named Judgements"))]
#[x_kube(validation = Rule::new("!has(self.inputs) || !self.inputs.exists(input, input.name == 'Queries') || self.inputs.exists(input, input.name == 'Events')")
    .message("spec.dataset.inputs: Queries needs an input named Events"))]
#[x_kube(validation = Rule::new("!has(self.grades) || (has(self.inputs) && self.inputs.exists(input, input.name == 'Judgements'))")
    .message("spec.dataset.grades needs an input named Judgements"))]
#[x_kube(validation = Rule::new("!has(self.actions) || (has(self.inputs) && self.inputs.exists(input, input.name == 'Events'))")
    .message("spec.dataset.actions needs an input named Events"))]
#[x_kube(validation = Rule::new("!has(self.clockSkewSeconds) || (has(self.inputs) && self.inputs.exists(input, input.name == 'Events'))")
    .message("spec.dataset.clockSkewSeconds needs an input named Events"))]
#[x_kube(validation = Rule::new("!has(self.badLines) || (has(self.inputs) && self.inputs.exists(input, input.name == 'Catalogue'))")
    .message("spec.dataset.badLines needs an input named Catalogue"))]
#[x_kube(validation = Rule::new("!(has(self.snapshotLagSeconds) || has(self.maxSearches) || has(self.recentEvents)) || !has(self.inputs) || (self.inputs.exists(input, input.name == 'Events') && !self.inputs.exists(input, input.name == 'Judgements'))")
    .message("spec.dataset.snapshotLagSeconds, maxSearches and recentEvents are for a dataset, or for inputs with Events and without Judgements"))]
#[x_kube(validation = Rule::new("!has(self.language) || (has(self.inputs) && self.inputs.exists(input, input.name == 'Catalogue'))")
    .message("spec.dataset.language needs an input named Catalogue"))]
pub struct DatasetSource {
    /// A DemoDataset in the same namespace. The run waits until it is complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub demo_dataset_ref: Option<LocalReference>,

    /// A dataset in the store, as a DemoDataset's status names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact: Option<crate::model::ArtifactSource>,

    /// Files in S3: rows of features in the SVMlight (LETOR) format, or own data, which is a `Catalogue` with `Judgements`, with
    /// `Events`, or with both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 5))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub inputs: Option<Vec<DatasetInput>>,

    /// How the SVMlight files count features: `ZeroBased` when the first feature is number 0, `OneBased` when it is number 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feature_numbering: Option<FeatureNumbering>,

    /// What the grades of the judgements mean. Grades that are numbers are compared as numbers, others without regard to case. A
    /// grade that is not named here is a bad line. Default: grades are labels from 0 to 30.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 100))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["grade".into()]))]
    pub grades: Option<Vec<GradeMeaning>>,

    /// What the log calls an impression, a click, an addition to the cart or a purchase, beside `impression`, `click`,
    /// `add_to_cart` and `purchase`. Other actions are left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 50))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub actions: Option<Vec<ActionMeaning>>,

    /// Seconds by which an event may be earlier than its search, for the clocks of two machines differ, and still count. Default: 60.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 86_400))]
    pub clock_skew_seconds: Option<i32>,

    /// Bad lines that are passed over in each of catalogue, judgements and log; the Job's log counts them by kind. Default: 0, the
    /// first bad line fails the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100_000))]
    pub bad_lines: Option<i32>,

    /// Seconds by which the counts of clicks and purchases are older than the midnight UTC at which servers take them up. The rows of
    /// a search are trained on counts of that age, for servers know no newer ones. Of a dataset or a log. Default: 86400, one day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 2_592_000))]
    pub snapshot_lag_seconds: Option<i32>,

    /// Most searches of a dataset or a log that are trained and measured on, for the memory that their rows need. Of more, a sample
    /// by a hash of their ids is taken; clicks and purchases of all are counted. Default: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 100, max = 1_000_000_000))]
    pub max_searches: Option<i32>,

    /// How many of the newest clicks, carts and purchases of who searches your caller sends with a request, in
    /// `context.recentEvents`. Rows are trained with as many of the same person from the log, and the model learns tastes in brand,
    /// category and price. Of a dataset or a log. Default: 0, the caller sends none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 50))]
    pub recent_events: Option<i32>,

    /// Language of the catalogue and the queries, such as `German`: plurals and other forms of a word match. It is recorded in the
    /// model and used for serving as well. Default: English.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
}

/// What a grade means.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct GradeMeaning {
    /// The grade as it stands in the file, such as `Exact` or `100`.
    #[schemars(length(max = 60), regex(pattern = r"^[^=,:\s]([^=,:]*[^=,:\s])?$"))]
    pub grade: String,
    /// The label that is trained on: 0 is useless, more is better.
    #[schemars(range(min = 0, max = 30))]
    pub label: i32,
    /// What the label is worth in NDCG, in training with `lambdarank` and in the metrics, a decimal number as a string. A higher
    /// label has no lower gain.
    /// Default: 2^label - 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[0-9]{1,10}(\.[0-9]{1,9})?$"))]
    pub gain: Option<String>,
}

/// What an action of a log means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActionMeaning {
    /// The `action_name` in the log.
    #[schemars(length(max = 100), regex(pattern = r"^[^=\s]([^=]*[^=\s])?$"))]
    pub name: String,
    /// What it is to the trainer.
    pub action: LogAction,
}

/// What people do with items.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub enum LogAction {
    Impression,
    Click,
    AddToCart,
    Purchase,
}

/// An object of the same namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct LocalReference {
    /// Name of the object in this namespace.
    #[schemars(regex(pattern = r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$"))]
    pub name: String,
}

/// One file in S3.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!has(self.format) || self.name == 'Judgements' || (self.name == 'Catalogue' && self.format in ['Csv', 'JsonLines', 'Parquet'])")
    .message("spec.dataset.inputs[].format is for Judgements, or Csv, JsonLines or Parquet for Catalogue"))]
pub struct DatasetInput {
    /// What the file is: `SvmLight` holds rows to train on, `Groups` the number of rows of each query in order (LightGBM's
    /// `.query` file; without it each row names its query by `qid:`), `Validation` and `ValidationGroups` the same to evaluate on.
    /// Of own data, `Catalogue` holds products, `Judgements` how well items answer queries, `Topics` the texts of the topics of
    /// TREC's qrels, `Events` what people did in the schema of User Behavior Insights, `Queries` their searches (they may also be
    /// among the events). Files may be compressed by gzip or zstd.
    pub name: InputName,

    /// The file as `s3://BUCKET/KEY`.
    #[schemars(
        regex(pattern = r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/.+$"),
        length(max = 1024)
    )]
    pub uri: String,

    /// SHA-256 of the file, 64 hexadecimal digits. Where it is given, other bytes are refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[0-9a-f]{64}$"))]
    pub sha256: Option<String>,

    /// How a `Catalogue` (`JsonLines`, `Csv` or `Parquet`) or `Judgements` are written. Default: what the file's name ends with, `.jsonl` and
    /// `.ndjson`, `.csv`, `.tsv`, `.qrels`, `.json` for `OpenSearch`, each also with
    /// `.gz` or `.zst`, and `.parquet`. `Events` and `Queries` are JSON Lines or Parquet, whichever the file itself shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<InputFormat>,
}

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub enum InputFormat {
    Csv,
    Tsv,
    JsonLines,
    TrecQrels,
    OpenSearch,
    Parquet,
}

/// What a file is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
pub enum InputName {
    SvmLight,
    Groups,
    Validation,
    ValidationGroups,
    Catalogue,
    Judgements,
    Topics,
    Queries,
    Events,
}

/// Number of a file's first feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub enum FeatureNumbering {
    ZeroBased,
    OneBased,
}

/// Which part of the data is held back for evaluation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!has(self.folds) || self.mode == 'KFold'").message("spec.split.folds is for spec.split.mode KFold"))]
pub struct Split {
    /// `Time` holds back the newest searches, `Query` queries drawn by the trainer's seed, `Provided` takes the Validation input,
    /// `None` evaluates nothing. `KFold`, for small data, holds nothing back: every query is measured by a model that was trained
    /// on the other folds, and the model that is published is trained on everything.
    pub mode: SplitMode,

    /// Fraction of the searches or queries that is held back, between 0.01 and 0.9. Used by `Time` and `Query`. Default: "0.2".
    #[serde(default = "default_test_fraction")]
    #[schemars(regex(pattern = r"^0\.[0-9]{1,6}$"))]
    #[x_kube(validation = Rule::new("double(self) >= 0.01 && double(self) <= 0.9").message("spec.split.testFraction must be between 0.01 and 0.9"))]
    pub test_fraction: String,

    /// Number of parts that the queries are dealt to, one training for each and one more. Used by `KFold`. Default: 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 2, max = 20))]
    pub folds: Option<i32>,
}

/// How data is held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub enum SplitMode {
    Time,
    Query,
    KFold,
    Provided,
    None,
}

/// What is known of the run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrainingRunStatus {
    /// Generation of the spec that this status is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// `Complete` (the model is in the store), `Failed` (there will be none), `Suspended`, and `Deleting` while the object goes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    #[schemars(length(max = 8))]
    pub conditions: Vec<Condition>,

    /// How far the Job is: 100 percent once the model is in the store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<ProgressStatus>,

    /// Metrics on the held-back data, with KFold of all queries out of fold, each with its 95 % interval and baselines. NDCG has
    /// gain 2^label - 1, or the gain that `spec.dataset.grades` states, and discount log2; ties stay in input order, and queries
    /// without a relevant document are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    #[schemars(length(max = 16))]
    pub metrics: Vec<MetricStatus>,

    /// The model bundle in the store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ProducedModel>,

    /// SHA-256 of the data that the model was trained on: a dataset's digest, or that of all input files together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset_sha256: Option<String>,

    /// How much the data held and how much of it was left out. Data of the form `SvmLight` has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<DataFound>,

    /// What the trainer noticed about the data and the model, in sentences. It is no failure, but worth a look. At most 5.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 5), inner(length(max = 200)))]
    pub notes: Vec<String>,

    /// The newest Job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<JobStatus>,

    /// Versions of what made the model, by component.
    #[serde(default, skip_serializing_if = "Versions::is_empty")]
    #[schemars(extend("maxProperties" = 8))]
    pub versions: Versions,
}

/// How far a Job is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProgressStatus {
    /// Percent of the work that is done.
    pub percent: i32,
    /// What the Job is doing: download, features, train, evaluate or upload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// Boosting iterations that are done, while it trains.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iteration: Option<i32>,
}

/// One metric. Values are decimal fractions as strings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct MetricStatus {
    /// Name, such as `ndcg@10`.
    pub name: String,
    /// Mean over the queries.
    pub value: String,
    /// Lower end of the 95 % bootstrap interval over queries.
    pub low: String,
    /// Upper end of the 95 % bootstrap interval over queries.
    pub high: String,
    /// Number of queries that were evaluated.
    pub queries: i64,
    /// The same metric for rankings without the model: `random`, `popularity`, `retrieval`, `bm25`. One that the data does not
    /// allow is not there.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 8))]
    pub baselines: BTreeMap<String, String>,
}

/// A model bundle in the store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProducedModel {
    /// Where the bundle is: the store's URI, then `/artifacts/` and the digest.
    pub uri: String,
    /// SHA-256 of the bundle's manifest, 64 hexadecimal digits. It covers every byte of every file.
    pub sha256: String,
    /// Size of all files together, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<i64>,
    /// Format of the model in the bundle.
    pub format: String,
    /// SHA-256 of the feature schema, which requests must fit.
    pub feature_schema_sha256: String,
    /// Where the report is, an HTML page on how good the model is: download it and open it in a browser. It loads nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report_uri: Option<String>,
}

fn default_test_fraction() -> String {
    "0.2".to_owned()
}
