//! The API of SearchOp: the custom resources of the group `searchop.dev`, version `v1alpha1`.
//!
//! Types, admission rules (CEL), condition types and reasons, labels and names. It talks to no cluster and holds no
//! behaviour: `operator` decides, `crdgen` writes these types out as YAML.

// kube's derives repeat the types inside private modules of their own.
#![allow(unreachable_pub)]

pub mod artifact;
pub mod condition;
pub mod dataset;
pub mod found;
pub mod generate;
pub mod labels;
pub mod language;
pub mod model;
pub mod names;
pub mod pod;
pub mod reason;
pub mod run;
pub mod storage;
pub mod trainer;

pub use artifact::{ArtifactPolicy, ArtifactReference, JobStatus, Versions};
pub use dataset::{
    DatasetCounts, DemoDataset, DemoDatasetSpec, DemoDatasetStatus, DriftChange, DriftKind,
};
pub use found::DataFound;
pub use language::Language;
pub use model::{
    Autoscaling, AutoscalingMode, HistoryEntry, ModelReference, ModelSource, RankingModel,
    RankingModelSpec, RankingModelStatus, RejectedModel, RolloutOutcome, RolloutStatus, Serving,
    ServingStatus,
};
pub use pod::PodTemplate;
pub use run::{
    ActionMeaning, DatasetInput, DatasetSource, FeatureNumbering, GradeMeaning, InputFormat,
    InputName, LocalReference, LogAction, MetricStatus, ProducedModel, ProgressStatus, Split,
    SplitMode, TrainingRun, TrainingRunSpec, TrainingRunStatus,
};
pub use storage::{Credentials, StorageSpec, StoreAccess};
pub use trainer::{
    Direction, EarlyStopping, LeakGuard, MonotoneConstraint, Objective, PositionBias,
    PositionBiasMode, Trainer,
};

/// The API group of every custom resource.
pub const GROUP: &str = "searchop.dev";

/// The one served and stored version.
pub const VERSION: &str = "v1alpha1";
