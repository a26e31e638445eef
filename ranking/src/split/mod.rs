//! Splits of queries into a side to train on and a side to test on.
//!
//! A query never stands on both sides, and its side depends on nothing but its
//! key and the seed: not on the other queries, the order of the data or the
//! machine. Rows are not touched here.

mod folds;
mod leaks;
mod overlap;

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};

use sha2::{Digest, Sha256};

pub use folds::folds_by_query;
pub use leaks::{FeatureLeak, LEAK_NDCG, find_leaks};
pub use overlap::{check_disjoint, check_rows_disjoint};

/// The side of a split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// To train on.
    Train,
    /// To test on.
    Test,
}

/// Which queries stand on which side, by their positions, rising.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// To train on; not empty.
    pub train: Vec<usize>,
    /// To test on; not empty.
    pub test: Vec<usize>,
    /// On neither side, because they would bring a query to both.
    pub left_out: Vec<usize>,
}

/// Why queries cannot be split.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    /// A fraction that leaves nothing on a side.
    #[error("testFraction: {0} is not between 0 and 1")]
    Fraction(String),
    /// All queries fell on the same side.
    #[error(
        "no query is left to {side}: {queries} queries with {distinct} distinct keys are too few for this test fraction"
    )]
    EmptySide {
        /// What nothing is left for.
        side: &'static str,
        /// How many queries there were.
        queries: usize,
        /// How many distinct keys they have.
        distinct: usize,
    },
    /// Folds that would stay empty.
    #[error("{distinct} distinct queries cannot be dealt to {folds} folds")]
    Folds {
        /// How many folds.
        folds: usize,
        /// How many distinct keys the queries have.
        distinct: usize,
    },
    /// There is not one time for each query.
    #[error("there are {times} times for {queries} queries")]
    TimesDoNotMatch {
        /// How many times.
        times: usize,
        /// How many queries.
        queries: usize,
    },
    /// A query stands on both sides of a split that was given.
    #[error("the query {key:?} is in the training data and in the validation data")]
    Overlap {
        /// The query's key.
        key: String,
    },
    /// A query of the one side of a split that was given has the rows of one of the other.
    #[error(
        "the query {test:?} of the validation data has the rows and labels of the query {train:?} of the training data"
    )]
    SameRows {
        /// What the query is called in the training data.
        train: String,
        /// What it is called in the validation data.
        test: String,
    },
}

/// The side of one query: test for about `test_fraction` of all keys.
///
/// `key` is what makes two queries the same query, such as the normalised text.
#[must_use]
pub fn side_of(key: &str, seed: u64, test_fraction: f64) -> Side {
    // 53 bits: as many as a fraction in [0, 1) can hold exactly.
    let share = (digest_of(key, seed) >> 11) as f64 / (1_u64 << 53) as f64;
    if share < test_fraction {
        Side::Test
    } else {
        Side::Train
    }
}

/// A number that looks random, the same for the same key and seed on any machine.
fn digest_of(key: &str, seed: u64) -> u64 {
    let digest = Sha256::new()
        .chain_update(seed.to_le_bytes())
        .chain_update(key)
        .finalize();
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    u64::from_be_bytes(first)
}

/// Splits queries by their keys: queries of one key stand on one side.
///
/// # Errors
/// When the fraction is not between 0 and 1, or a side stays empty.
pub fn split_by_query<K: AsRef<str>>(
    keys: &[K],
    seed: u64,
    test_fraction: f64,
) -> Result<Split, SplitError> {
    check_fraction(test_fraction)?;
    let (test, train) = (0..keys.len())
        .partition(|query| side_of(keys[*query].as_ref(), seed, test_fraction) == Side::Test);
    checked(
        Split {
            train,
            test,
            left_out: Vec::new(),
        },
        keys,
    )
}

/// Splits queries by time: about the last `test_fraction` of them are to test on.
///
/// All queries of one moment stand on one side. Where a key has queries on both
/// sides of that moment, the seed says which side keeps it (test for about
/// `test_fraction` of such keys), and its queries on the other are left out.
///
/// # Errors
/// When the fraction is not between 0 and 1, there is not one time for each
/// query, or a side stays empty.
pub fn split_by_time<K: AsRef<str>>(
    keys: &[K],
    times: &[i64],
    seed: u64,
    test_fraction: f64,
) -> Result<Split, SplitError> {
    check_fraction(test_fraction)?;
    if times.len() != keys.len() {
        return Err(SplitError::TimesDoNotMatch {
            times: times.len(),
            queries: keys.len(),
        });
    }
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let first_of_test = ((keys.len() as f64 * (1.0 - test_fraction)).round() as usize)
        .min(keys.len().saturating_sub(1));
    let cut = sorted.get(first_of_test).copied().unwrap_or_default();
    let side_by_time = |query: usize| {
        if times[query] < cut {
            Side::Train
        } else {
            Side::Test
        }
    };

    let mut sides_of_key: HashMap<&str, HashSet<Side>> = HashMap::new();
    for (query, key) in keys.iter().enumerate() {
        sides_of_key
            .entry(key.as_ref())
            .or_default()
            .insert(side_by_time(query));
    }
    let mut split = Split {
        train: Vec::new(),
        test: Vec::new(),
        left_out: Vec::new(),
    };
    for (query, key) in keys.iter().enumerate() {
        let key = key.as_ref();
        let side = side_by_time(query);
        let on_both = sides_of_key.get(key).is_some_and(|sides| sides.len() == 2);
        if on_both && side_of(key, seed, test_fraction) != side {
            split.left_out.push(query);
        } else {
            match side {
                Side::Train => split.train.push(query),
                Side::Test => split.test.push(query),
            }
        }
    }
    checked(split, keys)
}

fn check_fraction(test_fraction: f64) -> Result<(), SplitError> {
    if test_fraction > 0.0 && test_fraction < 1.0 {
        return Ok(());
    }
    Err(SplitError::Fraction(test_fraction.to_string()))
}

fn checked<K: AsRef<str>>(split: Split, keys: &[K]) -> Result<Split, SplitError> {
    let side = match (split.train.is_empty(), split.test.is_empty()) {
        (false, false) => return Ok(split),
        (true, _) => "train on",
        (false, true) => "test on",
    };
    let distinct = keys.iter().map(AsRef::as_ref).collect::<HashSet<_>>().len();
    Err(SplitError::EmptySide {
        side,
        queries: keys.len(),
        distinct,
    })
}
