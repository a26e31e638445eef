//! Which rows are trained on, which choose the number of trees, and which are tested on. The rule
//! of a split is the ranking crate's; here it is applied to data, and the parts are checked.

use std::collections::{BTreeMap, HashSet};

use searchop_ranking::metrics::{Conventions, Gain};
use searchop_ranking::split::{Split, folds_by_query, split_by_query, split_by_time};
use searchop_ranking::svmlight::RankingRows;
use serde::Serialize;

use crate::data::{Data, Features};
use crate::evaluation::TestRows;
use crate::failure::Failure;
use crate::request::SplitChoice;

/// Added to the seed of the split within the training queries: with the same seed their hashes
/// would all fall on the training side again.
const VALIDATION_SEED_OFFSET: u64 = 1 << 32;

/// One of so many parts of a fold's training queries chooses its number of trees, with early stopping.
const VALIDATION_PARTS_OF_FOLDS: usize = 5;

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
    /// By which conventions everything is measured.
    pub conventions: Conventions,
    /// With folds, the queries of `training` that each trains and tests on; the test rows are then
    /// all training rows.
    pub folds: Vec<Fold>,
    left_out: usize,
}

/// One fold, in queries of the training rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fold {
    /// To train on.
    pub train: Vec<usize>,
    /// To choose the number of trees by; empty without early stopping.
    pub validation: Vec<usize>,
    /// To test on.
    pub test: Vec<usize>,
}

/// The rows of one fold.
#[derive(Clone, Debug)]
pub struct FoldRows {
    /// To train on.
    pub training: RankingRows,
    /// The position at which each of them was shown.
    pub positions: Option<Vec<u32>>,
    /// To choose the number of trees by.
    pub validation: Option<RankingRows>,
    /// To test on.
    pub test: RankingRows,
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

    /// The rows of a fold.
    ///
    /// # Errors
    /// Training rows from which nothing can be learned.
    pub fn fold_rows(&self, fold: &Fold) -> Result<FoldRows, Failure> {
        let training = select(&self.training, &fold.train)?;
        require_learnable(&training)?;
        let positions = self.training_positions.as_ref().map(|positions| {
            let rows = fold.train.iter();
            rows.flat_map(|query| &positions[self.training.query_rows(*query)])
                .copied()
                .collect()
        });
        let validation = (!fold.validation.is_empty())
            .then(|| select(&self.training, &fold.validation))
            .transpose()?;
        Ok(FoldRows {
            training,
            positions,
            validation,
            test: select(&self.training, &fold.test)?,
        })
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
            randomised: data.randomised,
            split: "all queries".to_owned(),
            conventions: conventions(data.label_gains),
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
        randomised,
        features,
        label_gains,
        ..
    } = data;
    let conventions = conventions(label_gains);
    let queries = Queries {
        keys: &query_keys,
        times: timestamps.as_deref(),
    };
    let mut test_chooses_trees = false;
    let mut folds = Vec::new();
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
                randomised: None,
                split: named.to_owned(),
                conventions: conventions.clone(),
            };
            (rows, None, None, Some(test), 0)
        }
        SplitChoice::KFold { folds: count } => {
            folds = deal(&queries, count, seed, choose_trees)?;
            let positions = lists.as_ref().map(|lists| lists.positions.clone());
            let test = TestRows {
                rows: rows.clone(),
                baselines,
                query_keys: query_keys.clone(),
                lists,
                randomised: None,
                split: format!(
                    "all queries out of fold: {count} folds by query, each measured by a model that was \
                     not trained on it; the published model is trained on all of them"
                ),
                conventions: conventions.clone(),
            };
            (rows, positions, None, Some(test), 0)
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
                randomised: match &randomised {
                    Some(randomised) => {
                        let times = timestamps.as_deref().unwrap_or_default();
                        let of_test = outer.test.iter().filter_map(|query| times.get(*query));
                        randomised.held_back(split, seed, of_test.copied().min())?
                    }
                    None => None,
                },
                split: split_name(split, test_fraction),
                conventions: conventions.clone(),
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
            conventions,
            folds,
            left_out,
        },
    ))
}

/// By which conventions rows are measured whose labels have these gains.
fn conventions(label_gains: Option<Vec<f64>>) -> Conventions {
    Conventions {
        gain: label_gains.map_or_else(Gain::default, Gain::Stated),
        ..Conventions::default()
    }
}

/// The folds, and in each the training queries that choose its number of trees.
fn deal(
    queries: &Queries<'_>,
    count: u32,
    seed: u32,
    choose_trees: bool,
) -> Result<Vec<Fold>, Failure> {
    let splits =
        folds_by_query(queries.keys, u64::from(seed), count as usize).map_err(Failure::data)?;
    let fold = |split: Split| -> Result<Fold, Failure> {
        let (train, validation) = if choose_trees {
            choose_validation(queries, &split.train, seed)?
        } else {
            (split.train, Vec::new())
        };
        Ok(Fold {
            train,
            validation,
            test: split.test,
        })
    };
    splits.into_iter().map(fold).collect()
}

/// A fifth of the queries, as evenly as they can be dealt: of few, a share by hash may be none.
fn choose_validation(
    queries: &Queries<'_>,
    train: &[usize],
    seed: u32,
) -> Result<(Vec<usize>, Vec<usize>), Failure> {
    let keys: Vec<String> = train
        .iter()
        .map(|query| queries.keys[*query].clone())
        .collect();
    let distinct = keys.iter().collect::<HashSet<_>>().len();
    let seed = u64::from(seed) + VALIDATION_SEED_OFFSET;
    let parts = folds_by_query(&keys, seed, distinct.clamp(2, VALIDATION_PARTS_OF_FOLDS))
        .map_err(|error| Failure::data(format!("no validation queries: {error}")))?;
    let original = |places: &[usize]| places.iter().map(|place| train[*place]).collect();
    Ok((original(&parts[0].train), original(&parts[0].test)))
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
            SplitChoice::Provided | SplitChoice::KFold { .. } | SplitChoice::None => {
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
