//! Gradient-boosted tree models in the text format of LightGBM.
//!
//! Reads a model (versions v2, v3 and v4 of the text format), checks every index
//! in it, and scores rows with exactly the bits that LightGBM's raw score has.
//! It is deliberately not a trainer, and not a reader of models that give several
//! outputs a row or have linear leaves: those are refused by name.

mod build;
mod contributions;
mod error;
mod normalise;
mod numbers;
mod text;
pub(crate) mod tree;

#[cfg(test)]
mod tests;

pub use error::ModelError;
pub use normalise::normalise;

use crate::scorer::{Scorer, Scratch};
use contributions::{add_contributions, expected_value};
use tree::Tree;

/// The largest model text that is read, in bytes.
pub const MODEL_TEXT_BYTES_LIMIT: usize = 512 << 20;

/// A loaded model: an ensemble of regression trees over one row of features.
///
/// Every index in it was checked when it was read, so scoring cannot fail, loop
/// or read outside a row.
#[derive(Debug, Clone)]
pub struct RankingModel {
    feature_names: Vec<String>,
    objective: Option<String>,
    average_output: bool,
    trees: Vec<Tree>,
    scorer: Scorer,
}

/// Equal models have equal trees, and so equal scorers.
impl PartialEq for RankingModel {
    fn eq(&self, other: &Self) -> bool {
        self.feature_names == other.feature_names
            && self.objective == other.objective
            && self.average_output == other.average_output
            && self.trees == other.trees
    }
}

impl RankingModel {
    /// Reads a model from LightGBM's text format.
    ///
    /// # Errors
    /// Names the field, and for trees the tree, that is missing, malformed, out
    /// of bounds or not supported. A hostile text gives an error too: nothing is
    /// allocated that the text does not itself fill.
    pub fn parse(text: &str) -> Result<Self, ModelError> {
        text::parse(text)
    }

    fn new(
        feature_names: Vec<String>,
        objective: Option<String>,
        average_output: bool,
        trees: Vec<Tree>,
    ) -> Self {
        let scorer = Scorer::new(&trees, feature_names.len());
        Self {
            feature_names,
            objective,
            average_output,
            trees,
            scorer,
        }
    }

    /// The raw score of one row: the sum of its leaf in each tree, added in the
    /// order of the trees, starting from 0.
    ///
    /// `row` holds [`feature_count`](Self::feature_count) values in the order of
    /// [`feature_names`](Self::feature_names); NaN means missing. As in
    /// LightGBM, a magnitude of at most 1e-35 counts as 0. No link function is
    /// applied, and a random forest's sum is not divided by its trees.
    ///
    /// This walks the trees as they were read, one after the other: it is what
    /// [`score_rows`](Self::score_rows) is checked against, and much slower.
    ///
    /// # Panics
    /// When the row has another width than the model.
    #[must_use]
    pub fn score(&self, row: &[f64]) -> f64 {
        self.check_width(row);
        self.trees
            .iter()
            .fold(0.0, |sum, tree| sum + tree.predict(row))
    }

    /// Writes the raw score of each row of a row-major matrix: the bits of
    /// [`score`](Self::score), many times as fast.
    ///
    /// `rows` holds [`feature_count`](Self::feature_count) values for each of
    /// `scores`. Allocates nothing when the scratch is from
    /// [`scratch`](Self::scratch) of this model, and uses no other thread.
    ///
    /// # Panics
    /// When there are not that many values.
    pub fn score_rows(&self, rows: &[f64], scratch: &mut Scratch, scores: &mut [f64]) {
        assert_eq!(
            Some(rows.len()),
            scores.len().checked_mul(self.feature_count()),
            "there are rows of one value for each feature of the model, and a score for each"
        );
        self.scorer.score_rows(rows, scratch, scores);
    }

    /// As [`score_rows`](Self::score_rows), in every way that there is, each with its name.
    #[cfg(fuzzing)]
    #[must_use]
    pub fn score_rows_in_every_way(&self, rows: &[f64]) -> Vec<(String, Vec<f64>)> {
        Scorer::score_in_every_way(&self.trees, self.feature_count(), rows)
    }

    /// Memory to score with, for one thread at a time. Some tens of kilobytes;
    /// make it once and keep it.
    #[must_use]
    pub fn scratch(&self) -> Scratch {
        self.scorer.scratch()
    }

    /// How much each feature adds to the raw score of a row: exact TreeSHAP values
    /// for [`feature_count`](Self::feature_count) features, then the score that is
    /// expected when nothing is known. Together they add up to the score.
    ///
    /// They weigh by the training rows that reached each leaf. A tree that does not
    /// say counts one row for each of its leaves.
    ///
    /// # Panics
    /// When the row has another width than the model.
    #[must_use]
    pub fn contributions(&self, row: &[f64]) -> Vec<f64> {
        self.check_width(row);
        let mut contributions = vec![0.0; row.len() + 1];
        for tree in &self.trees {
            add_contributions(tree, row, &mut contributions);
        }
        contributions
    }

    /// The raw score that is expected when nothing is known of a row: what
    /// [`contributions`](Self::contributions) has last.
    #[must_use]
    pub fn base_value(&self) -> f64 {
        self.trees
            .iter()
            .fold(0.0, |sum, tree| sum + expected_value(tree))
    }

    fn check_width(&self, row: &[f64]) {
        assert_eq!(
            row.len(),
            self.feature_count(),
            "a row has one value for each feature of the model"
        );
    }

    /// How many values a row has; at least 1.
    #[must_use]
    pub fn feature_count(&self) -> usize {
        self.feature_names.len()
    }

    /// The names of the features as the model text has them, in the order of a row.
    #[must_use]
    pub fn feature_names(&self) -> &[String] {
        &self.feature_names
    }

    /// How many trees the model has; 0 is a model that scores everything 0.
    #[must_use]
    pub fn tree_count(&self) -> usize {
        self.trees.len()
    }

    /// The objective it was trained for, such as `lambdarank`, if the text names one.
    #[must_use]
    pub fn objective(&self) -> Option<&str> {
        self.objective.as_deref()
    }

    /// Whether LightGBM would divide the raw score by the number of trees for its
    /// final output (random forests). The order of rows is the same either way.
    #[must_use]
    pub fn averages_output(&self) -> bool {
        self.average_output
    }
}
