//! Which rows are trained on, which choose the number of trees, and which are tested on. The rule
//! of a split is the ranking crate's; here it is applied to data, and the parts are checked.

use std::collections::BTreeMap;

use searchop_ranking::split::{Split, find_leaks, split_by_query, split_by_time};
use searchop_ranking::svmlight::RankingRows;
use serde::Serialize;

use crate::data::{Data, Features};
use crate::evaluation::TestRows;
use crate::failure::Failure;
use crate::request::SplitChoice;

/// Added to the seed of the split within the training queries: with the same seed their hashes
/// would all fall on the training side again.
const VALIDATION_SEED_OFFSET: u64 = 1 << 32;

/// The parts of data.
#[derive(Clone, Debug)]
pub struct Partition {
    /// To train on.
    pub training: RankingRows,
    /// The position at which each row to train on was shown, where rows are of shown lists.
    pub training_positions: Option<Vec<u32>>,
    /// To choose the number of trees by; `None` if nothing is chosen, or if the test rows do it.
    own_validation: Option<RankingRows>,
    /// Whether the test rows choose the number of trees.
    test_chooses_trees: bool,
    /// To measure on.
    pub test: Option<TestRows>,
    left_out: usize,
}

/// Sizes of the parts, as they stand in the bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PartitionSizes {
    /// Queries trained on.
    pub training_queries: usize,
    /// Rows trained on.
    pub training_rows: usize,
    /// Queries that chose the number of trees.
    pub validation_queries: usize,
    /// Queries measured on.
    pub test_queries: usize,
    /// Rows measured on.
    pub test_rows: usize,
    /// Queries in no part, because the same query is in another.
    pub left_out_queries: usize,
}

impl Partition {
    /// The rows that choose the number of trees, with early stopping.
    #[must_use]
    pub fn validation(&self) -> Option<&RankingRows> {
        match &self.test {
            Some(test) if self.test_chooses_trees => Some(&test.rows),
            _ => self.own_validation.as_ref(),
        }
    }

    /// Whether the test rows also choose the number of trees, which flatters their figures.
    #[must_use]
    pub fn test_chooses_trees(&self) -> bool {
        self.test_chooses_trees
    }

    /// Sizes of the parts.
    #[must_use]
    pub fn sizes(&self) -> PartitionSizes {
        let test = self.test.as_ref().map(|test| &test.rows);
        PartitionSizes {
            training_queries: self.training.query_count(),
            training_rows: self.training.row_count(),
            validation_queries: self.validation().map_or(0, RankingRows::query_count),
            test_queries: test.map_or(0, RankingRows::query_count),
            test_rows: test.map_or(0, RankingRows::row_count),
            left_out_queries: self.left_out,
        }
    }

    /// Features that alone rank the training rows nearly as their labels do, one sentence each.
    ///
    /// # Errors
    /// A fault of this program.
    pub fn leaks(&self, names: &[String]) -> Result<Vec<String>, Failure> {
        let leaks = find_leaks(&self.training).map_err(Failure::internal)?;
        let sentence = |leak: &searchop_ranking::split::FeatureLeak| {
            format!(
                "feature {} alone ranks with an NDCG@10 of {:.4}: it was probably made from the labels",
                names[leak.column], leak.ndcg
            )
        };
        Ok(leaks.iter().map(sentence).collect())
    }
}

/// Splits data to train on. `choose_trees`: whether validation rows are needed to stop early.
///
/// They are never test rows, but where the caller provides one validation set for both; then the
/// figures say so.
///
/// # Errors
/// A part that stays empty, or training rows from which nothing can be learned.
pub fn partition(
    data: Data,
    split: SplitChoice,
    seed: u32,
    choose_trees: bool,
) -> Result<(Features, Partition), Failure> {
    let (features, partition) = divide(data, split, seed, choose_trees)?;
    require_learnable(&partition.training)?;
    Ok((features, partition))
}

/// The test rows that [`partition`] makes of the same arguments; without a split, all rows.
///
/// # Errors
/// A part that stays empty.
pub fn test_rows(
    data: Data,
    split: SplitChoice,
    seed: u32,
    choose_trees: bool,
) -> Result<TestRows, Failure> {
    if split == SplitChoice::None {
        return Ok(TestRows {
            rows: data.rows,
            baselines: data.baselines,
            query_keys: data.query_keys,
            lists: data.lists,
            split: "all queries".to_owned(),
        });
    }
    let (_, partition) = divide(data, split, seed, choose_trees)?;
    partition
        .test
        .ok_or_else(|| Failure::internal("a split without test queries"))
}

fn divide(
    data: Data,
    split: SplitChoice,
    seed: u32,
    choose_trees: bool,
) -> Result<(Features, Partition), Failure> {
    let Data {
        rows,
        provided_test,
        query_keys,
        timestamps,
        baselines,
        lists,
        features,
        ..
    } = data;
    let queries = Queries {
        keys: &query_keys,
        times: timestamps.as_deref(),
    };
    let mut test_chooses_trees = false;
    let positions_of = |queries: &[usize]| {
        let lists = lists.as_ref()?;
        let of_rows = queries.iter().flat_map(|query| rows.query_rows(*query));
        Some(of_rows.map(|row| lists.positions[row]).collect())
    };
    let (training, training_positions, own_validation, test, left_out) = match split {
        SplitChoice::None => {
            let positions = lists.map(|lists| lists.positions);
            (rows, positions, None, None, 0)
        }
        SplitChoice::Provided => {
            let Some(test) = provided_test else {
                return Err(Failure::internal("the Validation input was not read"));
            };
            test_chooses_trees = choose_trees;
            let named = if choose_trees {
                "the Validation input, which also chose the number of trees (optimistic)"
            } else {
                "the Validation input"
            };
            let test = TestRows {
                query_keys: test.query_identifiers().to_vec(),
                rows: test,
                baselines: BTreeMap::new(),
                lists: None,
                split: named.to_owned(),
            };
            (rows, None, None, Some(test), 0)
        }
        SplitChoice::Time { test_fraction } | SplitChoice::Query { test_fraction } => {
            let outer = queries
                .split(split, u64::from(seed))
                .map_err(Failure::data)?;
            let test = TestRows {
                rows: select(&rows, &outer.test)?,
                baselines: baselines
                    .iter()
                    .map(|(name, scores)| (name.clone(), select_rows(&rows, &outer.test, scores)))
                    .collect(),
                query_keys: outer
                    .test
                    .iter()
                    .map(|query| query_keys[*query].clone())
                    .collect(),
                lists: lists.as_ref().map(|lists| lists.select(&rows, &outer.test)),
                split: split_name(split, test_fraction),
            };
            let (training, validation, left_out) = if choose_trees {
                let (training, validation, left_out) =
                    inner_split(&queries, &outer.train, split, seed)?;
                (training, Some(validation), left_out)
            } else {
                (outer.train, None, 0)
            };
            let validation = validation
                .map(|validation| select(&rows, &validation))
                .transpose()?;
            (
                select(&rows, &training)?,
                positions_of(&training),
                validation,
                Some(test),
                outer.left_out.len() + left_out,
            )
        }
    };
    Ok((
        features,
        Partition {
            training,
            training_positions,
            own_validation,
            test_chooses_trees,
            test,
            left_out,
        },
    ))
}

fn split_name(split: SplitChoice, test_fraction: f64) -> String {
    match split {
        SplitChoice::Time { .. } => format!("the last {test_fraction} of the searches in time"),
        _ => format!("{test_fraction} of the queries, chosen by hash"),
    }
}

/// What a split needs to know of queries.
struct Queries<'a> {
    keys: &'a [String],
    times: Option<&'a [i64]>,
}

impl Queries<'_> {
    fn split(&self, split: SplitChoice, seed: u64) -> Result<Split, String> {
        match split {
            SplitChoice::Time { test_fraction } => {
                let times = self.times.ok_or("the data has no times to split by")?;
                split_by_time(self.keys, times, seed, test_fraction)
            }
            SplitChoice::Query { test_fraction } => split_by_query(self.keys, seed, test_fraction),
            SplitChoice::Provided | SplitChoice::None => {
                return Err("this split is not made from one set of rows".to_owned());
            }
        }
        .map_err(|error| error.to_string())
    }
}

/// Training and validation queries among `of`, and how many are in neither.
fn inner_split(
    queries: &Queries<'_>,
    of: &[usize],
    split: SplitChoice,
    seed: u32,
) -> Result<(Vec<usize>, Vec<usize>, usize), Failure> {
    let keys: Vec<String> = of
        .iter()
        .map(|query| queries.keys[*query].clone())
        .collect();
    let times: Option<Vec<i64>> = queries
        .times
        .map(|times| of.iter().map(|query| times[*query]).collect());
    let inner = Queries {
        keys: &keys,
        times: times.as_deref(),
    }
    .split(split, u64::from(seed) + VALIDATION_SEED_OFFSET)
    .map_err(|error| Failure::data(format!("no validation queries for early stopping: {error}")))?;
    let original = |places: &[usize]| places.iter().map(|place| of[*place]).collect();
    Ok((
        original(&inner.train),
        original(&inner.test),
        inner.left_out.len(),
    ))
}

fn select(rows: &RankingRows, queries: &[usize]) -> Result<RankingRows, Failure> {
    rows.select_queries(queries).map_err(Failure::data)
}

fn select_rows(rows: &RankingRows, queries: &[usize], values: &[f64]) -> Vec<f64> {
    queries
        .iter()
        .flat_map(|query| &values[rows.query_rows(*query)])
        .copied()
        .collect()
}

/// Some query must have two rows with different labels: ranking is learned from nothing else.
fn require_learnable(training: &RankingRows) -> Result<(), Failure> {
    let has_difference = |query: usize| {
        let labels = &training.labels()[training.query_rows(query)];
        labels.iter().any(|label| *label != labels[0])
    };
    if (0..training.query_count()).any(has_difference) {
        return Ok(());
    }
    let cause = if training.group_sizes().all(|rows| rows == 1) {
        "every query has a single row".to_owned()
    } else if training
        .labels()
        .iter()
        .all(|label| *label == training.labels()[0])
    {
        format!("every row has the label {}", training.labels()[0])
    } else {
        "within every query all rows have the same label".to_owned()
    };
    Err(Failure::data(format!(
        "nothing can be learned from the {} training queries ({} rows): {cause}",
        training.query_count(),
        training.row_count(),
    )))
}

#[cfg(test)]
mod tests;
