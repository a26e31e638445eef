//! Shares of counted things, such as clicks of impressions, with their intervals.

use serde::{Deserialize, Serialize};

use super::statistics::Interval;

/// How many of how many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proportion {
    /// Those that have it.
    pub hits: u64,
    /// All; at least as many.
    pub of: u64,
}

impl Proportion {
    /// The share; `None` of nothing.
    #[must_use]
    pub fn value(self) -> Option<f64> {
        (self.of > 0).then(|| self.hits as f64 / self.of as f64)
    }

    /// Wilson's interval of 95 % for independent things; `None` of nothing. It holds for small
    /// shares and small numbers, where the usual one reaches below 0.
    #[must_use]
    pub fn interval(self) -> Option<Interval> {
        const DEVIATIONS: f64 = 1.959_963_984_540_054;
        let (share, count) = (self.value()?, self.of as f64);
        let squared = DEVIATIONS * DEVIATIONS / count;
        let middle = (share + squared / 2.0) / (1.0 + squared);
        let spread = libm::sqrt(share * (1.0 - share) / count + squared / (4.0 * count));
        let half = DEVIATIONS * spread / (1.0 + squared);
        Some(Interval {
            low: if self.hits == 0 { 0.0 } else { middle - half },
            high: if self.hits == self.of {
                1.0
            } else {
                middle + half
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Proportion;

    #[test]
    fn wilsons_interval_has_published_values() {
        // Newcombe 1998, table I, method 3.
        for (hits, of, low, high) in [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0000, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ] {
            let interval = Proportion { hits, of }.interval().expect("of something");
            assert!((interval.low - low).abs() < 5e-5, "{interval:?}");
            assert!((interval.high - high).abs() < 5e-5, "{interval:?}");
        }
        let all = Proportion { hits: 3, of: 3 };
        assert_eq!(all.interval().map(|it| it.high), Some(1.0));
        assert_eq!(Proportion::default().interval(), None);
        assert_eq!(Proportion::default().value(), None);
    }
}
