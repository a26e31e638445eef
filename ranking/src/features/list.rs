//! What is relative to the other candidates.

/// The prices of one candidate list.
pub(super) struct ListPrices {
    sorted: Vec<f64>,
    mean: f64,
    deviation: f64,
}

impl ListPrices {
    pub(super) fn of(log_prices: impl Iterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = log_prices.filter(|price| !price.is_nan()).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let count = sorted.len() as f64;
        let mean = sorted.iter().sum::<f64>() / count;
        let variance = sorted
            .iter()
            .map(|price| (price - mean) * (price - mean))
            .sum::<f64>()
            / count;
        Self {
            sorted,
            mean,
            deviation: variance.sqrt(),
        }
    }

    pub(super) fn rank(&self, log_price: f64) -> f64 {
        if log_price.is_nan() || self.sorted.len() < 2 {
            return f64::NAN;
        }
        let cheaper = self.sorted.partition_point(|other| *other < log_price);
        cheaper as f64 / (self.sorted.len() - 1) as f64
    }

    pub(super) fn z_score(&self, log_price: f64) -> f64 {
        // Prices that differ by rounding alone do not differ.
        if self.deviation > 1e-9 {
            (log_price - self.mean) / self.deviation
        } else {
            f64::NAN
        }
    }
}
