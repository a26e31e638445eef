//! Maps of values to buckets, for finding a value among sorted thresholds.
//!
//! A map never falls as the value rises, so the thresholds of lower buckets are below the
//! value and those of higher ones above it, however the map rounds: only those of the
//! value's own bucket need comparing.

use super::columns::order_key;
use super::instructions::WINDOW;

/// A map to buckets.
#[derive(Debug, Clone, Copy)]
pub(super) enum Map {
    /// In proportion to the value.
    Linear { minimum: f64, scale: f64, last: f64 },
    /// In proportion to the bits of the value, so nearly to its logarithm.
    Bits { minimum: u64, shift: u64, last: u64 },
}

impl Map {
    /// The bucket of a value; some bucket for NaN.
    #[inline(always)]
    pub(super) fn bucket(self, value: f64) -> u32 {
        match self {
            Self::Linear {
                minimum,
                scale,
                last,
            } => linear_bucket(value, minimum, scale, last),
            Self::Bits {
                minimum,
                shift,
                last,
            } => bits_bucket(value, minimum, shift, last),
        }
    }

    /// Maps to at most `buckets` buckets; thresholds are sorted and at least one.
    fn candidates(thresholds: &[f64], buckets: u32) -> [Self; 2] {
        let last = buckets - 1;
        let (first_key, last_key) = (
            order_key(thresholds[0]),
            order_key(thresholds[thresholds.len() - 1]),
        );
        let mut shift = 0;
        while (last_key - first_key) >> shift > u64::from(last) {
            shift += 1;
        }
        let bits = Self::Bits {
            minimum: first_key,
            shift,
            last: (last_key - first_key) >> shift,
        };
        let mut finite = thresholds.iter().copied().filter(|t| t.is_finite());
        let minimum = finite.next().unwrap_or(0.0);
        let maximum = finite.next_back().unwrap_or(minimum);
        let scale = f64::from(last) / (maximum - minimum);
        let linear = Self::Linear {
            minimum,
            // Any positive number will do: rising values then never fall, nor become NaN.
            scale: if scale.is_normal() { scale } else { 1.0 },
            last: f64::from(last),
        };
        [linear, bits]
    }
}

#[inline(always)]
pub(super) fn linear_bucket(value: f64, minimum: f64, scale: f64, last: f64) -> u32 {
    /// The sum of this and a small number has the number in its lowest bits.
    const INTEGERS: f64 = 4_503_599_627_370_496.0;
    let place = (value - minimum) * scale;
    // NaN fails the first comparison.
    let place = if place > 0.0 { place } else { 0.0 };
    let place = if place < last { place } else { last };
    (place + INTEGERS).to_bits() as u32
}

#[inline(always)]
pub(super) fn bits_bucket(value: f64, minimum: u64, shift: u64, last: u64) -> u32 {
    // A key of NaN is beyond all others or before them.
    (order_key(value).saturating_sub(minimum) >> shift).min(last) as u32
}

/// The map and the halvings that compare least.
pub(super) fn best_map(thresholds: &[f64]) -> (Map, u32) {
    let mut best: Option<(Map, u32)> = None;
    let enough = (thresholds.len() as u32)
        .next_power_of_two()
        .clamp(16, 1 << 14);
    for buckets in [enough / 2, enough, enough * 2, enough * 4, enough * 8] {
        for map in Map::candidates(thresholds, buckets) {
            let halvings = halvings(map, thresholds);
            if halvings == 0 {
                return (map, halvings);
            }
            if best.is_none_or(|(_, fewest)| halvings < fewest) {
                best = Some((map, halvings));
            }
        }
    }
    best.expect("there are candidates")
}

/// How often the fullest bucket is halved until no more are left than are compared at once.
fn halvings(map: Map, thresholds: &[f64]) -> u32 {
    let fullest = thresholds
        .chunk_by(|first, second| map.bucket(*first) == map.bucket(*second))
        .map(<[f64]>::len)
        .max()
        .unwrap_or_default();
    fullest.div_ceil(WINDOW).next_power_of_two().ilog2()
}
