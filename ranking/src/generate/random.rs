//! Random numbers for demo data: one independent stream for each entity.
//!
//! Nothing of the system's math library or of a distribution crate decides, so a seed means
//! the same numbers on every machine and in every version of those.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

/// The random numbers of one entity.
pub(crate) struct Stream(ChaCha8Rng);

impl Stream {
    /// The stream of the `number`th entity of a kind. Streams of other kinds and numbers are independent of it.
    pub(crate) fn new(seed: u64, kind: &str, number: u64) -> Self {
        let mut key = [0_u8; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&hash(kind.bytes().map(u64::from)).to_le_bytes());
        let mut generator = ChaCha8Rng::from_seed(key);
        generator.set_stream(number);
        Self(generator)
    }

    /// Uniform in [0, 1).
    pub(crate) fn uniform(&mut self) -> f64 {
        unit(self.0.next_u64())
    }

    /// Uniform in [low, high).
    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// True with this probability.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.uniform() < probability
    }

    /// Uniform in 0..count; `count` is above 0.
    pub(crate) fn below(&mut self, count: usize) -> usize {
        // The product's upper half; the bias is below count / 2^64.
        let wide = u128::from(self.0.next_u64()) * count as u128;
        usize::try_from(wide >> 64).expect("below a usize")
    }

    /// One of a slice that is not empty.
    pub(crate) fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }

    /// Normal with mean 0 and deviation 1 (Box and Muller).
    pub(crate) fn normal(&mut self) -> f64 {
        let (first, second) = (self.uniform(), self.uniform());
        gaussian(first, second)
    }

    /// A place in cumulative weights, each place as likely as its weight.
    pub(crate) fn weighted(&mut self, cumulative: &[f64]) -> usize {
        let total = cumulative.last().copied().unwrap_or(0.0);
        let drawn = self.uniform() * total;
        cumulative
            .partition_point(|weight| *weight <= drawn)
            .min(cumulative.len().saturating_sub(1))
    }
}

/// The running sums of weights, for [`Stream::weighted`].
pub(crate) fn cumulative(weights: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let mut sum = 0.0;
    let add = |weight: f64| {
        sum += weight;
        sum
    };
    weights.into_iter().map(add).collect()
}

/// A fixed normal number for a tuple: the same whenever it is asked for.
pub(crate) fn fixed_normal(parts: [u64; 4]) -> f64 {
    let first = hash(parts);
    gaussian(unit(first), unit(mix(first)))
}

fn gaussian(first: f64, second: f64) -> f64 {
    let radius = (-2.0 * libm::log(1.0 - first)).sqrt();
    radius * libm::cos(2.0 * std::f64::consts::PI * second)
}

/// The upper 53 bits as a number in [0, 1).
fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

/// SplitMix64 over a sequence.
fn hash(parts: impl IntoIterator<Item = u64>) -> u64 {
    parts
        .into_iter()
        .fold(0x5365_6172_6368_4f70, |state, part| mix(state ^ part))
}

fn mix(state: u64) -> u64 {
    let mut mixed = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
