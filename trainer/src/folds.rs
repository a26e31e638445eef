//! What the models of the folds come to: a score for each row by a model that was not trained on its
//! query, and the number of trees of the model that is trained on everything.

use searchop_ranking::svmlight::RankingRows;

use crate::lightgbm::TrainingConfiguration;
use crate::partition::Fold;

/// The models of the folds, measured.
#[derive(Clone, Debug, PartialEq)]
pub struct OutOfFold {
    /// The score of each row.
    pub scores: Vec<f64>,
    /// Trees of each fold's model.
    pub trees: Vec<u32>,
}

impl OutOfFold {
    /// Nothing scored yet; `rows` are those of all folds.
    #[must_use]
    pub fn new(rows: &RankingRows) -> Self {
        Self {
            scores: vec![0.0; rows.row_count()],
            trees: Vec::new(),
        }
    }

    /// Takes the scores of a fold's test rows, in the order of its test queries.
    pub fn take(&mut self, rows: &RankingRows, fold: &Fold, scores: &[f64], trees: u32) {
        let places = fold.test.iter().flat_map(|query| rows.query_rows(*query));
        for (place, score) in places.zip(scores) {
            self.scores[place] = *score;
        }
        self.trees.push(trees);
    }

    /// How to train on everything: there is nothing left to stop early by, so that the number of
    /// trees is the median of the folds' then, the lower of two.
    #[must_use]
    pub fn final_configuration(
        &self,
        configuration: &TrainingConfiguration,
    ) -> TrainingConfiguration {
        let mut configuration = configuration.clone();
        if configuration.early_stopping.take().is_some() {
            let mut trees = self.trees.clone();
            trees.sort_unstable();
            configuration.iterations = trees[(trees.len() - 1) / 2].max(1);
        }
        configuration
    }

    /// What people should know of it.
    #[must_use]
    pub fn note(&self, configuration: &TrainingConfiguration) -> String {
        let trees: Vec<String> = self.trees.iter().map(u32::to_string).collect();
        let median = match configuration.early_stopping {
            Some(_) => ", with the median of their trees",
            None => "",
        };
        format!(
            "measured out of fold by {} models of {} trees; the published model is another one, trained \
             on all queries{median}",
            trees.len(),
            trees.join(", "),
        )
    }
}
