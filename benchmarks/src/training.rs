//! The trainer as a worker: from a matrix in memory to a model text.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use anyhow::{Result, bail};
use searchop_ranking::svmlight::RankingRows;
use searchop_trainer::lightgbm::{Objective, TrainingConfiguration, TrainingData, train};

use crate::numbers::read_doubles;

/// Rows to train on, and how.
#[derive(Debug)]
pub struct TrainingWorker {
    rows: RankingRows,
    names: Vec<String>,
    configuration: TrainingConfiguration,
    text: String,
}

impl TrainingWorker {
    /// Reads a matrix (float64, row-major) and a label (a byte) for each row; every query has `group` rows.
    ///
    /// # Errors
    /// A file cannot be read, or they do not fit each other.
    pub fn new(
        matrix: &Path,
        labels: &Path,
        group: usize,
        (iterations, leaves, threads): (u32, u32, usize),
    ) -> Result<Self> {
        let labels = fs::read(labels)?;
        let matrix = read_doubles(matrix)?;
        let width = matrix.len() / labels.len().max(1);
        let queries = labels.len() / group.max(1);
        let identifiers = (0..queries).map(|query| query.to_string()).collect();
        Ok(Self {
            rows: RankingRows::from_dense(
                labels,
                &vec![group; queries],
                identifiers,
                width,
                matrix,
            )?,
            names: (0..width)
                .map(|column| format!("Column_{column}"))
                .collect(),
            configuration: TrainingConfiguration {
                objective: Objective::Lambdarank,
                iterations,
                leaves,
                learning_rate: 0.05,
                seed: 42,
                parameters: BTreeMap::new(),
                early_stopping: None,
                position_bias: None,
                monotone: BTreeMap::new(),
                categorical: BTreeSet::new(),
                threads,
            },
            text: String::new(),
        })
    }

    /// `train`, `dump PATH` (the text of the last model) or `parameters PATH` (LightGBM's parameter text).
    ///
    /// # Errors
    /// Another line, or training fails.
    pub fn act(&mut self, words: &[&str]) -> Result<()> {
        match words {
            ["train"] => {
                let data = TrainingData {
                    feature_names: &self.names,
                    training: &self.rows,
                    positions: None,
                    validation: None,
                };
                let trained = train(&self.configuration, &data, |_| ControlFlow::Continue(()))?;
                self.text = trained.text;
            }
            ["dump", path] => fs::write(path, &self.text)?,
            ["parameters", path] => {
                fs::write(path, self.configuration.to_parameter_text(&self.names)?)?;
            }
            _ => bail!("not understood"),
        }
        Ok(())
    }
}
