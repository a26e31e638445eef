//! Tables as most are: a single column, and few thresholds in each bucket.
//!
//! What tables have is kept by kind rather than by table, so that one instruction does a
//! step for several tables.

use super::instructions::{Bytes, Instructions, LANES};
use super::maps::{Map, bits_bucket, linear_bucket};
use super::ranks::{Output, Table, buckets, column, same_value};
use super::selection::GROUPS;

/// The tables: first those with linear maps, then those with maps of bits. The ranks of a
/// table, at most 254, are the column with its number.
#[derive(Debug, Clone, Default)]
pub(super) struct PlainTables {
    features: Vec<u32>,
    linear: LinearMaps,
    bits: BitsMaps,
    first_starts: Vec<u32>,
    first_thresholds: Vec<u32>,
    zeros: Vec<f64>,
    missing: Vec<u8>,
    /// Per bucket of each table, how many thresholds are in those before.
    starts: Vec<u8>,
}

#[derive(Debug, Clone, Default)]
struct LinearMaps {
    minimums: Vec<f64>,
    scales: Vec<f64>,
    lasts: Vec<f64>,
}

#[derive(Debug, Clone, Default)]
struct BitsMaps {
    minimums: Vec<u64>,
    shifts: Vec<u64>,
    lasts: Vec<u64>,
}

impl PlainTables {
    /// Takes up a table with its output and, per bucket, the first of its thresholds. Tables
    /// with linear maps come first.
    pub(super) fn add(&mut self, table: &Table, starts: &[u32], output: Output) {
        match table.map {
            Map::Linear {
                minimum,
                scale,
                last,
            } => {
                self.linear.minimums.push(minimum);
                self.linear.scales.push(scale);
                self.linear.lasts.push(last);
            }
            Map::Bits {
                minimum,
                shift,
                last,
            } => {
                self.bits.minimums.push(minimum);
                self.bits.shifts.push(shift);
                self.bits.lasts.push(last);
            }
        }
        self.features.push(table.feature);
        self.first_starts.push(self.starts.len() as u32);
        self.first_thresholds.push(table.first_threshold);
        self.zeros.push(output.zero);
        self.missing.push(output.missing);
        let before = |start: &u32| (start - table.first_threshold) as u8;
        self.starts.extend(starts.iter().map(before));
    }

    fn map(&self, table: usize) -> Map {
        let linear = &self.linear;
        if table < linear.minimums.len() {
            return Map::Linear {
                minimum: linear.minimums[table],
                scale: linear.scales[table],
                last: linear.lasts[table],
            };
        }
        let table = table - linear.minimums.len();
        Map::Bits {
            minimum: self.bits.minimums[table],
            shift: self.bits.shifts[table],
            last: self.bits.lasts[table],
        }
    }

    /// The ranks of one row.
    #[inline(always)]
    pub(super) fn rank_row<I: Instructions>(
        &self,
        instructions: I,
        thresholds: &[f64],
        row: &[f64],
        ranks: &mut [u8],
    ) {
        let (linear, bits) = (&self.linear, &self.bits);
        let split = linear.minimums.len();
        let (linear_ranks, bits_ranks) = ranks[..self.features.len()].split_at_mut(split);
        for (batch, ranks) in linear_ranks.chunks_mut(LANES).enumerate() {
            let first = batch * LANES;
            let values = self.values(row, first);
            let mut places = [0; LANES];
            let maps = linear.minimums[first..]
                .iter()
                .zip(&linear.scales[first..])
                .zip(&linear.lasts[first..]);
            for ((place, value), ((minimum, scale), last)) in
                places.iter_mut().zip(&values).zip(maps)
            {
                *place = linear_bucket(*value, *minimum, *scale, *last);
            }
            self.look_up(instructions, thresholds, first, &values, &mut places, ranks);
        }
        for (batch, ranks) in bits_ranks.chunks_mut(LANES).enumerate() {
            let first = batch * LANES;
            let values = self.values(row, split + first);
            let mut places = [0; LANES];
            let maps = bits.minimums[first..]
                .iter()
                .zip(&bits.shifts[first..])
                .zip(&bits.lasts[first..]);
            for ((place, value), ((minimum, shift), last)) in
                places.iter_mut().zip(&values).zip(maps)
            {
                *place = bits_bucket(*value, *minimum, *shift, *last);
            }
            self.look_up(
                instructions,
                thresholds,
                split + first,
                &values,
                &mut places,
                ranks,
            );
        }
    }

    /// The values of the tables from `first` on.
    #[inline(always)]
    fn values(&self, row: &[f64], first: usize) -> [f64; LANES] {
        let mut values = [0.0; LANES];
        for (value, feature) in values.iter_mut().zip(&self.features[first..]) {
            *value = row[*feature as usize];
        }
        values
    }

    /// The ranks of one row in the tables from `first` on, of which `places` has the buckets.
    #[inline(always)]
    fn look_up<I: Instructions>(
        &self,
        instructions: I,
        thresholds: &[f64],
        first: usize,
        values: &[f64; LANES],
        places: &mut [u32; LANES],
        ranks: &mut [u8],
    ) {
        for (place, start) in places.iter_mut().zip(&self.first_starts[first..]) {
            *place = place.wrapping_add(*start);
        }
        let known = places
            .iter()
            .zip(values)
            .zip(&self.first_thresholds[first..]);
        for (rank, ((place, value), first)) in ranks.iter_mut().zip(known) {
            let start = self.starts[*place as usize];
            *rank = count(instructions, &thresholds[*first as usize..], start, *value);
        }
        let treated = self.zeros[first..].iter().zip(&self.missing[first..]);
        for ((rank, value), (zero, missing)) in ranks.iter_mut().zip(values).zip(treated) {
            // A comparison with NaN is false.
            *rank = if value.abs() > *zero { *rank } else { *missing };
        }
    }

    /// The ranks of up to 64 rows, in the bytes of the group with this number.
    #[inline(always)]
    pub(super) fn rank_group<I: Instructions>(
        &self,
        instructions: I,
        thresholds: &[f64],
        rows: &[f64],
        width: usize,
        group: usize,
        columns: &mut [[Bytes; GROUPS]],
    ) {
        let count_of_rows = rows.len() / width;
        for (table, bytes) in columns[..self.features.len()].iter_mut().enumerate() {
            let values = column(rows, width, self.features[table]);
            let map = self.map(table);
            let starts = &self.starts[self.first_starts[table] as usize..];
            let thresholds = &thresholds[self.first_thresholds[table] as usize..];
            let (zero, missing) = (self.zeros[table], self.missing[table]);
            let ranks = &mut bytes[group].0;
            if let Some(value) = same_value(&values[..count_of_rows]) {
                let start = starts[map.bucket(value) as usize];
                let rank = count(instructions, thresholds, start, value);
                *ranks = [if value.abs() > zero { rank } else { missing }; LANES];
                continue;
            }
            let places = buckets(map, &values);
            for ((rank, value), place) in
                ranks[..count_of_rows].iter_mut().zip(&values).zip(&places)
            {
                *rank = count(instructions, thresholds, starts[*place as usize], *value);
            }
            for (rank, value) in ranks.iter_mut().zip(&values) {
                *rank = if value.abs() > zero { *rank } else { missing };
            }
        }
    }
}

/// The rank of a value of which the first `start` thresholds are known to be below it.
#[inline(always)]
fn count<I: Instructions>(instructions: I, thresholds: &[f64], start: u8, value: f64) -> u8 {
    let window = thresholds[usize::from(start)..]
        .first_chunk()
        .expect("infinities stand behind the thresholds of a table");
    start.wrapping_add(instructions.count_below(window, value) as u8)
}
