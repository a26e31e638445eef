//! Cuts trees into the blocks of `jumps`.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::columns::{ALWAYS_RIGHT, Test};
use super::instructions::{Block, Bytes, JUMP, LANES};
use crate::model::tree::{Tree, leaf_index};

/// The most splits of a path within a block, where trees have several blocks: a longer
/// path takes another round of every block.
const PIECE_DEPTH: u32 = 16;

/// Blocks of a tree that are tried for room.
const OPEN_BLOCKS: usize = 4;

/// Blocks that are being filled.
#[derive(Default)]
pub(super) struct Layout {
    /// Blocks with the roots of trees, in the trees' order.
    pub(super) tops: Vec<Filling>,
    /// Blocks with what is below others.
    pub(super) lowers: Vec<Filling>,
    /// The top block and the lane of each tree's root.
    pub(super) roots: Vec<(usize, u8)>,
    /// The lower blocks and lanes that exits lead to.
    pub(super) entries: Vec<(usize, u8)>,
    /// The most splits of a path within a block.
    pub(super) depth: u32,
    /// How many blocks are looked at for a row, on average.
    pub(super) visits: f64,
}

/// A block, its lanes filled from the first on.
pub(super) struct Filling {
    pub(super) block: Block,
    /// At most one more than lanes are filled for each piece, so less than [`JUMP`].
    pub(super) exits: Vec<Exit>,
    lanes: usize,
}

/// What is beyond a block.
pub(super) enum Exit {
    /// A leaf's value.
    Leaf(f64),
    /// The number of an entry.
    Block(usize),
}

/// Splits of a tree that go into one block: connected, the first of them above all others.
/// None stands for a tree of one leaf.
#[derive(Default)]
struct Piece(Vec<usize>);

/// How much is below each split of a tree, itself counted.
#[derive(Clone, Copy)]
struct Below {
    splits: u32,
    depth: u32,
}

/// A tree, and where its splits are.
struct Placing<'tree> {
    tree: &'tree Tree,
    tests: &'tree [Test],
    below: Vec<Below>,
    /// The lanes of those that are in a block.
    lanes: Vec<Option<u8>>,
    /// The splits that blocks lead to, with their entries.
    pending: Vec<(usize, usize)>,
}

impl Layout {
    /// Cuts all trees. There are at most 256 columns.
    pub(super) fn new(trees: &[Tree], tests: &[Test]) -> Self {
        let mut layout = Self::default();
        let whole = trees.iter().all(|tree| tree.splits.len() <= LANES);
        let depth = if whole { LANES as u32 } else { PIECE_DEPTH };
        let mut tests = tests;
        for tree in trees {
            let (own, others) = tests.split_at(tree.splits.len());
            tests = others;
            layout.add(tree, own, depth);
        }
        layout.visits += layout.tops.len() as f64;
        layout
    }

    fn add(&mut self, tree: &Tree, tests: &[Test], depth: u32) {
        let mut placing = Placing {
            tree,
            tests,
            below: below(tree),
            lanes: vec![None; tree.splits.len()],
            pending: Vec::new(),
        };
        let mut piece = Piece::default();
        if !tree.splits.is_empty() {
            self.depth = self.depth.max(piece.take(&placing, 0, depth));
        }
        if self.tops.last().is_none_or(|top| !top.has_room(&piece)) {
            self.tops.push(Filling::new());
        }
        let top = self.tops.len() - 1;
        let lane = self.tops[top].place(&piece, &mut placing, &mut self.entries);
        self.roots.push((top, lane));
        let first_lower = self.lowers.len();
        while let Some((split, entry)) = placing.pending.pop() {
            self.visits += f64::from(tree.split_rows[split]) / f64::from(tree.split_rows[0]);
            self.depth = self.depth.max(piece.take(&placing, split, depth));
            let tried = first_lower.max(self.lowers.len().saturating_sub(OPEN_BLOCKS));
            let open =
                (tried..self.lowers.len()).find(|lower| self.lowers[*lower].has_room(&piece));
            let lower = open.unwrap_or_else(|| {
                self.lowers.push(Filling::new());
                self.lowers.len() - 1
            });
            let lane = self.lowers[lower].place(&piece, &mut placing, &mut self.entries);
            self.entries[entry] = (lower, lane);
        }
    }
}

fn below(tree: &Tree) -> Vec<Below> {
    let nothing = Below {
        splits: 0,
        depth: 0,
    };
    let mut below = vec![nothing; tree.splits.len()];
    for (index, split) in tree.splits.iter().enumerate().rev() {
        let child = |child: i32| usize::try_from(child).map_or(nothing, |split| below[split]);
        let (left, right) = (child(split.left), child(split.right));
        below[index] = Below {
            splits: left.splits + right.splits + 1,
            depth: left.depth.max(right.depth) + 1,
        };
    }
    below
}

impl Piece {
    /// Takes what a block takes from the split downwards, in paths of at most `depth`
    /// splits: all, or the splits that most rows reach. Gives the longest path's splits.
    fn take(&mut self, placing: &Placing<'_>, split: usize, depth: u32) -> u32 {
        self.0.clear();
        let all = placing.below[split];
        if all.splits as usize <= LANES && all.depth <= depth {
            self.0.extend(split..split + all.splits as usize);
            return all.depth;
        }
        let tree = placing.tree;
        let mut longest = 0;
        // Of splits with equally many rows the upper ones first, to have short paths.
        let reach = |split: usize, depth: u32| (tree.split_rows[split], Reverse(depth), split);
        let mut reached = BinaryHeap::with_capacity(LANES);
        reached.push(reach(split, 1));
        while self.0.len() < LANES
            && let Some((_, Reverse(here), split)) = reached.pop()
        {
            longest = longest.max(here);
            self.0.push(split);
            let split = &tree.splits[split];
            for child in [split.left, split.right] {
                if let Ok(child) = usize::try_from(child)
                    && here < depth
                {
                    reached.push(reach(child, here + 1));
                }
            }
        }
        longest
    }

    fn lanes(&self) -> usize {
        self.0.len().max(1)
    }
}

impl Filling {
    fn new() -> Self {
        Self {
            block: Block {
                columns: Bytes::ZERO,
                thresholds: Bytes::ZERO,
                left: Bytes::ZERO,
                right: Bytes::ZERO,
            },
            exits: Vec::with_capacity(LANES + 1),
            lanes: 0,
        }
    }

    fn has_room(&self, piece: &Piece) -> bool {
        self.lanes + piece.lanes() <= LANES
    }

    /// Puts a piece into free lanes and gives the first of them.
    fn place(
        &mut self,
        piece: &Piece,
        placing: &mut Placing<'_>,
        entries: &mut Vec<(usize, u8)>,
    ) -> u8 {
        let first = self.lanes;
        self.lanes += piece.lanes();
        for (lane, split) in piece.0.iter().enumerate() {
            placing.lanes[*split] = Some((first + lane) as u8);
        }
        let Placing { tree, tests, .. } = *placing;
        for (lane, split) in (first..).zip(&piece.0) {
            self.block.columns.0[lane] = tests[*split].column as u8;
            self.block.thresholds.0[lane] = tests[*split].threshold;
            self.block.left.0[lane] = self.jump(tree.splits[*split].left, placing, entries);
            self.block.right.0[lane] = self.jump(tree.splits[*split].right, placing, entries);
        }
        if piece.0.is_empty() {
            self.block.thresholds.0[first] = ALWAYS_RIGHT;
            self.block.left.0[first] = self.exit(Exit::Leaf(tree.leaves[leaf_index(tree.root())]));
        }
        first as u8
    }

    /// The jump to a child, which is in no block yet or in this one.
    fn jump(
        &mut self,
        child: i32,
        placing: &mut Placing<'_>,
        entries: &mut Vec<(usize, u8)>,
    ) -> u8 {
        let Ok(split) = usize::try_from(child) else {
            return self.exit(Exit::Leaf(placing.tree.leaves[leaf_index(child)]));
        };
        if let Some(lane) = placing.lanes[split] {
            return JUMP | lane;
        }
        placing.pending.push((split, entries.len()));
        entries.push((0, 0));
        self.exit(Exit::Block(entries.len() - 1))
    }

    fn exit(&mut self, exit: Exit) -> u8 {
        self.exits.push(exit);
        (self.exits.len() - 1) as u8
    }
}
