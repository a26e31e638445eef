//! Intervals by bootstrap over queries. Deterministic: the seed is an argument.
//!
//! A query that was searched several times gives several values that are alike:
//! the same words, much the same items. They are one cluster, and are drawn
//! together; drawn one by one they would count as independent, and the interval
//! would be too narrow.

use std::collections::HashMap;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

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
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// How much two rankings of the same queries differ.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairedDifference {
    /// The mean of first minus second.
    pub mean: f64,
    /// The interval of that mean.
    pub interval: Interval,
    /// How many queries both have a value for.
    pub queries: usize,
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
        let clusters = gather(values, clusters);
        if clusters.is_empty() {
            return None;
        }
        let mut generator = ChaCha8Rng::seed_from_u64(self.seed);
        let mut means: Vec<f64> = (0..self.resamples)
            .map(|_| {
                let drawn = clusters
                    .iter()
                    .map(|_| clusters[draw(&mut generator, clusters.len())]);
                let (sum, count) = drawn.fold((0.0, 0), |(sum, count), cluster| {
                    (sum + cluster.sum, count + cluster.count)
                });
                sum / count as f64
            })
            .collect();
        means.sort_by(f64::total_cmp);
        let tail = (1.0 - self.confidence) / 2.0;
        Some(Interval {
            low: quantile(&means, tail),
            high: quantile(&means, 1.0 - tail),
        })
    }

    /// The difference of two rankings over the queries that both have a value
    /// for; `None` when there are none. All slices are in the same order of queries.
    ///
    /// # Panics
    /// When the slices have different lengths.
    #[must_use]
    pub fn paired_difference(
        &self,
        first: &[Option<f64>],
        second: &[Option<f64>],
        clusters: &[usize],
    ) -> Option<PairedDifference> {
        assert_eq!(
            first.len(),
            second.len(),
            "both rankings are of the same queries"
        );
        assert_eq!(first.len(), clusters.len(), "each query is in a cluster");
        let pairs = first.iter().zip(second).zip(clusters);
        let (differences, clusters): (Vec<f64>, Vec<usize>) = pairs
            .filter_map(|((first, second), cluster)| Some(((*first)? - (*second)?, *cluster)))
            .unzip();
        Some(PairedDifference {
            mean: mean(&differences)?,
            interval: self.interval_of_mean(&differences, &clusters)?,
            queries: differences.len(),
        })
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

/// The values of one cluster.
#[derive(Debug, Clone, Copy, Default)]
struct Cluster {
    sum: f64,
    count: usize,
}

/// The clusters that have a value, in the order of their first ones.
fn gather(values: &[f64], clusters: &[usize]) -> Vec<Cluster> {
    assert_eq!(values.len(), clusters.len(), "each value is in a cluster");
    let mut places = HashMap::new();
    let mut gathered: Vec<Cluster> = Vec::new();
    for (value, cluster) in values.iter().zip(clusters) {
        let place = *places.entry(*cluster).or_insert_with(|| {
            gathered.push(Cluster::default());
            gathered.len() - 1
        });
        gathered[place].sum += value;
        gathered[place].count += 1;
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
