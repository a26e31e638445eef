//! Few rows on any processor: eight trees at a time for one row.
//!
//! A step of a walk waits for memory and for the step before; eight walks wait together.
//! There is no branch on what a row has: siblings are neighbours, so a step is an
//! addition, and a leaf leads to itself until the deepest of the eight trees is done.

use super::COLUMNS;
use super::columns::{ALWAYS_RIGHT, Test};
use crate::model::tree::{Tree, leaf_index};

/// Trees that are walked at once.
const TREES: usize = 8;

/// The model's trees as nodes: narrow ones where they fit.
#[derive(Debug, Clone)]
pub(super) enum Walk {
    Narrow(Nodes<Narrow>),
    Wide(Nodes<Wide>),
}

#[derive(Debug, Clone)]
pub(super) struct Nodes<N> {
    nodes: Vec<N>,
    /// The value of each node that is a leaf.
    values: Vec<f64>,
    /// The first node and the depth of each tree.
    trees: Vec<(u32, u32)>,
}

/// A split or a leaf. The right child is behind the left.
pub(super) trait Node: Copy {
    fn new(test: Test, left: u32) -> Self;
    fn column(self) -> usize;
    fn threshold(self) -> u8;
    /// The left child, from this node on.
    fn left(self) -> usize;
}

/// A byte of the column, one of the threshold, and two of the left child: as one number, so
/// that a step loads it once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Narrow(u32);

#[derive(Debug, Clone, Copy)]
pub(super) struct Wide {
    column: u32,
    left: u32,
    threshold: u8,
}

impl Node for Narrow {
    fn new(test: Test, left: u32) -> Self {
        Self(left << 16 | u32::from(test.threshold) << 8 | test.column)
    }

    #[inline(always)]
    fn column(self) -> usize {
        usize::from(self.0 as u8)
    }

    #[inline(always)]
    fn threshold(self) -> u8 {
        (self.0 >> 8) as u8
    }

    #[inline(always)]
    fn left(self) -> usize {
        (self.0 >> 16) as usize
    }
}

impl Node for Wide {
    fn new(test: Test, left: u32) -> Self {
        Self {
            column: test.column,
            threshold: test.threshold,
            left,
        }
    }

    #[inline(always)]
    fn column(self) -> usize {
        self.column as usize
    }

    #[inline(always)]
    fn threshold(self) -> u8 {
        self.threshold
    }

    #[inline(always)]
    fn left(self) -> usize {
        self.left as usize
    }
}

impl Walk {
    pub(super) fn new(trees: &[Tree], tests: &[Test], column_count: usize) -> Self {
        let nodes = |tree: &Tree| 2 * tree.splits.len() + 1;
        let narrow =
            column_count <= COLUMNS && trees.iter().all(|tree| nodes(tree) <= 1 << u16::BITS);
        if narrow {
            Self::Narrow(Nodes::new(trees, tests))
        } else {
            Self::Wide(Nodes::new(trees, tests))
        }
    }

    /// The sum of the leaves of a row with these ranks, in the trees' order. There are ranks
    /// for at least [`COLUMNS`].
    #[inline(always)]
    pub(super) fn score(&self, ranks: &[u8]) -> f64 {
        match self {
            // So many that none needs checking to be there.
            Self::Narrow(nodes) => nodes.score(&ranks[..COLUMNS]),
            Self::Wide(nodes) => nodes.score(ranks),
        }
    }

    /// How many steps a row takes.
    pub(super) fn step_count(&self) -> usize {
        let trees = match self {
            Self::Narrow(nodes) => &nodes.trees,
            Self::Wide(nodes) => &nodes.trees,
        };
        trees
            .chunks(TREES)
            .map(|trees| trees.len() * depth(trees) as usize)
            .sum()
    }
}

fn depth(trees: &[(u32, u32)]) -> u32 {
    trees.iter().map(|tree| tree.1).max().unwrap_or_default()
}

impl<N: Node> Nodes<N> {
    fn new(trees: &[Tree], tests: &[Test]) -> Self {
        let mut all = Self {
            nodes: Vec::with_capacity(2 * tests.len() + trees.len()),
            values: Vec::with_capacity(2 * tests.len() + trees.len()),
            trees: Vec::with_capacity(trees.len()),
        };
        let mut tests = tests;
        for tree in trees {
            let (own, others) = tests.split_at(tree.splits.len());
            tests = others;
            all.add(tree, own);
        }
        all
    }

    fn add(&mut self, tree: &Tree, tests: &[Test]) {
        let first = self.nodes.len();
        // Level by level: a node's place is known when its parent's is.
        let mut level = vec![tree.root()];
        let mut depth = 0;
        while !level.is_empty() {
            let mut left = self.nodes.len() + level.len();
            let mut next = Vec::with_capacity(2 * level.len());
            for child in level {
                if let Ok(index) = usize::try_from(child) {
                    let split = &tree.splits[index];
                    let own = self.nodes.len();
                    self.nodes.push(N::new(tests[index], (left - own) as u32));
                    self.values.push(0.0);
                    next.extend([split.left, split.right]);
                    left += 2;
                } else {
                    // No rank is above the threshold, so the next node is this one.
                    let test = Test {
                        column: 0,
                        threshold: ALWAYS_RIGHT,
                    };
                    self.nodes.push(N::new(test, 0));
                    self.values.push(tree.leaves[leaf_index(child)]);
                }
            }
            depth += u32::from(!next.is_empty());
            level = next;
        }
        self.trees.push((first as u32, depth));
    }

    #[inline(always)]
    fn score(&self, ranks: &[u8]) -> f64 {
        let mut sum = 0.0;
        let (eights, rest) = self.trees.as_chunks::<TREES>();
        for trees in eights {
            let mut places = trees.map(|tree| tree.0 as usize);
            for _ in 0..depth(trees) {
                for place in &mut places {
                    *place = self.step(*place, ranks);
                }
            }
            for place in places {
                sum += self.values[place];
            }
        }
        for tree in rest {
            let mut place = tree.0 as usize;
            for _ in 0..tree.1 {
                place = self.step(place, ranks);
            }
            sum += self.values[place];
        }
        sum
    }

    #[inline(always)]
    fn step(&self, place: usize, ranks: &[u8]) -> usize {
        let node = self.nodes[place];
        let right = ranks[node.column()] > node.threshold();
        place
            .wrapping_add(node.left())
            .wrapping_add(usize::from(right))
    }
}
