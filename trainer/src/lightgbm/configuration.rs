//! How to train, and LightGBM's parameter text for it. It does not decide what is sensible for
//! which data.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};
use std::str::FromStr;

use searchop_ranking::bundle::FeatureSchema;
use searchop_ranking::features::{FeatureType, MonotoneConstraint};

use super::early_stopping::EarlyStopping;
use super::error::LightGbmError;

/// What training optimises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Objective {
    /// NDCG, by pairs of rows of a query.
    Lambdarank,
    /// A bound of NDCG, by whole lists with perturbed labels (arXiv 1911.09798).
    RankXendcg,
    /// The squared error of each row's label, whatever query it is of: the baseline that a ranking
    /// objective has to beat.
    Pointwise,
}

impl Objective {
    /// Every objective.
    pub const EVERY: [Self; 3] = [Self::Lambdarank, Self::RankXendcg, Self::Pointwise];

    /// What users call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Lambdarank => "lambdarank",
            Self::RankXendcg => "rank_xendcg",
            Self::Pointwise => "pointwise",
        }
    }

    /// What LightGBM calls it.
    #[must_use]
    pub fn lightgbm_name(self) -> &'static str {
        match self {
            Self::Lambdarank | Self::RankXendcg => self.name(),
            Self::Pointwise => "regression",
        }
    }
}

impl fmt::Display for Objective {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// A text that names no objective.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("--objective {text:?} is not known; known are lambdarank, rank_xendcg, pointwise")]
pub struct UnknownObjective {
    /// What was given.
    pub text: String,
}

impl FromStr for Objective {
    type Err = UnknownObjective;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::EVERY
            .into_iter()
            .find(|objective| objective.name() == text)
            .ok_or_else(|| UnknownObjective {
                text: text.to_owned(),
            })
    }
}

/// How the score may move with a feature's value, all other features being equal. Missing values
/// are not bound by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// A greater value never gives a lower score.
    Increasing,
    /// A greater value never gives a higher score.
    Decreasing,
}

impl Direction {
    /// How it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Increasing => "Increasing",
            Self::Decreasing => "Decreasing",
        }
    }

    fn sign(self) -> &'static str {
        match self {
            Self::Increasing => "1",
            Self::Decreasing => "-1",
        }
    }
}

/// Training learns, beside the model, how much each shown position adds to what is clicked, and
/// leaves that out of the model (unbiased LambdaMART).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PositionBias {
    /// Weight of the squared bias of a position: 0 lets it be what the data says, more pulls it
    /// to 0.
    pub regularization: f64,
}

/// How to train.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingConfiguration {
    /// What is optimised.
    pub objective: Objective,
    /// Trees to add.
    pub iterations: u32,
    /// Leaves of one tree.
    pub leaves: u32,
    /// Shrinkage.
    pub learning_rate: f64,
    /// Seed of everything random in LightGBM.
    pub seed: u32,
    /// Checked further parameters.
    pub parameters: BTreeMap<String, String>,
    /// Needs validation rows.
    pub early_stopping: Option<EarlyStopping>,
    /// Needs the position of each training row.
    pub position_bias: Option<PositionBias>,
    /// How the score may move with features, by their names.
    pub monotone: BTreeMap<String, Direction>,
    /// Names of the features whose values are numbers of categories without an order.
    pub categorical: BTreeSet<String>,
    /// Threads; the model does not depend on it.
    pub threads: usize,
}

impl TrainingConfiguration {
    /// Writes into a schema what was asked for of its features.
    pub fn declare(&self, schema: &mut FeatureSchema) {
        for feature in &mut schema.features {
            feature.monotone_constraint =
                self.monotone
                    .get(&feature.name)
                    .map(|direction| match direction {
                        Direction::Increasing => MonotoneConstraint::Increasing,
                        Direction::Decreasing => MonotoneConstraint::Decreasing,
                    });
            if self.categorical.contains(&feature.name) {
                feature.feature_type = FeatureType::Categorical;
            }
        }
    }

    /// What decides the model but objective and seed, by LightGBM's names, for the record.
    #[must_use]
    pub fn named_parameters(&self) -> BTreeMap<String, String> {
        let mut named = self.parameters.clone();
        let mut set = |name: &str, value: String| named.insert(name.to_owned(), value);
        set("num_iterations", self.iterations.to_string());
        set("num_leaves", self.leaves.to_string());
        set("learning_rate", self.learning_rate.to_string());
        if self.objective.name() != self.objective.lightgbm_name() {
            let name = self.objective.lightgbm_name();
            set("lightgbm_objective", name.to_owned());
        }
        if let Some(stopping) = self.early_stopping {
            set("early_stopping_metric", stopping.metric.to_string());
            set("early_stopping_round", stopping.rounds.to_string());
        }
        if let Some(bias) = self.position_bias {
            set("position_bias", "Unbiased".to_owned());
            set(
                "lambdarank_position_bias_regularization",
                bias.regularization.to_string(),
            );
        }
        if !self.monotone.is_empty() {
            let constraints = self
                .monotone
                .iter()
                .map(|(feature, direction)| format!("{feature}={}", direction.name()));
            let constraints: Vec<String> = constraints.collect();
            set("monotone_constraints", constraints.join(","));
        }
        if !self.categorical.is_empty() {
            let names: Vec<&str> = self.categorical.iter().map(String::as_str).collect();
            set("categorical_feature", names.join(","));
        }
        named
    }

    /// LightGBM's parameter text for features of these names.
    ///
    /// What makes the model independent of the number of threads, each for a reason:
    /// - `deterministic`: sums over all rows of a leaf are made by one thread;
    /// - `force_col_wise`: one thread sums a feature's histogram, in row order. By rows, each
    ///   thread sums a block, and the blocks' sums are rounded differently for each number of
    ///   threads;
    /// - `is_enable_sparse=false`: sparse features are otherwise gathered into one group whose
    ///   histogram is built by rows whatever is forced;
    /// - with position bias, one thread: each thread sums the derivatives of the positions of
    ///   whatever rows it took.
    ///
    /// # Errors
    /// A constraint or a category of a feature that is not there.
    pub fn to_parameter_text(&self, feature_names: &[String]) -> Result<String, LightGbmError> {
        let threads = match self.position_bias {
            Some(_) => 1,
            None => self.threads,
        };
        let mut text = format!(
            "objective={} learning_rate={} num_leaves={} seed={} num_threads={threads} \
             deterministic=true force_col_wise=true is_enable_sparse=false verbosity=-1",
            self.objective.lightgbm_name(),
            self.learning_rate,
            self.leaves,
            self.seed,
        );
        match self.early_stopping {
            Some(stopping) => {
                let metric = stopping.metric;
                let _ = write!(
                    text,
                    " metric={} eval_at={}",
                    metric.lightgbm_name(),
                    metric.position
                );
            }
            None => text.push_str(" metric=none"),
        }
        if let Some(bias) = self.position_bias {
            let _ = write!(
                text,
                " lambdarank_position_bias_regularization={}",
                bias.regularization
            );
        }
        for (name, value) in &self.parameters {
            let _ = write!(text, " {name}={value}");
        }
        if !self.monotone.is_empty() {
            let mut signs = vec!["0"; feature_names.len()];
            for (feature, direction) in &self.monotone {
                signs[column(feature, feature_names)?] = direction.sign();
            }
            let _ = write!(text, " monotone_constraints={}", signs.join(","));
        }
        if !self.categorical.is_empty() {
            let columns: Vec<String> = self
                .categorical_columns(feature_names)?
                .iter()
                .map(usize::to_string)
                .collect();
            let _ = write!(text, " categorical_feature={}", columns.join(","));
        }
        Ok(text)
    }

    /// The columns of the categorical features.
    ///
    /// # Errors
    /// A feature that is not there.
    pub fn categorical_columns(
        &self,
        feature_names: &[String],
    ) -> Result<Vec<usize>, LightGbmError> {
        self.categorical
            .iter()
            .map(|feature| column(feature, feature_names))
            .collect()
    }
}

fn column(feature: &str, names: &[String]) -> Result<usize, LightGbmError> {
    names
        .iter()
        .position(|name| name == feature)
        .ok_or_else(|| LightGbmError::UnknownFeature {
            name: feature.to_owned(),
            count: names.len(),
            first: names.first().cloned().unwrap_or_default(),
            last: names.last().cloned().unwrap_or_default(),
        })
}
