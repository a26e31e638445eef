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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::ItemIndex;
    use crate::features::FEATURE_COUNT;

    #[test]
    fn each_baseline_scores_by_its_own_column() {
        let lines = [
            r#"{"item_id":"a","title":"x","popularity":7}"#,
            r#"{"item_id":"b","title":"x"}"#,
            r#"{"item_id":"c","title":"x","popularity":0}"#,
        ];
        let catalogue = Catalogue::read(lines.join("\n").as_bytes()).expect("a catalogue");
        let bm25 = column("bm25_all").expect("a feature");
        let mut rows = TrainingRows {
            feature_count: FEATURE_COUNT,
            values: vec![f64::NAN; 3 * FEATURE_COUNT],
            labels: vec![0; 3],
            items: [1, 2, 0].map(ItemIndex).to_vec(),
            positions: vec![1, 2, 5],
            ..TrainingRows::default()
        };
        for (row, value) in [3.0, 1.0, 2.0].into_iter().enumerate() {
            rows.values[row * FEATURE_COUNT + bm25] = value;
        }
        let scores = |baseline: Baseline, seed: u64| baseline.scores(&rows, &catalogue, seed);
        assert_eq!(scores(Baseline::Popularity, 1), [-1.0, 0.0, 7.0]);
        assert_eq!(scores(Baseline::Retrieval, 1), [-1.0, -2.0, -5.0]);
        assert_eq!(scores(Baseline::Bm25, 1), [3.0, 1.0, 2.0]);
        assert_eq!(scores(Baseline::Random, 1), scores(Baseline::Random, 1));
        assert_ne!(scores(Baseline::Random, 1), scores(Baseline::Random, 2));
    }
}
