//! `parity.json`: rows with the scores that the trainer's LightGBM gave them, so
//! that every server can prove that it scores with the same bits.

use serde::{Deserialize, Serialize};

use super::canonical::canonical_json;
use crate::model::RankingModel;

/// The fewest rows a sample has.
pub const PARITY_ROWS_MINIMUM: usize = 32;

/// Rows and their scores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParitySample {
    /// One value for each feature; `null` is missing, which is NaN in a row.
    rows: Vec<Vec<Option<f64>>>,
    /// The raw score of each row.
    scores: Vec<f64>,
}

/// Why a sample cannot be made, or does not hold.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ParitySampleError {
    /// There are too few rows to prove anything, or not one score for each.
    #[error(
        "there are {rows} rows and {scores} scores; at least {PARITY_ROWS_MINIMUM} of each are needed"
    )]
    Size {
        /// How many rows.
        rows: usize,
        /// How many scores.
        scores: usize,
    },
    /// A row has a value that JSON cannot hold.
    #[error("row {row}: a value or the score is infinite or the score is not a number")]
    NotFinite {
        /// The position of the row, from 0.
        row: usize,
    },
    /// A row has not one value for each feature of the model.
    #[error("row {row}: has {found} values, but the model has {expected} features")]
    Width {
        /// The position of the row, from 0.
        row: usize,
        /// How many values it has.
        found: usize,
        /// How many features the model has.
        expected: usize,
    },
    /// A row scores otherwise.
    #[error("row {row}: scores {actual:?}, but the trainer's score is {expected:?}")]
    Score {
        /// The position of the row, from 0.
        row: usize,
        /// The score in the sample.
        expected: f64,
        /// The score of the model as loaded.
        actual: f64,
    },
}

impl ParitySample {
    /// A sample of rows (NaN is missing) and their raw scores, as the trainer's
    /// own library gave them.
    ///
    /// # Errors
    /// When there are fewer than 32 rows, not one score for each, or a value that
    /// is infinite.
    pub fn new(rows: &[Vec<f64>], scores: Vec<f64>) -> Result<Self, ParitySampleError> {
        if let Some(row) = rows
            .iter()
            .position(|row| row.iter().any(|value| value.is_infinite()))
        {
            return Err(ParitySampleError::NotFinite { row });
        }
        if let Some(row) = scores.iter().position(|score| !score.is_finite()) {
            return Err(ParitySampleError::NotFinite { row });
        }
        let present = |row: &Vec<f64>| {
            row.iter()
                .map(|value| (!value.is_nan()).then_some(*value))
                .collect()
        };
        let sample = Self {
            rows: rows.iter().map(present).collect(),
            scores,
        };
        sample.check_size()?;
        Ok(sample)
    }

    /// The text of `parity.json`.
    #[must_use]
    pub fn to_canonical_json(&self) -> String {
        canonical_json(self).expect("a sample has only string keys")
    }

    /// How many rows.
    #[must_use]
    pub fn row_count(&self) -> usize {
        self.rows.len()
    }

    /// The rows with NaN where a value is missing, and their scores.
    pub fn rows(&self) -> impl Iterator<Item = (Vec<f64>, f64)> + '_ {
        let row =
            |row: &Vec<Option<f64>>| row.iter().map(|value| value.unwrap_or(f64::NAN)).collect();
        self.rows.iter().map(row).zip(self.scores.iter().copied())
    }

    /// Checks that the model gives every row its score, to the last bit: all rows
    /// together and each alone, which a model scores in different ways.
    ///
    /// # Errors
    /// Names the first row that has another width or another score.
    pub fn check(&self, model: &RankingModel) -> Result<(), ParitySampleError> {
        self.check_size()?;
        let width = model.feature_count();
        if let Some((row, values)) = (0..).zip(&self.rows).find(|(_, row)| row.len() != width) {
            return Err(ParitySampleError::Width {
                row,
                found: values.len(),
                expected: width,
            });
        }
        let rows: Vec<f64> = self.rows().flat_map(|(row, _)| row).collect();
        let mut scratch = model.scratch();
        let mut together = vec![f64::NAN; self.scores.len()];
        model.score_rows(&rows, &mut scratch, &mut together);
        let mut alone = vec![f64::NAN; self.scores.len()];
        for (row, score) in rows.chunks_exact(width).zip(alone.chunks_exact_mut(1)) {
            model.score_rows(row, &mut scratch, score);
        }
        for (row, expected) in self.scores.iter().enumerate() {
            for actual in [together[row], alone[row]] {
                if actual.to_bits() != expected.to_bits() {
                    return Err(ParitySampleError::Score {
                        row,
                        expected: *expected,
                        actual,
                    });
                }
            }
        }
        Ok(())
    }

    fn check_size(&self) -> Result<(), ParitySampleError> {
        let (rows, scores) = (self.rows.len(), self.scores.len());
        if rows < PARITY_ROWS_MINIMUM || scores != rows {
            return Err(ParitySampleError::Size { rows, scores });
        }
        Ok(())
    }
}

/// Which rows of `row_count` to take into a sample of `wanted`: spread evenly over
/// all of them, first and last included. Fewer rows than that are repeated, so
/// that small data has a sample too; no rows give none.
#[must_use]
pub fn choose_parity_rows(row_count: usize, wanted: usize) -> Vec<usize> {
    let wanted = wanted.max(PARITY_ROWS_MINIMUM);
    match row_count {
        0 => Vec::new(),
        1.. if row_count <= wanted => (0..wanted.max(row_count))
            .map(|index| index % row_count)
            .collect(),
        _ => (0..wanted)
            .map(|index| index * (row_count - 1) / (wanted - 1))
            .collect(),
    }
}
