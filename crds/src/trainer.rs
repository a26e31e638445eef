//! How a TrainingRun trains.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How to train.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!has(self.positionBias) || self.positionBias.mode == 'None' || !has(self.objective) || self.objective == 'lambdarank'")
    .message("spec.trainer.positionBias.mode Unbiased needs spec.trainer.objective lambdarank"))]
#[x_kube(validation = Rule::new("!has(self.monotoneConstraints) || !has(self.categoricalFeatures) || !self.monotoneConstraints.exists(constraint, constraint.feature in self.categoricalFeatures)")
    .message("spec.trainer.monotoneConstraints names a feature of spec.trainer.categoricalFeatures: categories have no order"))]
pub struct Trainer {
    /// What is optimised. `lambdarank` optimises NDCG by pairs of items of a query, `rank_xendcg` by whole lists, `pointwise`
    /// predicts each item's label by itself (LightGBM's `regression`): a baseline that the others have to beat.
    /// Default: lambdarank.
    #[serde(default)]
    pub objective: Objective,

    /// Number of boosting iterations, which is the number of trees unless training stops early. Default: 300.
    #[serde(default = "default_num_iterations")]
    #[schemars(range(min = 1, max = 10_000))]
    pub num_iterations: i32,

    /// Most leaves of one tree. Default: 31.
    #[serde(default = "default_num_leaves")]
    #[schemars(range(min = 2, max = 4_096))]
    pub num_leaves: i32,

    /// Weight of each tree, above 0 and at most 1. Default: "0.05".
    #[serde(default = "default_learning_rate")]
    #[schemars(regex(pattern = r"^(0\.[0-9]{1,9}|1(\.0{1,9})?)$"))]
    #[x_kube(validation = Rule::new("double(self) > 0.0").message("spec.trainer.learningRate must be above 0"))]
    pub learning_rate: String,

    /// Start of the trainer's random numbers. Default: 42.
    #[serde(default = "default_seed")]
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub seed: i32,

    /// Ends training when a metric no longer improves on the held-back data, and keeps the best iteration's trees. Default: off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub early_stopping: Option<EarlyStopping>,

    /// What is done about people acting most on what was shown first. Only with events. Default: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position_bias: Option<PositionBias>,

    /// What becomes of the run when a given feature alone ranks nearly as the labels do (NDCG@10 from 0.98), because it was
    /// probably made from them: `Fail` fails it and names the feature, `Warn` leaves a note in the status. Default: Fail.
    #[serde(default)]
    pub leak_guard: LeakGuard,

    /// How the score may move with features. A feature that the data does not have fails the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 100))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["feature".into()]))]
    pub monotone_constraints: Option<Vec<MonotoneConstraint>>,

    /// Features whose values are numbers of categories without an order, whole numbers from 0 to 65535, by name: `f7` is the
    /// feature with the number 7 in the SVMlight files. Only with the input SvmLight. A feature that the data does not have, and a
    /// value that is no category, fail the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 100), inner(length(min = 1, max = 100)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub categorical_features: Option<Vec<String>>,

    /// More of LightGBM's parameters, by LightGBM's names. The trainer checks each value's range. Allowed: bagging_fraction,
    /// bagging_freq, cat_l2, cat_smooth, extra_trees, feature_fraction, feature_fraction_bynode, lambda_l1, lambda_l2,
    /// lambdarank_norm, lambdarank_truncation_level, max_bin, max_delta_step, max_depth, min_data_in_bin, min_data_in_leaf,
    /// min_gain_to_split, min_sum_hessian_in_leaf, path_smooth, sigmoid.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 32))]
    #[x_kube(validation = Rule::new("self.all(name, name in ['bagging_fraction', 'bagging_freq', 'cat_l2', 'cat_smooth', 'extra_trees', 'feature_fraction', 'feature_fraction_bynode', 'lambda_l1', 'lambda_l2', 'lambdarank_norm', 'lambdarank_truncation_level', 'max_bin', 'max_delta_step', 'max_depth', 'min_data_in_bin', 'min_data_in_leaf', 'min_gain_to_split', 'min_sum_hessian_in_leaf', 'path_smooth', 'sigmoid'])")
        .message("spec.trainer.parameters has a name that is not allowed: see kubectl explain trainingrun.spec.trainer.parameters"))]
    #[schemars(schema_with = "crate::generate::parameters_schema")]
    pub parameters: BTreeMap<String, String>,
}

impl Default for Trainer {
    fn default() -> Self {
        Self {
            objective: Objective::default(),
            num_iterations: default_num_iterations(),
            num_leaves: default_num_leaves(),
            learning_rate: default_learning_rate(),
            seed: default_seed(),
            early_stopping: None,
            position_bias: None,
            leak_guard: LeakGuard::default(),
            monotone_constraints: None,
            categorical_features: None,
            parameters: BTreeMap::new(),
        }
    }
}

/// What training optimises.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Objective {
    #[default]
    Lambdarank,
    RankXendcg,
    Pointwise,
}

/// What becomes of a run with a feature that seems to be made from the labels.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
pub enum LeakGuard {
    #[default]
    Fail,
    Warn,
}

/// What is done about people acting most on what was shown first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct PositionBias {
    /// `Unbiased` learns, beside the model, how much each shown position adds to what is clicked, and leaves it out of the model
    /// (unbiased LambdaMART; it trains on one thread). `None` does nothing.
    pub mode: PositionBiasMode,

    /// Weight of the squared bias of a position, from 0 to 1000000: 0 lets it be what the data says, more pulls it to 0. A decimal
    /// number as a string. Used by `Unbiased`. Default: "0".
    #[serde(default = "default_regularization")]
    #[schemars(regex(pattern = r"^(1000000|[0-9]{1,6}(\.[0-9]{1,9})?)$"))]
    pub regularization: String,
}

/// How position bias is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub enum PositionBiasMode {
    None,
    Unbiased,
}

/// How the score may move with a feature, all other features being equal. Missing values are not bound by it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct MonotoneConstraint {
    /// Name of the feature: as in the bundle's features.json, `f7` for the feature with the number 7 in SVMlight files.
    #[schemars(length(min = 1, max = 100))]
    pub feature: String,

    /// `Increasing`: a greater value never gives a lower score. `Decreasing`: a greater value never gives a higher one.
    pub direction: Direction,
}

/// Where a score may move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub enum Direction {
    Increasing,
    Decreasing,
}

/// When training ends before its last iteration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct EarlyStopping {
    /// Metric to watch, such as `ndcg@10`: `ndcg@K` or `map@K` with K from 1 to 1000.
    #[schemars(regex(pattern = r"^(ndcg|map)@([1-9][0-9]{0,2}|1000)$"))]
    pub metric: String,

    /// Number of iterations without improvement after which training ends.
    #[schemars(range(min = 1, max = 1_000))]
    pub rounds: i32,
}

fn default_num_iterations() -> i32 {
    300
}

fn default_num_leaves() -> i32 {
    31
}

fn default_learning_rate() -> String {
    "0.05".to_owned()
}

fn default_seed() -> i32 {
    42
}

fn default_regularization() -> String {
    "0".to_owned()
}
