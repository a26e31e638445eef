//! Many rows at a time: a tree from its leaves to its root.
//!
//! A group of 64 rows has its ranks column by column, a byte a row. A split takes two
//! registers of leaf numbers, those its rows would end in left and right of it, and
//! selects from them by its ranks. What the root selects are the leaves, with no branch
//! and nothing that depends on a row. It does all splits, but 64 rows at a time.

use super::columns::Test;
use super::instructions::{Bytes, FEW, Instructions, LANES, Threshold};
use crate::model::tree::{Tree, leaf_index};

/// The most leaves of a tree: their numbers are bytes.
pub(super) const LEAVES: usize = 256;

/// Groups that are selected from together, so that one does not wait for the other.
pub(super) const GROUPS: usize = 2;

/// Registers that selecting works with: one full of each leaf number, and those between.
const SLOTS: usize = 512;

/// The model's trees as steps.
#[derive(Debug, Clone)]
pub(super) struct Selection {
    steps: Vec<Step>,
    trees: Vec<Steps>,
    /// Of each tree one after the other, with as many behind as a byte can choose.
    values: Vec<f64>,
}

/// The steps of a tree, up to the next tree's, and its first leaf.
#[derive(Debug, Clone, Copy)]
struct Steps {
    end: u32,
    first_value: u32,
}

/// A split: slots and a column.
#[derive(Debug, Clone, Copy)]
struct Step {
    column: u16,
    left: u16,
    right: u16,
    target: u16,
    threshold: Threshold,
}

/// The slots, each with a register for each group: one address serves them all.
#[derive(Debug, Clone)]
pub(super) struct Slots(Box<[[Bytes; GROUPS]; SLOTS]>);

impl Slots {
    pub(super) fn new() -> Self {
        let slots: Vec<[Bytes; GROUPS]> = (0..SLOTS)
            .map(|slot| [Bytes([slot as u8; LANES]); GROUPS])
            .collect();
        let slots = slots.into_boxed_slice().try_into();
        Self(slots.unwrap_or_else(|_| unreachable!("the length is that of the array")))
    }
}

impl Selection {
    /// The steps of all trees, if none has too many leaves and the columns are not too many.
    pub(super) fn new(trees: &[Tree], tests: &[Test], column_count: usize) -> Option<Self> {
        if column_count > usize::from(u16::MAX)
            || trees.iter().any(|tree| tree.leaves.len() > LEAVES)
        {
            return None;
        }
        let mut selection = Self {
            steps: Vec::with_capacity(tests.len()),
            trees: Vec::with_capacity(trees.len()),
            values: Vec::new(),
        };
        let mut tests = tests;
        for tree in trees {
            let (own, others) = tests.split_at(tree.splits.len());
            tests = others;
            let compiler = Compiler::new(tree, own);
            compiler.compile(tree.root(), 0, &mut selection.steps);
            selection.trees.push(Steps {
                end: selection.steps.len() as u32,
                first_value: selection.values.len() as u32,
            });
            selection.values.extend_from_slice(&tree.leaves);
        }
        selection
            .values
            .resize(selection.values.len() + LEAVES, 0.0);
        Some(selection)
    }

    /// Adds every tree's leaves to the sums of up to two groups, in the trees' order.
    #[inline(always)]
    pub(super) fn add<I: Instructions, const COUNT: usize>(
        &self,
        instructions: I,
        columns: &[[Bytes; GROUPS]],
        slots: &mut Slots,
        sums: &mut [[f64; LANES]; COUNT],
    ) {
        // Through the box once, not at every step.
        let slots = &mut *slots.0;
        let mut steps = self.steps.as_slice();
        let mut done = 0;
        for tree in &self.trees {
            let (own, others) = steps.split_at((tree.end - done) as usize);
            steps = others;
            done = tree.end;
            let mut chosen = [Bytes::ZERO; COUNT];
            for &step in own {
                let column = &columns[usize::from(step.column)];
                let [left, right, target] =
                    [step.left, step.right, step.target].map(|slot| usize::from(slot) % SLOTS);
                for (group, chosen) in chosen.iter_mut().enumerate() {
                    *chosen = instructions.select(
                        &column[group],
                        step.threshold,
                        &slots[left][group],
                        &slots[right][group],
                    );
                    slots[target][group] = *chosen;
                }
            }
            let values = self.values[tree.first_value as usize..]
                .first_chunk()
                .expect("values stand behind those of the last tree");
            let has_few_leaves = has_few_leaves(own.len());
            for (sums, chosen) in sums.iter_mut().zip(&chosen) {
                if has_few_leaves {
                    instructions.add_of_few(sums, values, chosen);
                } else {
                    instructions.add_chosen(sums, values, chosen);
                }
            }
        }
    }

    /// How many trees there are of few leaves, and how many others.
    pub(super) fn tree_counts(&self) -> (usize, usize) {
        let ends = self.trees.iter().map(|tree| tree.end as usize);
        let starts = std::iter::once(0).chain(ends.clone());
        let few = ends
            .zip(starts)
            .filter(|(end, start)| has_few_leaves(end - start))
            .count();
        (few, self.trees.len() - few)
    }

    /// How many splits are done for a group.
    pub(super) fn step_count(&self) -> usize {
        self.steps.len()
    }
}

/// Whether a tree of so many splits has few leaves: it has one more.
#[inline(always)]
fn has_few_leaves(splits: usize) -> bool {
    splits < FEW
}

/// Orders a tree's splits so that few slots are needed: the side that needs more first.
struct Compiler<'tree> {
    tree: &'tree Tree,
    tests: &'tree [Test],
    /// How many slots each split needs; at most 8 for 256 leaves.
    needs: Vec<u8>,
}

impl<'tree> Compiler<'tree> {
    fn new(tree: &'tree Tree, tests: &'tree [Test]) -> Self {
        let mut needs: Vec<u8> = vec![0; tree.splits.len()];
        for (index, split) in tree.splits.iter().enumerate().rev() {
            let need = |child: i32| usize::try_from(child).map_or(0, |split| needs[split]);
            let (left, right) = (need(split.left), need(split.right));
            needs[index] = left.max(right).max(1) + u8::from(left == right && left > 0);
        }
        Self { tree, tests, needs }
    }

    fn need(&self, child: i32) -> u8 {
        usize::try_from(child).map_or(0, |split| self.needs[split])
    }

    // Recursion ends: a tree has no more splits than there are leaf numbers.
    /// Appends the steps of a child, which use no slot below `target`, and gives the slot
    /// that its leaves are in.
    fn compile(&self, child: i32, target: u8, steps: &mut Vec<Step>) -> u16 {
        let Ok(index) = usize::try_from(child) else {
            return leaf_index(child) as u16;
        };
        let split = &self.tree.splits[index];
        let (left, right) = if self.need(split.left) >= self.need(split.right) {
            let left = self.compile(split.left, target, steps);
            let kept = target + u8::from(split.left >= 0);
            (left, self.compile(split.right, kept, steps))
        } else {
            let right = self.compile(split.right, target, steps);
            let kept = target + u8::from(split.right >= 0);
            (self.compile(split.left, kept, steps), right)
        };
        let target = (LEAVES + usize::from(target)) as u16;
        steps.push(Step {
            column: self.tests[index].column as u16,
            left,
            right,
            target,
            threshold: Threshold::new(self.tests[index].threshold),
        });
        target
    }
}
