//! Folds: every query is tested on once, by what was not trained on it.

use std::collections::{HashMap, HashSet};

use super::{Split, SplitError, digest_of};

/// Deals queries to `folds` folds by their keys, as evenly as distinct keys allow: one split for
/// each fold, whose test side is the fold.
///
/// Queries of one key are in one fold. Which one depends on the keys and the seed, not on the order
/// of the data.
///
/// # Errors
/// Fewer than two folds, or fewer distinct keys than folds.
pub fn folds_by_query<K: AsRef<str>>(
    keys: &[K],
    seed: u64,
    folds: usize,
) -> Result<Vec<Split>, SplitError> {
    let distinct: HashSet<&str> = keys.iter().map(AsRef::as_ref).collect();
    if folds < 2 || distinct.len() < folds {
        return Err(SplitError::Folds {
            folds,
            distinct: distinct.len(),
        });
    }
    let mut dealt: Vec<(u64, &str)> = distinct
        .into_iter()
        .map(|key| (digest_of(key, seed), key))
        .collect();
    dealt.sort_unstable();
    let fold_of: HashMap<&str, usize> = dealt
        .into_iter()
        .enumerate()
        .map(|(place, (_, key))| (key, place % folds))
        .collect();
    let splits = (0..folds).map(|fold| {
        let (test, train) =
            (0..keys.len()).partition(|query| fold_of[keys[*query].as_ref()] == fold);
        Split {
            train,
            test,
            left_out: Vec::new(),
        }
    });
    Ok(splits.collect())
}
