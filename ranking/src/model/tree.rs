//! One decision tree: its checks when it is built, and the walk to a leaf.
//! It does not read text; `text` does.

/// Values of at most this magnitude are zero to LightGBM, which has the constant
/// as a 32-bit float and compares with its 64-bit value.
const ZERO_MAGNITUDE: f64 = 1e-35_f32 as f64;

const CATEGORICAL_BIT: u8 = 1;
const DEFAULT_LEFT_BIT: u8 = 2;
const KNOWN_BITS: u8 = 0b1111;

/// The arrays of a tree as the text has them, not yet checked.
#[derive(Debug, Default)]
pub(super) struct TreeFields {
    pub(super) category_split_count: usize,
    pub(super) split_feature: Vec<i64>,
    pub(super) threshold: Vec<f64>,
    pub(super) decision_type: Vec<i64>,
    pub(super) left_child: Vec<i64>,
    pub(super) right_child: Vec<i64>,
    pub(super) leaf_value: Vec<f64>,
    pub(super) category_boundaries: Vec<i64>,
    pub(super) category_bits: Vec<u32>,
}

/// What a field of a tree has wrong: the field's name and the problem.
pub(super) type TreeProblem = (&'static str, String);

/// A checked tree. A child that is not negative is a split; `!child` is a leaf.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tree {
    splits: Vec<Split>,
    leaves: Vec<f64>,
    category_bits: Vec<u32>,
}

#[derive(Debug, Clone, PartialEq)]
struct Split {
    feature: usize,
    decision: Decision,
    left: i32,
    right: i32,
}

#[derive(Debug, Clone, PartialEq)]
enum Decision {
    /// Left when the value is at most the threshold.
    Numerical {
        threshold: f64,
        missing: Missing,
        default_left: bool,
    },
    /// Left when the value's whole part is in the set of categories, which are
    /// the bits of these words of the tree.
    Categorical { words: std::ops::Range<usize> },
}

/// Which values take the default side of a numerical split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Missing {
    /// None: NaN is compared as 0.
    Nothing,
    /// Zeros, and NaN, which counts as 0.
    Zero,
    /// NaN only.
    NotANumber,
}

impl Tree {
    /// Checks the fields and builds the tree: every array has its length, every
    /// index is in bounds, and every split and leaf is reached from the root
    /// exactly once (so there is no cycle).
    pub(super) fn build(fields: &TreeFields, feature_count: usize) -> Result<Self, TreeProblem> {
        let leaf_count = fields.leaf_value.len();
        let split_count = leaf_count - 1;
        if let Some(index) = fields
            .leaf_value
            .iter()
            .position(|value| !value.is_finite())
        {
            return Err(("leaf_value", format!("value {index} is not finite")));
        }
        check_categories(fields)?;
        let mut splits = Vec::with_capacity(split_count);
        for index in 0..split_count {
            splits.push(Split {
                feature: bounded(
                    "split_feature",
                    index,
                    fields.split_feature[index],
                    feature_count,
                    "features",
                )?,
                decision: decision(fields, index)?,
                left: child("left_child", index, fields.left_child[index], leaf_count)?,
                right: child("right_child", index, fields.right_child[index], leaf_count)?,
            });
        }
        check_shape(&splits, leaf_count)?;
        Ok(Self {
            splits,
            leaves: fields.leaf_value.clone(),
            category_bits: fields.category_bits.clone(),
        })
    }

    /// The value of the leaf that the row falls into. The row has as many values
    /// as the feature count the tree was built with.
    pub(super) fn predict(&self, row: &[f64]) -> f64 {
        let mut child: i32 = if self.splits.is_empty() { !0 } else { 0 };
        while let Ok(index) = usize::try_from(child) {
            let split = &self.splits[index];
            child = if self.goes_left(split, row[split.feature]) {
                split.left
            } else {
                split.right
            };
        }
        self.leaves
            [usize::try_from(!child).expect("the complement of a negative number is not negative")]
    }

    fn goes_left(&self, split: &Split, value: f64) -> bool {
        // LightGBM drops near-zeros when it copies a row, before it looks at any tree.
        let value = if value.abs() <= ZERO_MAGNITUDE {
            0.0
        } else {
            value
        };
        match &split.decision {
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
            Decision::Categorical { words } => category(value).is_some_and(|category| {
                let bits = &self.category_bits[words.clone()];
                bits.get(category / 32)
                    .is_some_and(|word| word >> (category % 32) & 1 == 1)
            }),
        }
    }
}

/// The category a value stands for: its whole part. Missing, negative and too
/// large values stand for none (LightGBM casts to a 32-bit integer).
fn category(value: f64) -> Option<usize> {
    const LIMIT: f64 = 2_147_483_648.0;
    (value > -1.0 && value < LIMIT).then_some(value as usize)
}

fn decision(fields: &TreeFields, index: usize) -> Result<Decision, TreeProblem> {
    let written = fields.decision_type[index];
    let unknown = || {
        (
            "decision_type",
            format!("value {index} is {written}, which has no known meaning"),
        )
    };
    let bits = u8::try_from(written)
        .ok()
        .filter(|bits| bits & !KNOWN_BITS == 0)
        .ok_or_else(unknown)?;
    let missing = match bits >> 2 {
        0 => Missing::Nothing,
        1 => Missing::Zero,
        2 => Missing::NotANumber,
        _ => return Err(unknown()),
    };
    let threshold = fields.threshold[index];
    if bits & CATEGORICAL_BIT == 0 {
        if threshold.is_nan() {
            return Err(("threshold", format!("value {index} is not a number")));
        }
        return Ok(Decision::Numerical {
            threshold,
            missing,
            default_left: bits & DEFAULT_LEFT_BIT != 0,
        });
    }
    let sets = fields.category_split_count;
    if threshold < 0.0
        || threshold.fract() != 0.0
        || !threshold.is_finite()
        || threshold >= sets as f64
    {
        return Err((
            "threshold",
            format!("value {index} is {threshold}, but the tree has {sets} sets of categories"),
        ));
    }
    let set = threshold as usize;
    let bound = |at: usize| {
        usize::try_from(fields.category_boundaries[at])
            .expect("check_categories refused negative boundaries")
    };
    Ok(Decision::Categorical {
        words: bound(set)..bound(set + 1),
    })
}

/// `cat_boundaries` must rise from 0 to the length of `cat_threshold`.
fn check_categories(fields: &TreeFields) -> Result<(), TreeProblem> {
    if fields.category_split_count == 0 {
        return Ok(());
    }
    let boundaries = &fields.category_boundaries;
    let words = fields.category_bits.len();
    if boundaries.first() != Some(&0) {
        return Err(("cat_boundaries", "the first value is not 0".to_owned()));
    }
    if let Some(index) = boundaries.windows(2).position(|pair| pair[0] > pair[1]) {
        return Err((
            "cat_boundaries",
            format!("value {} is smaller than the one before it", index + 1),
        ));
    }
    let last = boundaries.last().copied().unwrap_or_default();
    if usize::try_from(last) != Ok(words) {
        return Err((
            "cat_threshold",
            format!("has {words} values, but cat_boundaries ends at {last}"),
        ));
    }
    Ok(())
}

fn bounded(
    field: &'static str,
    index: usize,
    value: i64,
    limit: usize,
    what: &str,
) -> Result<usize, TreeProblem> {
    usize::try_from(value)
        .ok()
        .filter(|value| *value < limit)
        .ok_or_else(|| {
            (
                field,
                format!("value {index} is {value}, but there are {limit} {what}"),
            )
        })
}

fn child(
    field: &'static str,
    index: usize,
    value: i64,
    leaf_count: usize,
) -> Result<i32, TreeProblem> {
    if value >= 0 {
        bounded(field, index, value, leaf_count - 1, "splits")?;
    } else {
        bounded(field, index, !value, leaf_count, "leaves").map_err(|_| {
            (
                field,
                format!("value {index} is {value}, but there are {leaf_count} leaves"),
            )
        })?;
    }
    i32::try_from(value).map_err(|_| {
        (
            field,
            format!("value {index} is {value}, which is too large"),
        )
    })
}

/// Walks from the root; refuses what is reached twice and what is not reached.
fn check_shape(splits: &[Split], leaf_count: usize) -> Result<(), TreeProblem> {
    if splits.is_empty() {
        return Ok(());
    }
    let mut split_reached = vec![false; splits.len()];
    let mut leaf_reached = vec![false; leaf_count];
    split_reached[0] = true;
    let mut pending = vec![0_usize];
    while let Some(index) = pending.pop() {
        for (field, child) in [
            ("left_child", splits[index].left),
            ("right_child", splits[index].right),
        ] {
            let (reached, what, number) = match usize::try_from(child) {
                Ok(split) => (&mut split_reached[split], "split", split),
                Err(_) => {
                    let leaf = usize::try_from(!child)
                        .expect("the complement of a negative number is not negative");
                    (&mut leaf_reached[leaf], "leaf", leaf)
                }
            };
            if *reached {
                return Err((
                    field,
                    format!("value {index} leads to {what} {number}, which is reached twice"),
                ));
            }
            *reached = true;
            if child >= 0 {
                pending.push(number);
            }
        }
    }
    if let Some(split) = split_reached.iter().position(|reached| !reached) {
        return Err((
            "left_child",
            format!("split {split} is not reached from the root"),
        ));
    }
    if let Some(leaf) = leaf_reached.iter().position(|reached| !reached) {
        return Err((
            "left_child",
            format!("leaf {leaf} is not reached from the root"),
        ));
    }
    Ok(())
}
