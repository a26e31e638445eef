//! Whether one ranking is better than another: the difference over the queries that both have,
//! its interval, and the probability of as large a difference if neither were better.

mod coins;

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};

use super::figure::interval_of_mean;
use super::statistics::{Bootstrap, Interval, clusters_of, gather};
use coins::Coins;

/// Up to this many texts every assignment of signs is tried; with more, signs are drawn.
const TEXTS_FOR_EXACT_TEST: usize = 12;

/// How many assignments of signs are drawn.
const SIGN_DRAWS: usize = 2_000;

/// A metric's value for one query of a ranking.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QueryValue<'a> {
    /// What tells the query from every other of the same data.
    pub query: &'a str,
    /// What was typed, such as the normalised text: queries of one text are drawn together.
    pub text: &'a str,
    /// The value; `None` is left out.
    pub value: Option<f64>,
}

/// How much a ranking differs from another of the same queries.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    /// The mean of the first over the queries that both have.
    pub first: f64,
    /// The mean of the second over the same queries.
    pub second: f64,
    /// The mean of first minus second.
    pub difference: f64,
    /// The bootstrap interval of the difference over distinct texts; `None` with one text.
    pub interval: Option<Interval>,
    /// The two-sided probability of a difference at least as large if, for each text, chance had
    /// decided which ranking is called the first (Fisher's randomisation test).
    pub p_value: f64,
    /// How many queries have a value in both.
    pub queries: usize,
    /// How many distinct texts those have.
    pub texts: usize,
    /// Of the queries, those in which the first is better.
    pub better: usize,
    /// Of the queries, those in which the first is worse.
    pub worse: usize,
    /// Queries with a value in only one of the two: left out.
    pub unmatched: usize,
}

/// Why two rankings cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ComparisonError {
    /// Two queries of one ranking cannot be told from each other.
    #[error("the query {query:?} is twice in the {which} ranking")]
    QueryTwice {
        /// The query.
        query: String,
        /// First or second.
        which: &'static str,
    },
    /// One query has two texts: the rankings are of different data.
    #[error(
        "the query {query:?} is {first:?} in one ranking and {second:?} in the other: they are of different data"
    )]
    OtherText {
        /// The query.
        query: String,
        /// Its text in the first.
        first: String,
        /// Its text in the second.
        second: String,
    },
    /// No query has a value in both.
    #[error("no query has a value in both rankings: they are of different data")]
    NothingInCommon,
}

/// Compares two rankings, matching queries by name; their order does not matter.
///
/// # Errors
/// When a query is named twice, has another text in the second, or none has a value in both.
pub fn compare(
    first: &[QueryValue<'_>],
    second: &[QueryValue<'_>],
    bootstrap: &Bootstrap,
) -> Result<Comparison, ComparisonError> {
    check_distinct(first, "first")?;
    check_distinct(second, "second")?;
    let others: BTreeMap<&str, &QueryValue<'_>> =
        second.iter().map(|value| (value.query, value)).collect();
    let mut pairs: Vec<(&str, f64, f64)> = Vec::new();
    for value in first {
        let Some(other) = others.get(value.query) else {
            continue;
        };
        if value.text != other.text {
            return Err(ComparisonError::OtherText {
                query: value.query.to_owned(),
                first: value.text.to_owned(),
                second: other.text.to_owned(),
            });
        }
        if let (Some(first), Some(second)) = (value.value, other.value) {
            pairs.push((value.text, first, second));
        }
    }
    if pairs.is_empty() {
        return Err(ComparisonError::NothingInCommon);
    }
    let counted = |values: &[QueryValue<'_>]| values.iter().flat_map(|value| value.value).count();
    let unmatched = counted(first) + counted(second) - 2 * pairs.len();
    Ok(of_pairs(&pairs, unmatched, bootstrap))
}

fn check_distinct(values: &[QueryValue<'_>], which: &'static str) -> Result<(), ComparisonError> {
    let mut seen = HashSet::with_capacity(values.len());
    match values.iter().find(|value| !seen.insert(value.query)) {
        Some(twice) => Err(ComparisonError::QueryTwice {
            query: twice.query.to_owned(),
            which,
        }),
        None => Ok(()),
    }
}

/// Pairs are not empty.
fn of_pairs(pairs: &[(&str, f64, f64)], unmatched: usize, bootstrap: &Bootstrap) -> Comparison {
    let count = pairs.len() as f64;
    let first = pairs.iter().map(|pair| pair.1).sum::<f64>() / count;
    let second = pairs.iter().map(|pair| pair.2).sum::<f64>() / count;
    let texts: Vec<&str> = pairs.iter().map(|pair| pair.0).collect();
    let differences: Vec<f64> = pairs.iter().map(|pair| pair.1 - pair.2).collect();
    let units = gather(&differences, &clusters_of(&texts));
    let sums: Vec<f64> = units.iter().map(|unit| unit[0]).collect();
    Comparison {
        first,
        second,
        difference: sums.iter().sum::<f64>() / count,
        interval: interval_of_mean(&units, bootstrap),
        p_value: randomisation_test(&sums, bootstrap),
        queries: pairs.len(),
        texts: units.len(),
        better: pairs.iter().filter(|pair| pair.1 > pair.2).count(),
        worse: pairs.iter().filter(|pair| pair.1 < pair.2).count(),
        unmatched,
    }
}

/// The share of sign assignments whose sum is at least as far from 0 as that of `differences`.
///
/// All assignments are tried when there are few; else [`SIGN_DRAWS`] are drawn, and the one that was
/// seen counts as one more, so that no p-value is 0.
fn randomisation_test(differences: &[f64], bootstrap: &Bootstrap) -> f64 {
    // What does not differ changes no sum.
    let differing: Vec<f64> = differences
        .iter()
        .copied()
        .filter(|it| *it != 0.0)
        .collect();
    let seen = differing.iter().sum::<f64>().abs();
    // Sums of the same numbers in another order may differ in their last bits.
    let enough = seen - 1e-12 * differing.iter().map(|it| it.abs()).sum::<f64>();
    if differing.len() <= TEXTS_FOR_EXACT_TEST {
        let all = 1_u32 << differing.len();
        let reached = (0..all).filter(|signs| {
            let mut left = *signs;
            let next = || {
                let is_flipped = left & 1 == 1;
                left >>= 1;
                is_flipped
            };
            signed_sum(&differing, next).abs() >= enough
        });
        return reached.count() as f64 / f64::from(all);
    }
    let mut coins = Coins::seeded(bootstrap.seed());
    let reached = (0..SIGN_DRAWS)
        .filter(|_| signed_sum(&differing, || coins.toss()).abs() >= enough)
        .count();
    (reached + 1) as f64 / (SIGN_DRAWS + 1) as f64
}

fn signed_sum(values: &[f64], mut is_flipped: impl FnMut() -> bool) -> f64 {
    let signed = |value: &f64| if is_flipped() { -value } else { *value };
    values.iter().map(signed).sum()
}

#[cfg(test)]
mod tests;
