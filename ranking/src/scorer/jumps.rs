//! Few rows on processors that look bytes up in registers: all splits of a tree at once.
//!
//! A block holds up to 64 splits, one a lane, of one tree or of several. Every lane looks
//! up its column's rank and takes its left jump or its right one: to another lane, or out
//! of the block. Then every lane takes the jump of the lane that it leads to, again and
//! again: a jump is twice as far each time, so four rounds reach the end of any path of 16
//! splits. The lane of a tree's root then leads to its leaf. A tree of more splits is
//! several blocks, those that most rows come through in the first.

use super::COLUMNS;
use super::blocks::{Exit, Layout};
use super::columns::Test;
use super::instructions::{Block, Bytes, Instructions, LANES};
use crate::model::tree::Tree;

/// Blocks whose trees are summed together.
const CHUNK_BLOCKS: usize = 16;

/// The most trees of a chunk.
const CHUNK_TREES: usize = CHUNK_BLOCKS * LANES;

/// The model's trees as blocks.
#[derive(Debug, Clone, Default)]
pub(super) struct Jumps {
    blocks: Vec<Block>,
    /// The first exit of each block.
    first_exits: Vec<u32>,
    /// What each exit leads to: a leaf's value, which is finite, or NaN with an [`Entry`].
    exits: Vec<f64>,
    /// Whether exits lead to blocks at all.
    is_nested: bool,
    chunks: Vec<Chunk>,
    roots: Vec<Root>,
    /// How often jumps are doubled.
    rounds: u32,
    /// How many blocks are looked at for a row, on average.
    visits: f64,
}

/// The ends of neighbouring trees' blocks and of the trees.
#[derive(Debug, Clone, Copy)]
struct Chunk {
    blocks_end: u32,
    roots_end: u32,
}

/// Where a tree begins: a lane among those of its chunk's blocks, and its block's first exit.
#[derive(Debug, Clone, Copy)]
struct Root {
    lane: u16,
    first_exit: u32,
}

/// Where the trees of a chunk have come to.
#[derive(Debug, Clone)]
pub(super) struct Places {
    lanes: [Bytes; CHUNK_BLOCKS],
    exits: Box<[f64; CHUNK_TREES]>,
    /// Trees of the chunk that have come to another block.
    pending: Box<[(u32, Entry); CHUNK_TREES]>,
}

/// Where a block is entered: its number, and a lane in the lowest six bits.
#[derive(Debug, Clone, Copy)]
struct Entry(u32);

impl Entry {
    fn new(block: usize, lane: u8) -> Self {
        Self((block * LANES) as u32 + u32::from(lane))
    }

    /// An exit that leads here.
    fn exit(self) -> f64 {
        f64::from_bits(f64::NAN.to_bits() | u64::from(self.0))
    }

    /// Where an exit leads that is NaN.
    #[inline(always)]
    fn of_exit(exit: f64) -> Self {
        Self(exit.to_bits() as u32)
    }

    #[inline(always)]
    fn block(self) -> usize {
        self.0 as usize / LANES
    }

    #[inline(always)]
    fn lane(self) -> usize {
        self.0 as usize % LANES
    }
}

impl Places {
    pub(super) fn new() -> Self {
        Self {
            lanes: [Bytes::ZERO; CHUNK_BLOCKS],
            exits: Box::new([0.0; CHUNK_TREES]),
            pending: Box::new([(0, Entry(0)); CHUNK_TREES]),
        }
    }
}

impl Jumps {
    /// The blocks of all trees, if the columns are not too many.
    pub(super) fn new(trees: &[Tree], tests: &[Test], column_count: usize) -> Option<Self> {
        if column_count > COLUMNS {
            return None;
        }
        let layout = Layout::new(trees, tests);
        let mut jumps = Self {
            rounds: layout.depth.max(1).next_power_of_two().ilog2(),
            visits: layout.visits,
            is_nested: !layout.entries.is_empty(),
            ..Self::default()
        };
        let tops = layout.tops.len();
        for filling in layout.tops.iter().chain(&layout.lowers) {
            jumps.blocks.push(filling.block);
            jumps.first_exits.push(jumps.exits.len() as u32);
            jumps
                .exits
                .extend(filling.exits.iter().map(|exit| match exit {
                    Exit::Leaf(value) => *value,
                    Exit::Block(entry) => {
                        let (lower, lane) = layout.entries[*entry];
                        Entry::new(tops + lower, lane).exit()
                    }
                }));
        }
        let mut roots = layout.roots.iter().peekable();
        for first in (0..tops).step_by(CHUNK_BLOCKS) {
            let end = tops.min(first + CHUNK_BLOCKS);
            while let Some((top, lane)) = roots.next_if(|(top, _)| *top < end) {
                jumps.roots.push(Root {
                    lane: ((top - first) * LANES) as u16 + u16::from(*lane),
                    first_exit: jumps.first_exits[*top],
                });
            }
            jumps.chunks.push(Chunk {
                blocks_end: end as u32,
                roots_end: jumps.roots.len() as u32,
            });
        }
        Some(jumps)
    }

    /// How many blocks a row of the training looked at, on average.
    pub(super) fn visits(&self) -> f64 {
        self.visits
    }

    /// Whether trees have several blocks.
    pub(super) fn is_nested(&self) -> bool {
        self.is_nested
    }

    /// The sum of the leaves of a row with these ranks, in the trees' order.
    #[inline(always)]
    pub(super) fn score<I: Instructions, const REGISTERS: usize>(
        &self,
        instructions: I,
        ranks: &[[u8; LANES]; REGISTERS],
        places: &mut Places,
    ) -> f64 {
        let ranks = instructions.table(ranks);
        let mut sum = 0.0;
        let mut done = Chunk {
            blocks_end: 0,
            roots_end: 0,
        };
        for chunk in &self.chunks {
            let blocks = &self.blocks[done.blocks_end as usize..chunk.blocks_end as usize];
            let roots = &self.roots[done.roots_end as usize..chunk.roots_end as usize];
            done = *chunk;
            for (lanes, block) in places.lanes.iter_mut().zip(blocks) {
                *lanes = instructions.resolve::<REGISTERS>(ranks, block, self.rounds);
            }
            let lanes = |places: &Places, lane: u16| {
                let lane = usize::from(lane);
                u32::from(places.lanes[lane / LANES % CHUNK_BLOCKS].0[lane % LANES])
            };
            if !self.is_nested {
                for root in roots {
                    let exit = root.first_exit.wrapping_add(lanes(places, root.lane));
                    sum += self.exits[exit as usize];
                }
                continue;
            }
            let mut pending = 0;
            for (tree, root) in (0..).zip(roots) {
                let exit = root.first_exit.wrapping_add(lanes(places, root.lane));
                places.come_to(tree, self.exits[exit as usize], &mut pending);
            }
            while pending > 0 {
                let before = std::mem::take(&mut pending);
                for index in 0..before {
                    let (tree, entry) = places.pending[index % CHUNK_TREES];
                    let block = &self.blocks[entry.block()];
                    let lanes = instructions.resolve::<REGISTERS>(ranks, block, self.rounds);
                    let exit = self.first_exits[entry.block()]
                        .wrapping_add(u32::from(lanes.0[entry.lane()]));
                    places.come_to(tree, self.exits[exit as usize], &mut pending);
                }
            }
            for exit in &places.exits[..roots.len()] {
                sum += exit;
            }
        }
        sum
    }
}

impl Places {
    /// Notes which exit a tree has come to, and, when it is no leaf, that it goes on.
    #[inline(always)]
    fn come_to(&mut self, tree: u32, exit: f64, pending: &mut usize) {
        self.exits[tree as usize % CHUNK_TREES] = exit;
        self.pending[*pending % CHUNK_TREES] = (tree, Entry::of_exit(exit));
        *pending = pending.wrapping_add(usize::from(exit.is_nan()));
    }
}
