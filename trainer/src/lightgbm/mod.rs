//! Training with LightGBM: from rows, labels and query groups to a model text. The loop over the
//! iterations is ours, so that progress is told, early stopping is right and the best iteration's
//! trees are kept. It does not split data and does not measure the model: the pipeline does, with
//! the scorer that serves.

mod early_stopping;
mod error;
mod matrix;
mod native;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::ControlFlow;

pub use early_stopping::{
    Best, EarlyStopping, RankingMetric, RankingMetricKind, UnknownMetric, Watch,
};
pub use error::LightGbmError;
use matrix::SparseRows;
use native::{Booster, Dataset, ThreadLimit};
use searchop_ranking::svmlight::RankingRows;

/// The LightGBM that is linked in: the version bundled by the pinned `lightgbm3-sys`.
pub const LIGHTGBM_VERSION: &str = "4.7.0";

/// How to train.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingConfiguration {
    /// LightGBM's objective.
    pub objective: String,
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
    /// Threads; the model does not depend on it.
    pub threads: usize,
}

/// A trained model.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainedModel {
    /// LightGBM's text format, as LightGBM writes it.
    pub text: String,
    /// Trees in it.
    pub trees: u32,
    /// The watched metric's best value on the validation rows, with early stopping.
    pub best_validation: Option<f64>,
    /// The watched metric's value on the validation rows after each iteration; empty without
    /// early stopping.
    pub validation_values: Vec<f64>,
}

impl TrainingConfiguration {
    /// What decides the model but objective and seed, by LightGBM's names, for the record.
    #[must_use]
    pub fn named_parameters(&self) -> BTreeMap<String, String> {
        let mut named = self.parameters.clone();
        let mut set = |name: &str, value: String| named.insert(name.to_owned(), value);
        set("num_iterations", self.iterations.to_string());
        set("num_leaves", self.leaves.to_string());
        set("learning_rate", self.learning_rate.to_string());
        if let Some(stopping) = self.early_stopping {
            set("early_stopping_metric", stopping.metric.to_string());
            set("early_stopping_round", stopping.rounds.to_string());
        }
        named
    }

    /// LightGBM's parameter text.
    ///
    /// What makes the model independent of the number of threads, each for a reason:
    /// - `deterministic`: sums over all rows of a leaf are made by one thread;
    /// - `force_col_wise`: one thread sums a feature's histogram, in row order. By rows, each
    ///   thread sums a block, and the blocks' sums are rounded differently for each number of
    ///   threads;
    /// - `is_enable_sparse=false`: sparse features are otherwise gathered into one group whose
    ///   histogram is built by rows whatever is forced.
    #[must_use]
    pub fn to_parameter_text(&self) -> String {
        let mut text = format!(
            "objective={} learning_rate={} num_leaves={} seed={} num_threads={} deterministic=true \
             force_col_wise=true is_enable_sparse=false verbosity=-1",
            self.objective, self.learning_rate, self.leaves, self.seed, self.threads,
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
        for (name, value) in &self.parameters {
            let _ = write!(text, " {name}={value}");
        }
        text
    }
}

fn dataset(
    data: &RankingRows,
    parameters: &str,
    reference: Option<&Dataset>,
) -> Result<Dataset, LightGbmError> {
    let rows = SparseRows::from_rows(data)?;
    let labels: Vec<f32> = data
        .labels()
        .iter()
        .map(|label| f32::from(*label))
        .collect();
    let groups = data
        .group_sizes()
        .map(|rows| {
            i32::try_from(rows).map_err(|_| LightGbmError::TooLarge {
                what: "the number of a query's rows",
                length: rows,
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    let mut dataset = Dataset::new(&rows, parameters, reference)?;
    dataset.set_labels(&labels)?;
    dataset.set_groups(&groups)?;
    Ok(dataset)
}

/// Trains, calling `told` after each iteration with its number from 1; what it answers decides
/// whether training goes on.
///
/// It blocks for as long as training takes, on the thread that calls it.
///
/// # Errors
/// LightGBM refuses data or parameters, lengths do not fit each other, or `told` broke off.
pub fn train(
    configuration: &TrainingConfiguration,
    feature_names: &[String],
    training: &RankingRows,
    validation: Option<&RankingRows>,
    mut told: impl FnMut(u32) -> ControlFlow<()>,
) -> Result<TrainedModel, LightGbmError> {
    let parameters = configuration.to_parameter_text();
    let mut training = dataset(training, &parameters, None)?;
    training.set_feature_names(feature_names)?;
    let validation = validation
        .map(|rows| dataset(rows, &parameters, Some(&training)))
        .transpose()?;
    let mut booster = Booster::new(&training, &parameters)?;
    if let Some(validation) = &validation {
        booster.add_validation(validation)?;
    }
    let mut watch = match (&validation, configuration.early_stopping) {
        (Some(_), Some(stopping)) => Some(Watch::new(stopping.rounds)),
        _ => None,
    };
    let mut validation_values = Vec::new();
    for iteration in 1..=configuration.iterations {
        // An iteration that finds no split adds no tree; a later one may again, on other bagged
        // rows, which is why the loop goes on.
        booster.update()?;
        if told(iteration).is_break() {
            return Err(LightGbmError::Interrupted);
        }
        if let Some(watch) = &mut watch {
            // A mean over queries summed by several threads is rounded differently for each
            // number of threads, which could choose another best iteration.
            let limit = ThreadLimit::new(1);
            let values = booster.evaluate_validation()?;
            drop(limit);
            let [value] = values[..] else {
                return Err(LightGbmError::Metrics {
                    found: values.len(),
                });
            };
            validation_values.push(value);
            if watch.stops_after(value, booster.trees()?) {
                break;
            }
        }
    }
    let best = watch.and_then(|watch| watch.best());
    let trees = match best {
        Some(best) => best.trees,
        None => booster.trees()?,
    };
    Ok(TrainedModel {
        text: booster.to_text(Some(trees))?,
        trees,
        best_validation: best.map(|best| best.value),
        validation_values,
    })
}

/// Scores of dense rows by LightGBM itself, from a model text: what another scorer is compared
/// with.
///
/// # Errors
/// LightGBM cannot read the text or score the rows.
pub fn predict(text: &str, rows: &[Vec<f64>], columns: usize) -> Result<Vec<f64>, LightGbmError> {
    Booster::from_text(text)?.predict(rows, columns)
}

#[cfg(test)]
mod tests;
