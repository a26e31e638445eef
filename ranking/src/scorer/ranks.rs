//! From the values of rows to ranks, one byte for each column.
//!
//! A table finds how many of its sorted thresholds are below a value: the bucket of the
//! value says where to begin, and comparing gives the rest. What tables need is kept such
//! that many tables are looked up together for a row, and many rows in a table.

use super::instructions::{Bytes, Instructions, LANES, Portable, WINDOW};
use super::maps::{Map, best_map, bits_bucket, linear_bucket};
use super::plain::PlainTables;
use super::selection::GROUPS;
use crate::model::tree::is_member;

/// Everything that values are compared with, whatever tree it is from.
#[derive(Debug, Clone, Default)]
pub(super) struct Ranks {
    /// Tables whose ranks are a column as they are; that of the first is the first column.
    plain: PlainTables,
    tables: Vec<Table>,
    outputs: Vec<Output>,
    sets: Vec<Set>,
    /// Per bucket of each table, the first of its thresholds.
    starts: Vec<u32>,
    /// Of each table, with as many infinities behind as are compared at once.
    thresholds: Vec<f64>,
    /// Bits of the sets.
    words: Vec<u32>,
    column_count: usize,
}

/// The sorted thresholds of a feature.
#[derive(Debug, Clone)]
pub(super) struct Table {
    pub(super) feature: u32,
    pub(super) map: Map,
    pub(super) first_threshold: u32,
    /// How often the thresholds of a bucket are halved before those left are compared.
    halvings: u32,
    first_start: u32,
    buckets: u32,
    outputs: (u32, u32),
}

/// A column that is written from a table's ranks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Output {
    pub(super) table: usize,
    pub(super) column: u32,
    /// The rank that is 0 in the column.
    pub(super) first: u32,
    /// Values of at most this magnitude are missing, and NaN is.
    pub(super) zero: f64,
    /// What missing values have in the column.
    pub(super) missing: u8,
}

/// A set of categories.
#[derive(Debug, Clone)]
struct Set {
    feature: u32,
    column: u32,
    words: (u32, u32),
}

impl Output {
    /// What a rank is in the column.
    #[inline(always)]
    pub(super) fn within(&self, rank: u32) -> u8 {
        rank.saturating_sub(self.first).min(254) as u8
    }

    #[inline(always)]
    fn byte(&self, value: f64, rank: u32) -> u8 {
        self.unless_missing(value, self.within(rank))
    }

    #[inline(always)]
    fn unless_missing(&self, value: f64, byte: u8) -> u8 {
        // A comparison with NaN is false.
        if value.abs() > self.zero {
            byte
        } else {
            self.missing
        }
    }
}

impl Ranks {
    /// How many columns there are.
    pub(super) fn column_count(&self) -> usize {
        self.column_count
    }

    /// Takes up sorted distinct thresholds, at least one; gives the table's number until
    /// [`finish`](Self::finish).
    pub(super) fn add_table(&mut self, feature: u32, thresholds: &[f64]) -> usize {
        let first_threshold = self.thresholds.len() as u32;
        let (map, halvings) = best_map(thresholds);
        let first_start = self.starts.len() as u32;
        for (position, threshold) in thresholds.iter().enumerate() {
            let bucket = first_start + map.bucket(*threshold);
            while self.starts.len() <= bucket as usize {
                self.starts.push(first_threshold + position as u32);
            }
        }
        // Buckets behind the last threshold's: an infinite value may have one.
        let last = first_start + map.bucket(f64::INFINITY);
        while self.starts.len() <= last as usize {
            self.starts.push(first_threshold + thresholds.len() as u32);
        }
        self.thresholds.extend_from_slice(thresholds);
        let behind = WINDOW << halvings;
        self.thresholds
            .resize(self.thresholds.len() + behind, f64::INFINITY);
        self.tables.push(Table {
            feature,
            map,
            first_threshold,
            halvings,
            first_start,
            buckets: self.starts.len() as u32 - first_start,
            outputs: (0, 0),
        });
        self.tables.len() - 1
    }

    /// Has a table's ranks written to a column.
    pub(super) fn add_output(&mut self, output: Output) {
        self.outputs.push(output);
    }

    /// Has membership in a set of categories written to a column.
    pub(super) fn add_set(&mut self, feature: u32, words: &[u32], column: u32) {
        let first = self.words.len() as u32;
        self.words.extend_from_slice(words);
        self.sets.push(Set {
            feature,
            column,
            words: (first, self.words.len() as u32),
        });
    }

    /// Ends adding, with every column of so many written once. Gives the columns' new numbers.
    pub(super) fn finish(&mut self, column_count: usize) -> Vec<u32> {
        self.column_count = column_count;
        self.outputs.sort_by_key(|output| output.table);
        for (index, output) in (0..).zip(&self.outputs) {
            let outputs = &mut self.tables[output.table].outputs;
            if outputs.1 == 0 {
                outputs.0 = index;
            }
            outputs.1 = index + 1;
        }
        let (mut plain, tables): (Vec<Table>, Vec<Table>) = std::mem::take(&mut self.tables)
            .into_iter()
            .partition(|table| {
                let [output] = self.outputs_of(table) else {
                    return false;
                };
                // Every threshold is in some column, so a single one has them all: at most 254.
                table.halvings == 0 && output.first == 0
            });
        plain.sort_by_key(|table| matches!(table.map, Map::Bits { .. }));
        let mut columns = vec![None; column_count];
        for (column, table) in (0..).zip(&plain) {
            let output = self.outputs[table.outputs.0 as usize];
            let first = table.first_start as usize;
            let starts = &self.starts[first..first + table.buckets as usize];
            self.plain.add(table, starts, output);
            columns[output.column as usize] = Some(column);
        }
        let others = plain.len() as u32..;
        for (column, other) in columns.iter_mut().filter(|c| c.is_none()).zip(others) {
            *column = Some(other);
        }
        let columns: Vec<u32> = columns.into_iter().flatten().collect();
        self.tables = tables;
        self.tables.sort_by_key(|table| table.halvings);
        let outputs = self.outputs.iter_mut().map(|output| &mut output.column);
        let sets = self.sets.iter_mut().map(|set| &mut set.column);
        for column in outputs.chain(sets) {
            *column = columns[*column as usize];
        }
        columns
    }

    /// How many of a table's thresholds are below a value that is not NaN.
    pub(super) fn rank(&self, table: usize, value: f64) -> u32 {
        let table = &self.tables[table];
        self.count(Portable, table, table.map.bucket(value), value)
    }

    fn outputs_of(&self, table: &Table) -> &[Output] {
        &self.outputs[table.outputs.0 as usize..table.outputs.1 as usize]
    }

    #[inline(always)]
    fn count<I: Instructions>(
        &self,
        instructions: I,
        table: &Table,
        bucket: u32,
        value: f64,
    ) -> u32 {
        let mut position = self.starts[table.first_start.wrapping_add(bucket) as usize] as usize;
        for halving in (0..table.halvings).rev() {
            let half = WINDOW << halving;
            if self.thresholds[position.wrapping_add(half - 1)] < value {
                position = position.wrapping_add(half);
            }
        }
        let window = self.thresholds[position..]
            .first_chunk()
            .expect("infinities stand behind the thresholds of a table");
        (position as u32)
            .wrapping_add(instructions.count_below(window, value) as u32)
            .wrapping_sub(table.first_threshold)
    }

    /// The ranks of one row, a byte for each column.
    #[inline(always)]
    pub(super) fn rank_row<I: Instructions>(&self, instructions: I, row: &[f64], ranks: &mut [u8]) {
        self.plain
            .rank_row(instructions, &self.thresholds, row, ranks);
        for table in &self.tables {
            let value = row[table.feature as usize];
            let rank = self.count(instructions, table, table.map.bucket(value), value);
            for output in self.outputs_of(table) {
                ranks[output.column as usize] = output.byte(value, rank);
            }
        }
        for set in &self.sets {
            ranks[set.column as usize] = self.set_byte(set, row[set.feature as usize]);
        }
    }

    fn set_byte(&self, set: &Set, value: f64) -> u8 {
        let words = &self.words[set.words.0 as usize..set.words.1 as usize];
        u8::from(!is_member(words, value))
    }

    /// The ranks of up to 64 rows of `width` values: for each column a byte for each row, in
    /// the bytes of the group with this number.
    #[inline(always)]
    pub(super) fn rank_group<I: Instructions>(
        &self,
        instructions: I,
        rows: &[f64],
        width: usize,
        group: usize,
        columns: &mut [[Bytes; GROUPS]],
    ) {
        self.plain
            .rank_group(instructions, &self.thresholds, rows, width, group, columns);
        let count = rows.len() / width;
        for table in &self.tables {
            let values = column(rows, width, table.feature);
            if let Some(value) = same_value(&values[..count]) {
                let rank = self.count(instructions, table, table.map.bucket(value), value);
                for output in self.outputs_of(table) {
                    columns[output.column as usize][group].0 = [output.byte(value, rank); LANES];
                }
                continue;
            }
            let mut ranks = buckets(table.map, &values);
            for (rank, value) in ranks[..count].iter_mut().zip(&values) {
                *rank = self.count(instructions, table, *rank, *value);
            }
            for output in self.outputs_of(table) {
                let bytes = &mut columns[output.column as usize][group].0;
                // Two loops: the compiler widens each of them, but not both as one.
                for (byte, rank) in bytes.iter_mut().zip(&ranks) {
                    *byte = output.within(*rank);
                }
                for (byte, value) in bytes.iter_mut().zip(&values) {
                    *byte = output.unless_missing(*value, *byte);
                }
            }
        }
        for set in &self.sets {
            let bytes = &mut columns[set.column as usize][group].0;
            for (byte, value) in bytes.iter_mut().zip(&column(rows, width, set.feature)) {
                *byte = self.set_byte(set, *value);
            }
        }
    }
}

/// The values of a feature in up to 64 rows, then zeros.
#[inline(always)]
pub(super) fn column(rows: &[f64], width: usize, feature: u32) -> [f64; LANES] {
    let mut values = [0.0; LANES];
    let column = rows[feature as usize..].iter().step_by(width);
    for (value, given) in values.iter_mut().zip(column) {
        *value = *given;
    }
    values
}

/// The value that all these are, bit by bit: what is known of a query is the same for all its rows,
/// and so is what nobody knows.
#[inline(always)]
pub(super) fn same_value(values: &[f64]) -> Option<f64> {
    let first = values.first()?;
    let same = values.iter().fold(true, |same, value| {
        same & (value.to_bits() == first.to_bits())
    });
    same.then_some(*first)
}

/// The bucket of each value.
#[inline(always)]
pub(super) fn buckets(map: Map, values: &[f64; LANES]) -> [u32; LANES] {
    match map {
        Map::Linear {
            minimum,
            scale,
            last,
        } => values.map(|value| linear_bucket(value, minimum, scale, last)),
        Map::Bits {
            minimum,
            shift,
            last,
        } => values.map(|value| bits_bucket(value, minimum, shift, last)),
    }
}
