//! One decision tree, and the walk to a leaf. `build` makes and checks it.

/// Values of at most this magnitude are zero to LightGBM, which has the constant
/// as a 32-bit float and compares with its 64-bit value.
pub(crate) const ZERO_MAGNITUDE: f64 = 1e-35_f32 as f64;

/// A checked tree. A child that is not negative is a split; `!child` is a leaf.
///
/// A split stands before all that are below it, and they follow it without a gap.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tree {
    pub(crate) splits: Vec<Split>,
    pub(crate) leaves: Vec<f64>,
    pub(crate) category_bits: Vec<u32>,
    /// How many training rows reached each split; at least 1.
    pub(crate) split_rows: Vec<u32>,
    /// How many training rows fell into each leaf; at least 1.
    pub(crate) leaf_rows: Vec<u32>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Split {
    pub(crate) feature: u32,
    pub(crate) left: i32,
    pub(crate) right: i32,
    pub(crate) decision: Decision,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Decision {
    /// Left when the value is at most the threshold.
    Numerical {
        threshold: f64,
        missing: Missing,
        default_left: bool,
    },
    /// Left when the value's whole part is in the set of categories, which are
    /// the bits of these words of the tree.
    Categorical { words: std::ops::Range<u32> },
}

/// Which values take the default side of a numerical split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// None: NaN is compared as 0.
    Nothing,
    /// Zeros, and NaN, which counts as 0.
    Zero,
    /// NaN only.
    NotANumber,
}

impl Tree {
    /// The value of the leaf that the row falls into. The row has as many values
    /// as the feature count the tree was built with.
    pub(crate) fn predict(&self, row: &[f64]) -> f64 {
        let mut child: i32 = self.root();
        while let Ok(index) = usize::try_from(child) {
            child = self.next(index, row);
        }
        self.leaves[leaf_index(child)]
    }

    /// The child that the walk starts from: the first split, or the only leaf.
    pub(crate) fn root(&self) -> i32 {
        if self.splits.is_empty() { !0 } else { 0 }
    }

    /// The child of a split that the row goes to.
    pub(crate) fn next(&self, split: usize, row: &[f64]) -> i32 {
        let split = &self.splits[split];
        if self.goes_left(&split.decision, row[split.feature as usize]) {
            split.left
        } else {
            split.right
        }
    }

    fn goes_left(&self, decision: &Decision, value: f64) -> bool {
        // LightGBM drops near-zeros when it copies a row, before it looks at any tree.
        let value = if value.abs() <= ZERO_MAGNITUDE {
            0.0
        } else {
            value
        };
        match decision {
            Decision::Numerical {
                threshold,
                missing,
                default_left,
            } => {
                let value = if value.is_nan() && *missing != Missing::NotANumber {
                    0.0
                } else {
                    value
                };
                let takes_default = match missing {
                    Missing::Nothing => false,
                    Missing::Zero => value == 0.0,
                    Missing::NotANumber => value.is_nan(),
                };
                if takes_default {
                    *default_left
                } else {
                    value <= *threshold
                }
            }
            Decision::Categorical { words } => is_member(self.words(words), value),
        }
    }

    /// The set of categories of a split.
    pub(crate) fn words(&self, words: &std::ops::Range<u32>) -> &[u32] {
        &self.category_bits[words.start as usize..words.end as usize]
    }
}

/// The leaf that a child stands for which is no split.
pub(crate) fn leaf_index(child: i32) -> usize {
    usize::try_from(!child).expect("the complement of a negative number is not negative")
}

/// Whether the value's category is one of the bits.
pub(crate) fn is_member(bits: &[u32], value: f64) -> bool {
    category(value).is_some_and(|category| {
        bits.get(category / 32)
            .is_some_and(|word| word >> (category % 32) & 1 == 1)
    })
}

/// The category a value stands for: its whole part. Missing, negative and too
/// large values stand for none (LightGBM casts to a 32-bit integer).
fn category(value: f64) -> Option<usize> {
    const LIMIT: f64 = 2_147_483_648.0;
    (value > -1.0 && value < LIMIT).then_some(value as usize)
}
