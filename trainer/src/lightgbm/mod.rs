//! Training with LightGBM: from rows, labels and query groups to a model text. The loop over the
//! iterations is ours, so that progress is told, early stopping is right and the best iteration's
//! trees are kept. It does not split data and does not measure the model: the pipeline does, with
//! the scorer that serves.

mod configuration;
mod early_stopping;
mod error;
mod matrix;
mod native;

use std::ops::ControlFlow;

pub use configuration::{
    Direction, Objective, PositionBias, TrainingConfiguration, UnknownObjective,
};
pub use early_stopping::{
    Best, EarlyStopping, RankingMetric, RankingMetricKind, UnknownMetric, Watch,
};
pub use error::LightGbmError;
use matrix::Matrix;
use native::{Booster, Dataset, ThreadLimit};
use searchop_ranking::svmlight::RankingRows;

/// The LightGBM that is linked in: the version bundled by the pinned `lightgbm3-sys`.
pub const LIGHTGBM_VERSION: &str = "4.7.0";

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

fn dataset(
    data: &RankingRows,
    parameters: &str,
    reference: Option<&Dataset>,
) -> Result<Dataset, LightGbmError> {
    let rows = Matrix::of(data)?;
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

/// What a model is trained on.
#[derive(Clone, Copy, Debug)]
pub struct TrainingData<'a> {
    /// Name of each feature, in the order of the columns.
    pub feature_names: &'a [String],
    /// The rows to learn from.
    pub training: &'a RankingRows,
    /// The position at which each of them was shown; used with position bias.
    pub positions: Option<&'a [u32]>,
    /// The rows that early stopping watches.
    pub validation: Option<&'a RankingRows>,
}

impl TrainingData<'_> {
    /// The training rows, with their positions where the configuration wants them.
    fn training_set(
        &self,
        configuration: &TrainingConfiguration,
        parameters: &str,
    ) -> Result<Dataset, LightGbmError> {
        let mut training = dataset(self.training, parameters, None)?;
        training.set_feature_names(self.feature_names)?;
        if configuration.position_bias.is_some() {
            let positions = self.positions.ok_or(LightGbmError::NoPositions)?;
            let positions = positions
                .iter()
                .map(|position| {
                    i32::try_from(*position).map_err(|_| LightGbmError::TooLarge {
                        what: "a position",
                        length: *position as usize,
                    })
                })
                .collect::<Result<Vec<_>, _>>()?;
            training.set_positions(&positions)?;
        }
        Ok(training)
    }
}

/// Trains, calling `told` after each iteration with its number from 1; what it answers decides
/// whether training goes on.
///
/// It blocks for as long as training takes, on the thread that calls it.
///
/// # Errors
/// LightGBM refuses data or parameters, a feature is not there that the configuration names, lengths
/// do not fit each other, or `told` broke off.
pub fn train(
    configuration: &TrainingConfiguration,
    data: &TrainingData<'_>,
    mut told: impl FnMut(u32) -> ControlFlow<()>,
) -> Result<TrainedModel, LightGbmError> {
    let parameters = configuration.to_parameter_text(data.feature_names)?;
    let training = data.training_set(configuration, &parameters)?;
    let validation = data
        .validation
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

/// A model that LightGBM itself has read and scores with: what servers built on it do. It stays on
/// the thread that read it.
#[derive(Debug)]
pub struct LoadedModel(Booster<'static>);

impl LoadedModel {
    /// Reads LightGBM's text format.
    ///
    /// # Errors
    /// LightGBM cannot read the text.
    pub fn from_text(text: &str) -> Result<Self, LightGbmError> {
        Booster::from_text(text).map(Self)
    }

    /// The score of each row of a row-major matrix of `columns` columns.
    ///
    /// # Errors
    /// The values are not whole rows, or LightGBM fails.
    pub fn score(&self, values: &[f64], columns: usize) -> Result<Vec<f64>, LightGbmError> {
        self.0.predict_matrix(values, columns)
    }
}

#[cfg(test)]
mod tests;
