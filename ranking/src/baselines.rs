//! Baselines: simple rankings that a model has to beat, as one score for each row.
//!
//! A higher score ranks first and ties keep their order, as for a model's scores. Metrics are elsewhere.

use crate::catalogue::Catalogue;
use crate::features::{TrainingRows, column};
use crate::generate::random::Stream;

/// A simple ranking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Baseline {
    /// Any order.
    Random,
    /// The catalogue's popularity.
    Popularity,
    /// The order in which the items were shown.
    Retrieval,
    /// BM25 over all text of the item.
    Bm25,
}

impl Baseline {
    /// All baselines.
    pub const EVERY: [Self; 4] = [Self::Random, Self::Popularity, Self::Retrieval, Self::Bm25];

    /// The name in results and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::Popularity => "popularity",
            Self::Retrieval => "retrieval",
            Self::Bm25 => "bm25",
        }
    }

    /// One score for each row; an item of unknown popularity comes last.
    #[must_use]
    pub fn scores(self, rows: &TrainingRows, catalogue: &Catalogue, seed: u64) -> Vec<f64> {
        match self {
            Self::Random => random_scores(rows.len(), seed),
            Self::Popularity => rows
                .items
                .iter()
                .map(|item| catalogue.product(*item).popularity.unwrap_or(-1.0))
                .collect(),
            Self::Retrieval => rows
                .positions
                .iter()
                .map(|position| -f64::from(*position))
                .collect(),
            Self::Bm25 => {
                let bm25 = column("bm25_all").expect("bm25_all is a feature");
                (0..rows.len()).map(|row| rows.row(row)[bm25]).collect()
            }
        }
    }
}

/// The scores of [`Baseline::Random`], for data that has nothing but rows.
#[must_use]
pub fn random_scores(rows: usize, seed: u64) -> Vec<f64> {
    let mut stream = Stream::new(seed, "baseline", 0);
    (0..rows).map(|_| stream.uniform()).collect()
}
