//! Whether a split that was given keeps each query on one side.

use std::collections::{HashMap, HashSet};

use sha2::{Digest, Sha256};

use super::SplitError;
use crate::svmlight::RankingRows;

/// Checks a split that was given: no key stands on both sides.
///
/// # Errors
/// Names the first key of `test` that `train` has too.
pub fn check_disjoint<K: AsRef<str>>(train: &[K], test: &[K]) -> Result<(), SplitError> {
    let train: HashSet<&str> = train.iter().map(AsRef::as_ref).collect();
    match test
        .iter()
        .map(AsRef::as_ref)
        .find(|key| train.contains(key))
    {
        Some(key) => Err(SplitError::Overlap {
            key: key.to_owned(),
        }),
        None => Ok(()),
    }
}

/// Checks a split that was given by what the queries are made of: no query of `test` has the rows,
/// labels and features, of one of `train`, in whatever order.
///
/// Queries whose rows all have one label are passed over: nothing is learned from them and hardly
/// anything measured, and small ones may well be equal by chance. Holds 40 bytes for a query.
///
/// # Errors
/// Names the first such query of `test`, and the one of `train`.
pub fn check_rows_disjoint(train: &RankingRows, test: &RankingRows) -> Result<(), SplitError> {
    let telling = |rows: &RankingRows, query: usize| {
        let labels = &rows.labels()[rows.query_rows(query)];
        labels.iter().any(|label| *label != labels[0])
    };
    let of_train: HashMap<[u8; 32], usize> = (0..train.query_count())
        .filter(|query| telling(train, *query))
        .map(|query| (digest_of_query(train, query), query))
        .collect();
    for query in (0..test.query_count()).filter(|query| telling(test, *query)) {
        if let Some(same) = of_train.get(&digest_of_query(test, query)) {
            return Err(SplitError::SameRows {
                train: train.query_identifiers()[*same].clone(),
                test: test.query_identifiers()[query].clone(),
            });
        }
    }
    Ok(())
}

/// Does not depend on the order of the rows, nor on how many columns of zeros follow.
fn digest_of_query(rows: &RankingRows, query: usize) -> [u8; 32] {
    let mut values = vec![0.0; rows.feature_count()];
    let mut digests: Vec<[u8; 32]> = Vec::new();
    for row in rows.query_rows(query) {
        rows.copy_row(row, &mut values);
        let mut state = Sha256::new();
        state.update([rows.labels()[row]]);
        let present = values
            .iter()
            .enumerate()
            .filter(|(_, value)| **value != 0.0);
        for (column, value) in present {
            state.update((column as u64).to_le_bytes());
            state.update(value.to_bits().to_le_bytes());
        }
        digests.push(state.finalize().into());
    }
    digests.sort_unstable();
    Sha256::digest(digests.concat()).into()
}
