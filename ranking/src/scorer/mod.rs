//! Scores rows with the bits of LightGBM, many times as fast.
//!
//! A row is reduced to ranks among the model's thresholds, a byte each (`columns`,
//! `ranks`). Trees are then evaluated on bytes: 64 rows at a time split by split
//! (`selection`), or few rows tree by tree (`jumps`, or `walk` where the processor has
//! nothing for those). A row's leaves are always added in the order of the trees, as
//! LightGBM adds them, since another order gives other bits. What is fastest is estimated
//! from the model, the processor and the number of rows. It neither reads models nor
//! checks them; `model` does.

mod blocks;
mod columns;
mod instructions;
mod jumps;
mod maps;
mod plain;
mod ranks;
mod selection;
#[cfg(test)]
mod tests;
mod walk;

use std::fmt;
use std::sync::Arc;

use crate::model::tree::Tree;
use instructions::{Bytes, InstructionSet, Instructions, LANES, Work};
use jumps::{Jumps, Places};
use ranks::Ranks;
use selection::{GROUPS, Selection, Slots};
use walk::Walk;

/// The most columns that a byte can name. A row always has ranks for as many.
const COLUMNS: usize = 256;

/// A model's trees, laid out for this processor.
#[derive(Clone)]
pub(crate) struct Scorer {
    plan: Arc<Plan>,
}

/// What a scorer knows of its model.
struct Plan {
    instructions: InstructionSet,
    /// How many values a row has.
    width: usize,
    ranks: Ranks,
    selection: Option<Selection>,
    rows: RowMethod,
    least: LeastRows,
}

/// From how many rows on a group is cheaper than as many single rows.
#[derive(Debug, Clone, Copy)]
struct LeastRows {
    /// A group by itself.
    alone: usize,
    /// One that is scored together with a full one.
    beside: usize,
}

/// How single rows are scored.
enum RowMethod {
    Jumps(Jumps),
    Walk(Walk),
}

/// The ways that a scorer may use, for tests to have each of them used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ways {
    Fastest,
    #[cfg(any(test, fuzzing))]
    Selection,
    #[cfg(any(test, fuzzing))]
    Jumps,
    #[cfg(any(test, fuzzing))]
    Walk,
}

/// Memory that scoring works in, for one thread at a time.
#[derive(Debug, Clone)]
pub struct Scratch {
    /// Of groups: a register for each column.
    columns: Vec<[Bytes; GROUPS]>,
    /// Of a row: a byte for each column.
    row: Vec<u8>,
    slots: Slots,
    places: Places,
}

impl fmt::Debug for Scorer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Scorer")
            .field("instructions", &self.plan.instructions)
            .field("columns", &self.plan.ranks.column_count())
            .field("least", &self.plan.least)
            .finish_non_exhaustive()
    }
}

impl Scorer {
    /// Lays the trees out. Every feature of a split is less than `width`.
    pub(crate) fn new(trees: &[Tree], width: usize) -> Self {
        let best = InstructionSet::all()[0];
        Self::with(trees, width, best, Ways::Fastest)
    }

    fn with(trees: &[Tree], width: usize, instructions: InstructionSet, ways: Ways) -> Self {
        let (ranks, tests) = columns::build(trees, width);
        let columns = ranks.column_count();
        let (has_groups, has_jumps) = match ways {
            Ways::Fastest => (true, instructions.has_lookups()),
            #[cfg(any(test, fuzzing))]
            _ => (ways == Ways::Selection, ways == Ways::Jumps),
        };
        let selection = has_groups
            .then(|| Selection::new(trees, &tests, columns))
            .flatten();
        let rows = has_jumps
            .then(|| Jumps::new(trees, &tests, columns))
            .flatten()
            .map_or_else(
                || RowMethod::Walk(Walk::new(trees, &tests, columns)),
                RowMethod::Jumps,
            );
        let least = match ways {
            Ways::Fastest => least_rows(instructions, selection.as_ref(), &rows),
            #[cfg(any(test, fuzzing))]
            Ways::Selection if selection.is_some() => LeastRows::ALL,
            #[cfg(any(test, fuzzing))]
            _ => LeastRows::NONE,
        };
        Self {
            plan: Arc::new(Plan {
                instructions,
                width,
                ranks,
                selection,
                rows,
                least,
            }),
        }
    }

    /// Memory for [`score_rows`](Self::score_rows).
    pub(crate) fn scratch(&self) -> Scratch {
        Scratch {
            columns: vec![[Bytes::ZERO; GROUPS]; self.plan.group_columns()],
            row: vec![0; self.plan.row_bytes()],
            slots: Slots::new(),
            places: Places::new(),
        }
    }

    /// Writes the score of each row. There are as many rows of the model's width as scores.
    pub(crate) fn score_rows(&self, rows: &[f64], scratch: &mut Scratch, scores: &mut [f64]) {
        // Nothing to do for a scratch of this model.
        let columns = self.plan.group_columns().max(scratch.columns.len());
        scratch.columns.resize(columns, [Bytes::ZERO; GROUPS]);
        let bytes = self.plan.row_bytes().max(scratch.row.len());
        scratch.row.resize(bytes, 0);
        self.plan.instructions.run(ScoreRows {
            plan: &self.plan,
            rows,
            scratch,
            scores,
        });
    }
}

#[cfg(any(test, fuzzing))]
impl Scorer {
    /// The scores of rows in every way and with every set of instructions that this processor
    /// has, each with its name.
    pub(crate) fn score_in_every_way(
        trees: &[Tree],
        width: usize,
        rows: &[f64],
    ) -> Vec<(String, Vec<f64>)> {
        let ways = [Ways::Fastest, Ways::Selection, Ways::Jumps, Ways::Walk];
        // A scratch of another model serves too.
        let mut scratch = Self::new(&[], 1).scratch();
        let mut all = Vec::new();
        for instructions in InstructionSet::all() {
            for ways in ways {
                let mut scores = vec![f64::NAN; rows.len() / width];
                let scorer = Self::with(trees, width, instructions, ways);
                scorer.score_rows(rows, &mut scratch, &mut scores);
                all.push((format!("{ways:?} with {instructions:?}"), scores));
            }
        }
        all
    }
}

impl Plan {
    /// Columns for the ranks of groups: none where rows are never scored in groups.
    fn group_columns(&self) -> usize {
        match self.selection {
            Some(_) => self.ranks.column_count(),
            None => 0,
        }
    }

    /// Bytes for the ranks of a row: of as many columns as there are, or as bytes can name.
    fn row_bytes(&self) -> usize {
        self.ranks.column_count().max(COLUMNS)
    }
}

impl LeastRows {
    /// Every row is in a group.
    #[cfg(any(test, fuzzing))]
    const ALL: Self = Self {
        alone: 1,
        beside: 1,
    };
    /// No row is.
    const NONE: Self = Self {
        alone: usize::MAX,
        beside: usize::MAX,
    };

    /// How many groups of so many rows are to be scored together; those that are left come after.
    #[inline(always)]
    fn groups(self, rows: usize) -> usize {
        let whole = rows / LANES;
        let least = if whole == 0 { self.alone } else { self.beside };
        GROUPS.min(whole + usize::from(rows - whole * LANES >= least))
    }
}

/// What is cheapest in the time that the instructions take for each part of it.
fn least_rows(
    instructions: InstructionSet,
    groups: Option<&Selection>,
    rows: &RowMethod,
) -> LeastRows {
    let costs = instructions.costs();
    let Some(groups) = groups else {
        return LeastRows::NONE;
    };
    let row = match rows {
        RowMethod::Jumps(jumps) if jumps.is_nested() => costs.nested_block * jumps.visits(),
        RowMethod::Jumps(jumps) => costs.block * jumps.visits(),
        RowMethod::Walk(walk) => costs.step * walk.step_count() as f64,
    };
    let (few, other) = groups.tree_counts();
    let add = costs.add_of_few * few as f64 + costs.add * other as f64;
    let least = |select: f64| {
        let group = select * groups.step_count() as f64 + add;
        // A model without splits costs nothing either way.
        let needed = (group / row.max(1.0)).ceil();
        if needed <= LANES as f64 {
            (needed as usize).max(1)
        } else {
            usize::MAX
        }
    };
    LeastRows {
        alone: least(costs.select),
        beside: least(costs.select_beside),
    }
}

/// Scoring, to be compiled for each set of instructions.
struct ScoreRows<'call> {
    plan: &'call Plan,
    rows: &'call [f64],
    scratch: &'call mut Scratch,
    scores: &'call mut [f64],
}

impl Work for ScoreRows<'_> {
    type Output = ();

    #[inline(always)]
    fn with<I: Instructions>(self, instructions: I) {
        let Self {
            plan,
            mut rows,
            scratch,
            mut scores,
        } = self;
        if let Some(selection) = &plan.selection
            && plan.least.alone <= LANES
        {
            loop {
                let count = plan.least.groups(scores.len());
                let rows_done = scores.len().min(count * LANES);
                let (own_rows, other_rows) = rows.split_at(rows_done * plan.width);
                let (own_scores, other_scores) = scores.split_at_mut(rows_done);
                (rows, scores) = (other_rows, other_scores);
                match count {
                    0 => break,
                    1 => score_groups::<I, 1>(
                        instructions,
                        plan,
                        selection,
                        own_rows,
                        scratch,
                        own_scores,
                    ),
                    _ => score_groups::<I, GROUPS>(
                        instructions,
                        plan,
                        selection,
                        own_rows,
                        scratch,
                        own_scores,
                    ),
                }
            }
        }
        for (row, score) in rows.chunks_exact(plan.width).zip(scores) {
            let Scratch {
                row: ranks, places, ..
            } = &mut *scratch;
            plan.ranks.rank_row(instructions, row, ranks);
            *score = match &plan.rows {
                RowMethod::Walk(walk) => walk.score(ranks),
                RowMethod::Jumps(jumps) => score_by_jumps(instructions, plan, jumps, ranks, places),
            };
        }
    }
}

#[inline(always)]
fn score_groups<I: Instructions, const COUNT: usize>(
    instructions: I,
    plan: &Plan,
    selection: &Selection,
    rows: &[f64],
    scratch: &mut Scratch,
    scores: &mut [f64],
) {
    let Scratch { columns, slots, .. } = scratch;
    for (group, rows) in rows.chunks(LANES * plan.width).enumerate() {
        plan.ranks
            .rank_group(instructions, rows, plan.width, group, columns);
    }
    let mut sums = [[0.0; LANES]; COUNT];
    selection.add(instructions, columns, slots, &mut sums);
    for (score, sum) in scores.iter_mut().zip(sums.as_flattened()) {
        *score = *sum;
    }
}

#[inline(always)]
fn score_by_jumps<I: Instructions>(
    instructions: I,
    plan: &Plan,
    jumps: &Jumps,
    ranks: &[u8],
    places: &mut Places,
) -> f64 {
    let (ranks, _) = ranks.as_chunks::<LANES>();
    macro_rules! score {
        ($registers:literal) => {
            jumps.score::<I, $registers>(
                instructions,
                ranks
                    .first_chunk()
                    .expect("a scratch has registers for 256 columns"),
                places,
            )
        };
    }
    match plan.ranks.column_count().div_ceil(LANES) {
        0 | 1 => score!(1),
        2 => score!(2),
        3 => score!(3),
        _ => score!(4),
    }
}
