//! Exact TreeSHAP: how much each feature adds to a row's score.
//!
//! The algorithm of Lundberg, Erion and Lee (2018), path-dependent as LightGBM has
//! it: what is not known of a row falls as the training rows fell.

use super::tree::{Tree, leaf_index};

/// One feature on the way from the root to where the walk is.
#[derive(Debug, Clone, Copy)]
struct Step {
    feature: Option<u32>,
    /// The part of the training rows that goes on when the feature is unknown.
    without: f64,
    /// 1 when the row goes on, else 0.
    with: f64,
    /// What the subsets of each size weigh.
    weight: f64,
}

/// A child that is still to be visited: its parent's path, and the step to it.
#[derive(Debug, Clone, Copy)]
struct Visit {
    child: i32,
    path: (usize, usize),
    step: Step,
}

impl Step {
    fn new(feature: Option<u32>, without: f64, with: f64) -> Self {
        Self {
            feature,
            without,
            with,
            weight: 0.0,
        }
    }
}

/// Adds the tree's contributions to the row's score: one for each feature, then
/// the expected value of the tree.
pub(super) fn add_contributions(tree: &Tree, row: &[f64], contributions: &mut [f64]) {
    contributions[row.len()] += expected_value(tree);
    if tree.splits.is_empty() {
        return;
    }
    // Paths of the visits to come stand one after the other; a visit's own path begins
    // where its parent's ends, so what stands there is of no more use.
    let mut paths: Vec<Step> = Vec::new();
    let mut visits = vec![Visit {
        child: tree.root(),
        path: (0, 0),
        step: Step::new(None, 1.0, 1.0),
    }];
    while let Some(Visit { child, path, step }) = visits.pop() {
        let start = path.1;
        paths.truncate(start);
        paths.extend_from_within(path.0..path.1);
        extend(&mut paths, start, step);
        let Ok(split) = usize::try_from(child) else {
            add_leaf(
                &paths[start..],
                tree.leaves[leaf_index(child)],
                contributions,
            );
            continue;
        };
        let feature = tree.splits[split].feature;
        let seen = paths[start..]
            .iter()
            .position(|step| step.feature == Some(feature));
        let (without, with) = seen.map_or((1.0, 1.0), |at| {
            let step = paths[start + at];
            unwind(&mut paths, start, at);
            (step.without, step.with)
        });
        let hot = tree.next(split, row);
        let cold = if hot == tree.splits[split].left {
            tree.splits[split].right
        } else {
            tree.splits[split].left
        };
        let part = |child| rows_below(tree, child) / f64::from(tree.split_rows[split]);
        let path = (start, paths.len());
        for (child, with) in [(cold, 0.0), (hot, with)] {
            let step = Step::new(Some(feature), part(child) * without, with);
            visits.push(Visit { child, path, step });
        }
    }
}

fn rows_below(tree: &Tree, child: i32) -> f64 {
    f64::from(match usize::try_from(child) {
        Ok(split) => tree.split_rows[split],
        Err(_) => tree.leaf_rows[leaf_index(child)],
    })
}

/// The mean of the leaves, as often as training rows fell into them.
pub(super) fn expected_value(tree: &Tree) -> f64 {
    let Some(rows) = tree.split_rows.first() else {
        return tree.leaves[0];
    };
    let total = f64::from(*rows);
    tree.leaves
        .iter()
        .zip(&tree.leaf_rows)
        .map(|(value, rows)| f64::from(*rows) / total * value)
        .sum()
}

/// Appends a step to the path that begins at `start`.
fn extend(paths: &mut Vec<Step>, start: usize, mut step: Step) {
    let depth = paths.len() - start;
    step.weight = if depth == 0 { 1.0 } else { 0.0 };
    paths.push(step);
    let path = &mut paths[start..];
    let steps = (depth + 1) as f64;
    for index in (0..depth).rev() {
        path[index + 1].weight += step.with * path[index].weight * (index + 1) as f64 / steps;
        path[index].weight = step.without * path[index].weight * (depth - index) as f64 / steps;
    }
}

/// Takes a step out of the path that begins at `start`.
fn unwind(paths: &mut Vec<Step>, start: usize, at: usize) {
    let path = &mut paths[start..];
    let depth = path.len() - 1;
    let steps = (depth + 1) as f64;
    let Step { with, without, .. } = path[at];
    let mut next = path[depth].weight;
    for index in (0..depth).rev() {
        if with != 0.0 {
            let weight = path[index].weight;
            path[index].weight = next * steps / ((index + 1) as f64 * with);
            next = weight - path[index].weight * without * (depth - index) as f64 / steps;
        } else {
            path[index].weight = path[index].weight * steps / (without * (depth - index) as f64);
        }
    }
    for index in at..depth {
        path[index] = Step {
            weight: path[index].weight,
            ..path[index + 1]
        };
    }
    paths.pop();
}

/// What all subsets of the path without one step weigh together.
fn unwound_weight(path: &[Step], at: usize) -> f64 {
    let depth = path.len() - 1;
    let steps = (depth + 1) as f64;
    let Step { with, without, .. } = path[at];
    let mut next = path[depth].weight;
    let mut total = 0.0;
    for index in (0..depth).rev() {
        if with != 0.0 {
            let weight = next * steps / ((index + 1) as f64 * with);
            total += weight;
            next = path[index].weight - weight * without * ((depth - index) as f64 / steps);
        } else {
            total += path[index].weight / without / ((depth - index) as f64 / steps);
        }
    }
    total
}

fn add_leaf(path: &[Step], value: f64, contributions: &mut [f64]) {
    for (at, step) in path.iter().enumerate() {
        if let Some(feature) = step.feature {
            contributions[feature as usize] +=
                unwound_weight(path, at) * (step.with - step.without) * value;
        }
    }
}
