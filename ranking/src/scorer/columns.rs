//! From the trees' splits to columns of ranks: what a row is reduced to before any
//! tree is looked at.
//!
//! The distinct thresholds of a feature over all trees are sorted. A value's rank is
//! how many of them are below it, so `value <= threshold` exactly when the rank of
//! the value is at most the position of the threshold. A column holds such a rank in
//! a byte, for one way of treating missing values and for up to 254 thresholds in
//! a row of the sorted ones; a rank before them is 0 there, beyond them 254. A rank
//! of 255 is right of every threshold. A set of categories is a column too: 0 for its
//! members, 1 for all others.

use std::collections::HashMap;

use super::ranks::{Output, Ranks};
use crate::model::tree::{Decision, Missing, Tree, ZERO_MAGNITUDE};

/// The most thresholds of a column.
const COLUMN_THRESHOLDS: usize = 254;

/// A rank that is right of every threshold.
pub(super) const ALWAYS_RIGHT: u8 = u8::MAX;

/// What a split asks: left when the rank in the column is at most the threshold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Test {
    pub(super) column: u32,
    pub(super) threshold: u8,
}

/// How a numerical split treats missing values: the missing type, and whether they
/// go left. The latter is nothing to splits that know no missing values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Treatment {
    AsZero,
    ZeroLeft,
    ZeroRight,
    NanLeft,
    NanRight,
}

const TREATMENTS: usize = 5;

impl Treatment {
    fn of(missing: Missing, default_left: bool) -> Self {
        match (missing, default_left) {
            (Missing::Nothing, _) => Self::AsZero,
            (Missing::Zero, true) => Self::ZeroLeft,
            (Missing::Zero, false) => Self::ZeroRight,
            (Missing::NotANumber, true) => Self::NanLeft,
            (Missing::NotANumber, false) => Self::NanRight,
        }
    }
}

/// The threshold that decides for values as they are what `threshold` decides for
/// values of which those within LightGBM's zero were made 0.
///
/// With Z for that magnitude, a value v becomes 0 when |v| <= Z:
/// - threshold > Z or < -Z: all of [-Z, Z] is on the side of 0, unchanged;
/// - threshold in [0, Z]: left are 0, so all of [-Z, Z], and what is below: v <= Z;
/// - threshold in [-Z, 0): left is what is below -Z, without it: v <= the number before -Z.
///
/// So no threshold is in [-Z, Z), and none is a zero of either sign.
fn canonical(threshold: f64) -> f64 {
    if threshold.abs() > ZERO_MAGNITUDE {
        threshold
    } else if threshold >= 0.0 {
        ZERO_MAGNITUDE
    } else {
        (-ZERO_MAGNITUDE).next_down()
    }
}

/// An integer whose order is that of the numbers (none is NaN, none is zero).
pub(super) fn order_key(value: f64) -> u64 {
    let bits = value.to_bits();
    // All bits of a negative number turn, else only the sign.
    let turned = (bits.cast_signed() >> 63).cast_unsigned() | 1 << 63;
    bits ^ turned
}

fn of_order_key(key: u64) -> f64 {
    let turned = ((!key).cast_signed() >> 63).cast_unsigned() | 1 << 63;
    f64::from_bits(key ^ turned)
}

/// The columns of the model, and what its splits ask, in the order of trees and splits.
///
/// `feature_count` is larger than any feature of a split.
pub(super) fn build(trees: &[Tree], feature_count: usize) -> (Ranks, Vec<Test>) {
    let mut keys: Vec<Vec<u64>> = vec![Vec::new(); feature_count];
    for split in trees.iter().flat_map(|tree| &tree.splits) {
        if let Decision::Numerical { threshold, .. } = split.decision {
            keys[split.feature as usize].push(order_key(canonical(threshold)));
        }
    }
    let mut ranks = Ranks::default();
    let mut tables = Vec::with_capacity(feature_count);
    for (feature, mut keys) in keys.into_iter().enumerate() {
        keys.sort_unstable();
        keys.dedup();
        let thresholds: Vec<f64> = keys.into_iter().map(of_order_key).collect();
        let columns = thresholds.len().div_ceil(COLUMN_THRESHOLDS) * TREATMENTS;
        let table = (!thresholds.is_empty()).then(|| ranks.add_table(feature as u32, &thresholds));
        tables.push((table, vec![None; columns]));
    }
    let mut sets: HashMap<(u32, &[u32]), u32> = HashMap::new();
    let mut tests = Vec::with_capacity(trees.iter().map(|tree| tree.splits.len()).sum());
    let mut column_count = 0;
    let mut next_column = || {
        column_count += 1;
        column_count - 1
    };
    for tree in trees {
        for split in &tree.splits {
            tests.push(match &split.decision {
                Decision::Numerical {
                    threshold,
                    missing,
                    default_left,
                } => {
                    let (table, columns) = &mut tables[split.feature as usize];
                    let table = table.expect("a feature that is split has thresholds");
                    let position = ranks.rank(table, canonical(*threshold)) as usize;
                    let slice = position / COLUMN_THRESHOLDS;
                    let treatment = Treatment::of(*missing, *default_left);
                    let place = &mut columns[slice * TREATMENTS + treatment as usize];
                    let column = *place.get_or_insert_with(|| {
                        let column = next_column();
                        let first = slice * COLUMN_THRESHOLDS;
                        ranks.add_output(output(&ranks, table, treatment, column, first));
                        column
                    });
                    Test {
                        column,
                        threshold: (position % COLUMN_THRESHOLDS) as u8,
                    }
                }
                Decision::Categorical { words } => {
                    let words = tree.words(words);
                    let column = *sets.entry((split.feature, words)).or_insert_with(|| {
                        let column = next_column();
                        ranks.add_set(split.feature, words, column);
                        column
                    });
                    Test {
                        column,
                        threshold: 0,
                    }
                }
            });
        }
    }
    let columns = ranks.finish(column_count as usize);
    for test in &mut tests {
        test.column = columns[test.column as usize];
    }
    (ranks, tests)
}

fn output(ranks: &Ranks, table: usize, treatment: Treatment, column: u32, first: usize) -> Output {
    let output = Output {
        table,
        column,
        first: first as u32,
        zero: -1.0,
        missing: 0,
    };
    match treatment {
        Treatment::AsZero => Output {
            missing: output.within(ranks.rank(table, 0.0)),
            ..output
        },
        Treatment::ZeroLeft => Output {
            zero: ZERO_MAGNITUDE,
            ..output
        },
        Treatment::ZeroRight => Output {
            zero: ZERO_MAGNITUDE,
            missing: ALWAYS_RIGHT,
            ..output
        },
        Treatment::NanLeft => output,
        Treatment::NanRight => Output {
            missing: ALWAYS_RIGHT,
            ..output
        },
    }
}
