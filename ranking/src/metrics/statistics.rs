//! Intervals by bootstrap over queries. Deterministic: the seed is an argument.
//!
//! A query that was searched several times gives several values that are alike:
//! the same words, much the same items. They are one cluster, and are drawn
//! together; drawn one by one they would count as independent, and the interval
//! would be too narrow.

use std::collections::HashMap;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use serde::{Deserialize, Serialize};

/// The bootstrap resamples drawn unless the caller says otherwise.
pub const DEFAULT_RESAMPLES: usize = 1_000;

/// How intervals are drawn: resampling clusters with replacement, percentiles of
/// the means over all values drawn (linear interpolation between neighbours).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bootstrap {
    seed: u64,
    resamples: usize,
    confidence: f64,
}

/// An interval, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Bootstrap {
    /// 1,000 resamples and a confidence of 95 %.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self {
            seed,
            resamples: DEFAULT_RESAMPLES,
            confidence: 0.95,
        }
    }

    /// The same with other numbers.
    ///
    /// # Panics
    /// When `resamples` is 0 or `confidence` is not between 0 and 1.
    #[must_use]
    pub fn with(self, resamples: usize, confidence: f64) -> Self {
        assert!(resamples > 0, "an interval needs resamples");
        assert!(
            confidence > 0.0 && confidence < 1.0,
            "a confidence is between 0 and 1"
        );
        Self {
            resamples,
            confidence,
            ..self
        }
    }

    /// The interval of the mean; `None` without values. `clusters` has the cluster
    /// of each value, by any numbers: those of equal number are drawn together.
    ///
    /// # Panics
    /// When there is not one cluster for each value.
    #[must_use]
    pub fn interval_of_mean(&self, values: &[f64], clusters: &[usize]) -> Option<Interval> {
        self.interval_of_units(&gather(values, clusters))
    }

    /// The interval of the mean over all values of clusters, each its sum and its count; `None`
    /// without clusters.
    pub(crate) fn interval_of_units(&self, units: &[[f64; 2]]) -> Option<Interval> {
        let means = self.sums(units).into_iter().map(|[sum, count]| sum / count);
        self.interval(means.collect())
    }

    /// The sums over units drawn with replacement, as many as there are, once for each resample.
    /// Empty without units.
    pub(crate) fn sums<const N: usize>(&self, units: &[[f64; N]]) -> Vec<[f64; N]> {
        if units.is_empty() {
            return Vec::new();
        }
        let mut generator = ChaCha8Rng::seed_from_u64(self.seed);
        let mut resample = || {
            let mut sums = [0.0; N];
            for _ in 0..units.len() {
                let unit = &units[draw(&mut generator, units.len())];
                for (sum, value) in sums.iter_mut().zip(unit) {
                    *sum += value;
                }
            }
            sums
        };
        (0..self.resamples).map(|_| resample()).collect()
    }

    /// The percentile interval of a statistic's values over resamples; `None` without values.
    pub(crate) fn interval(&self, mut values: Vec<f64>) -> Option<Interval> {
        if values.is_empty() {
            return None;
        }
        values.sort_by(f64::total_cmp);
        let tail = (1.0 - self.confidence) / 2.0;
        Some(Interval {
            low: quantile(&values, tail),
            high: quantile(&values, 1.0 - tail),
        })
    }

    /// What the draws begin from.
    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }
}

/// The mean; `None` without values.
#[must_use]
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Numbers for keys, equal ones for equal keys: the clusters of queries.
#[must_use]
pub fn clusters_of<K: AsRef<str>>(keys: &[K]) -> Vec<usize> {
    let mut numbers = HashMap::new();
    keys.iter()
        .map(|key| {
            let next = numbers.len();
            *numbers.entry(key.as_ref()).or_insert(next)
        })
        .collect()
}

/// Sum and count of the values of each cluster that has one, in the order of their first ones.
pub(crate) fn gather(values: &[f64], clusters: &[usize]) -> Vec<[f64; 2]> {
    assert_eq!(values.len(), clusters.len(), "each value is in a cluster");
    let mut places = HashMap::new();
    let mut gathered: Vec<[f64; 2]> = Vec::new();
    for (value, cluster) in values.iter().zip(clusters) {
        let place = *places.entry(*cluster).or_insert_with(|| {
            gathered.push([0.0; 2]);
            gathered.len() - 1
        });
        gathered[place][0] += value;
        gathered[place][1] += 1.0;
    }
    gathered
}

/// Uniform in 0..count. Written out so that no library's choice of method changes a result.
fn draw(generator: &mut ChaCha8Rng, count: usize) -> usize {
    let wide = u128::from(generator.next_u64()) * count as u128;
    usize::try_from(wide >> 64).expect("the product's upper half is below count")
}

/// A quantile of sorted values that are not empty.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let position = share * (sorted.len() - 1) as f64;
    let below = position.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (sorted[above] - sorted[below]) * (position - position.floor())
}
