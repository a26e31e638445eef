//! RankingModel: what serves, and how it gets there.

use crate::{LocalReference, PodTemplate, StoreAccess};
use k8s_openapi::api::autoscaling::v2::{HorizontalPodAutoscalerBehavior, MetricSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

/// What serves. Editing `model` promotes: the stable model serves until the new one is ready and has passed its self-check.
#[derive(Clone, Debug, PartialEq, CustomResource, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[kube(
    group = "searchop.dev",
    version = "v1alpha1",
    kind = "RankingModel",
    plural = "rankingmodels",
    shortname = "rkm",
    category = "searchop",
    namespaced,
    status = "RankingModelStatus",
    derive = "PartialEq",
    doc = "RankingModel is a ranking service: which model serves, on how many servers, and how a new model takes over.",
    validation = Rule::new("self.metadata.name.size() <= 48").message("metadata.name may have at most 48 characters"),
    validation = Rule::new("self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')")
        .message("metadata.name must start with a letter and have only lower-case letters, digits and '-': it names a Service"),
    scale(
        spec_replicas_path = ".spec.serving.replicas",
        status_replicas_path = ".status.serving.replicas",
        label_selector_path = ".status.serving.selector"
    ),
    printcolumn(name = "Stable", type_ = "string", json_path = ".status.stable.name", description = "The model that serves."),
    printcolumn(name = "Candidate", type_ = "string", json_path = ".status.candidate.name", description = "The model that is on its way."),
    printcolumn(name = "NDCG@10", type_ = "string", json_path = ".status.stable.ndcgAt10"),
    printcolumn(name = "Ready", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].status"#),
    printcolumn(name = "Available", type_ = "string", json_path = r#".status.conditions[?(@.type=="Available")].status"#),
    printcolumn(name = "Replicas", type_ = "integer", json_path = ".status.serving.readyReplicas"),
    printcolumn(name = "Reason", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].reason"#, priority = 1),
    printcolumn(name = "URL", type_ = "string", json_path = ".status.serving.url", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
pub struct RankingModelSpec {
    /// The model that shall serve. An edit starts a rollout to it; going back to the model that served before is immediate.
    pub model: ModelSource,

    /// How it is served. An edit takes effect without changing the model.
    #[serde(default)]
    pub serving: Serving,

    /// How the store that bundles are read from is reached; where in it they are, each bundle's URI says. Default: as the
    /// operator's store. An edit restarts the servers one by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<StoreAccess>,
}

/// Which model: exactly one of the fields.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.trainingRunRef) != has(self.artifact)")
    .message("spec.model needs exactly one of trainingRunRef and artifact"))]
pub struct ModelSource {
    /// A TrainingRun in the same namespace. Its model is deployed once the run is complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training_run_ref: Option<LocalReference>,

    /// A model bundle in the store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact: Option<ArtifactSource>,
}

/// An artifact in the store, named by its place and digest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.uri.endsWith('/' + self.sha256)")
    .message("artifact.uri must end with the digest that artifact.sha256 names"))]
pub struct ArtifactSource {
    /// Where the artifact is, as a status names it: `s3://BUCKET/PREFIX/artifacts/DIGEST`.
    #[schemars(
        regex(
            pattern = r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9._-]+)*/artifacts/[0-9a-f]{64}$"
        ),
        length(max = 640)
    )]
    pub uri: String,

    /// SHA-256 of the artifact's manifest, 64 hexadecimal digits. Other bytes are refused.
    #[schemars(regex(pattern = r"^[0-9a-f]{64}$"))]
    pub sha256: String,
}

/// How a model is served.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Serving {
    /// Number of ranking servers when `autoscaling.mode` is `Fixed`; `kubectl scale` and autoscalers that use the scale
    /// subresource write it. The other modes ignore it. Default: 2.
    #[serde(default = "default_replicas")]
    #[schemars(range(min = 0, max = 1_000))]
    pub replicas: i32,

    /// Who decides the number of ranking servers. Default: a HorizontalPodAutoscaler from 2 to 10 servers at 70 % CPU.
    #[serde(default)]
    pub autoscaling: Autoscaling,

    /// Size and place of the ranking servers. An edit restarts them one by one. Default: 100m to 1 CPU and 256 MiB to 512 MiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<PodTemplate>,
}

impl Default for Serving {
    fn default() -> Self {
        Self {
            replicas: default_replicas(),
            autoscaling: Autoscaling::default(),
            template: None,
        }
    }
}

/// Who decides the number of ranking servers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.minReplicas <= self.maxReplicas")
    .message("spec.serving.autoscaling.minReplicas may not be above maxReplicas"))]
pub struct Autoscaling {
    /// `Managed` keeps a HorizontalPodAutoscaler, `Fixed` keeps `spec.serving.replicas`, `External` leaves the Deployment's
    /// replica count to an autoscaler of your own. Default: Managed.
    #[serde(default)]
    pub mode: AutoscalingMode,

    /// Fewest ranking servers (`Managed`), and how many a new Deployment starts with (`Managed` and `External`). Default: 2.
    #[serde(default = "default_replicas")]
    #[schemars(range(min = 1, max = 1_000))]
    pub min_replicas: i32,

    /// Most ranking servers (`Managed`). Default: 10.
    #[serde(default = "default_max_replicas")]
    #[schemars(range(min = 1, max = 1_000))]
    pub max_replicas: i32,

    /// What to scale on (`Managed`), as in a HorizontalPodAutoscaler of autoscaling/v2. Default: 70 % of the requested CPU.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    pub metrics: Vec<MetricSpec>,

    /// How fast to scale (`Managed`), as in a HorizontalPodAutoscaler of autoscaling/v2. Default: Kubernetes' own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behavior: Option<HorizontalPodAutoscalerBehavior>,
}

impl Default for Autoscaling {
    fn default() -> Self {
        Self {
            mode: AutoscalingMode::default(),
            min_replicas: default_replicas(),
            max_replicas: default_max_replicas(),
            metrics: Vec::new(),
            behavior: None,
        }
    }
}

/// Who writes the Deployment's replica count.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
pub enum AutoscalingMode {
    #[default]
    Managed,
    Fixed,
    External,
}

/// What is known of the service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct RankingModelStatus {
    /// Generation of the spec that this status is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// `Ready` (the spec is fully in effect), `Available` (traffic is served now), `Progressing`, `ModelResolved`, `Promoted`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    #[schemars(length(max = 16))]
    pub conditions: Vec<Condition>,

    /// The model that serves all traffic outside a rollout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stable: Option<ModelReference>,

    /// The model that is on its way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidate: Option<ModelReference>,

    /// The model that served before. The servers keep it loaded, so that going back to it is immediate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<ModelReference>,

    /// The newest rollout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<RolloutStatus>,

    /// Models that were refused, newest first. At most 10.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10))]
    pub rejected: Vec<RejectedModel>,

    /// Ended rollouts, newest first. At most 10.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10))]
    pub history: Vec<HistoryEntry>,

    /// The ranking servers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serving: Option<ServingStatus>,
}

/// A model, by its bundle.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ModelReference {
    /// For people: the TrainingRun's name, or the first 12 digits of the digest.
    pub name: String,
    /// SHA-256 of the bundle's manifest, 64 hexadecimal digits.
    pub sha256: String,
    /// Where the bundle is.
    pub uri: String,
    /// NDCG@10 on the trainer's held-back data, as the bundle says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ndcg_at_10: Option<String>,
}

/// A change from one model to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct RolloutStatus {
    /// The generation that started it, a hyphen, and the first 8 digits of the model's digest.
    pub id: String,
    /// Digest of the model that it brings.
    pub sha256: String,
    /// How it stands or ended.
    pub outcome: RolloutOutcome,
    /// Percent of the traffic that the candidate shall get.
    pub weight: i32,
    /// Percent of the traffic that every server has confirmed to give it.
    pub verified_weight: i32,
    /// When it started.
    pub started_at: Time,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Time>,
}

/// How a rollout stands or ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub enum RolloutOutcome {
    /// It runs.
    InProgress,
    /// The candidate is stable.
    Succeeded,
    /// The candidate failed; the stable model serves.
    RolledBack,
    /// The spec named another model before it ended.
    Superseded,
}

/// A model that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct RejectedModel {
    /// SHA-256 of the bundle's manifest.
    pub sha256: String,
    /// Where the bundle was looked for.
    pub uri: String,
    /// Digest of the pod template with this model alone. The model is tried again when `spec.serving.template`, `spec.storage`
    /// or the operator's server image makes another template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template_sha256: Option<String>,
    /// The rollout that brought it.
    pub rollout_id: String,
    /// Why, as a condition's reason.
    pub reason: String,
    /// Why, for people.
    #[schemars(length(max = 1024))]
    pub message: String,
    /// When.
    pub at: Time,
}

/// An ended rollout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct HistoryEntry {
    /// The rollout.
    pub rollout_id: String,
    /// Name of the model.
    pub name: String,
    /// SHA-256 of the bundle's manifest.
    pub sha256: String,
    /// How it ended.
    pub outcome: RolloutOutcome,
    /// When it ended.
    pub at: Time,
}

/// The ranking servers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServingStatus {
    /// Number of ranking servers.
    pub replicas: i32,
    /// Number of ranking servers that are ready.
    pub ready_replicas: i32,
    /// Label selector of the ranking servers, for the scale subresource.
    pub selector: String,
    /// URL of the service within the cluster.
    pub url: String,
    /// Sequence number of the traffic plan that the operator wrote last.
    pub plan_sequence: i64,
    /// Sequence number of the traffic plan that every server follows.
    pub verified_plan_sequence: i64,
}

fn default_replicas() -> i32 {
    2
}

fn default_max_replicas() -> i32 {
    10
}
