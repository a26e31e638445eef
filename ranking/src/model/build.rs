//! Checks the arrays that a text has for a tree, and makes the tree of them.
//! It does not read text; `text` does.

use super::tree::{Decision, Missing, Split, Tree, leaf_index};

/// More features than any model has; a split keeps its feature in 32 bits.
const FEATURE_LIMIT: usize = u32::MAX as usize;

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
    /// Empty when the text has no such field.
    pub(super) internal_count: Vec<i64>,
    /// Empty when the text has no such field.
    pub(super) leaf_count: Vec<i64>,
    pub(super) category_boundaries: Vec<i64>,
    pub(super) category_bits: Vec<u32>,
}

/// What a field of a tree has wrong: the field's name and the problem.
pub(super) type TreeProblem = (&'static str, String);

/// Checks the fields and builds the tree: every array has its length, every
/// index is in bounds, and every split and leaf is reached from the root
/// exactly once (so there is no cycle).
pub(super) fn build(fields: &TreeFields, feature_count: usize) -> Result<Tree, TreeProblem> {
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
                feature_count.min(FEATURE_LIMIT),
                "features",
            )? as u32,
            decision: decision(fields, index)?,
            left: child("left_child", index, fields.left_child[index], leaf_count)?,
            right: child("right_child", index, fields.right_child[index], leaf_count)?,
        });
    }
    let order = check_shape(&splits, leaf_count)?;
    let splits = reorder(&splits, &order);
    let (split_rows, leaf_rows) = rows(fields, &splits, &order)?;
    Ok(Tree {
        splits,
        leaves: fields.leaf_value.clone(),
        category_bits: fields.category_bits.clone(),
        split_rows,
        leaf_rows,
    })
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
        u32::try_from(fields.category_boundaries[at]).expect(
            "check_categories refused boundaries beyond the words, of which there are fewer",
        )
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

/// The splits in an order, with their children's new numbers.
fn reorder(splits: &[Split], order: &[u32]) -> Vec<Split> {
    let mut places = vec![0; splits.len()];
    for (place, index) in (0..).zip(order) {
        places[*index as usize] = place;
    }
    let moved = |child: i32| usize::try_from(child).map_or(child, |split| places[split]);
    let split = |index: &u32| {
        let split = &splits[*index as usize];
        Split {
            left: moved(split.left),
            right: moved(split.right),
            ..split.clone()
        }
    };
    order.iter().map(split).collect()
}

/// How many training rows reached each split and each leaf. A tree whose text does
/// not say, or has a split or a leaf without any, counts one row for each leaf.
///
/// The splits are in the order; the fields are not.
fn rows(
    fields: &TreeFields,
    splits: &[Split],
    order: &[u32],
) -> Result<(Vec<u32>, Vec<u32>), TreeProblem> {
    let (written, leaf_rows) = (
        counts("internal_count", &fields.internal_count)?,
        counts("leaf_count", &fields.leaf_count)?,
    );
    let leaf_count = fields.leaf_value.len();
    if written.len() == splits.len()
        && leaf_rows.len() == leaf_count
        && written.iter().chain(&leaf_rows).all(|rows| *rows > 0)
    {
        let split_rows = order.iter().map(|index| written[*index as usize]).collect();
        return Ok((split_rows, leaf_rows));
    }
    let mut leaves_below = vec![0_u32; splits.len()];
    for (index, split) in splits.iter().enumerate().rev() {
        let below = |child: i32| usize::try_from(child).map_or(1, |split| leaves_below[split]);
        leaves_below[index] = below(split.left) + below(split.right);
    }
    Ok((leaves_below, vec![1; leaf_count]))
}

fn counts(field: &'static str, written: &[i64]) -> Result<Vec<u32>, TreeProblem> {
    let count = |(index, count): (usize, &i64)| {
        u32::try_from(*count).map_err(|_| {
            let problem = format!("value {index} is {count}, which is no count");
            (field, problem)
        })
    };
    written.iter().enumerate().map(count).collect()
}

/// Walks from the root; refuses what is reached twice and what is not reached.
/// Gives the splits in the order of the walk, which has those below a split behind it.
fn check_shape(splits: &[Split], leaf_count: usize) -> Result<Vec<u32>, TreeProblem> {
    let mut order = Vec::with_capacity(splits.len());
    if splits.is_empty() {
        return Ok(order);
    }
    let mut split_reached = vec![false; splits.len()];
    let mut leaf_reached = vec![false; leaf_count];
    split_reached[0] = true;
    let mut pending = vec![0_usize];
    while let Some(index) = pending.pop() {
        order.push(index as u32);
        for (field, child) in [
            ("left_child", splits[index].left),
            ("right_child", splits[index].right),
        ] {
            let (reached, what, number) = match usize::try_from(child) {
                Ok(split) => (&mut split_reached[split], "split", split),
                Err(_) => {
                    let leaf = leaf_index(child);
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
    Ok(order)
}
