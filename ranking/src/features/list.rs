//! What is relative to the other candidates.

use crate::features::definitions::Column;

/// The values of one candidate list that are known, in ascending order: sums over them do not
/// depend on the order of the candidates.
pub(super) struct ListValues {
    sorted: Vec<f64>,
    mean: f64,
    deviation: f64,
}

impl ListValues {
    pub(super) fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = values.filter(|value| !value.is_nan()).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let count = sorted.len() as f64;
        let mean = sorted.iter().sum::<f64>() / count;
        let variance = sorted
            .iter()
            .map(|value| (value - mean) * (value - mean))
            .sum::<f64>()
            / count;
        Self {
            sorted,
            mean,
            deviation: variance.sqrt(),
        }
    }

    /// The share of the other values that are less; NaN if there is no other.
    pub(super) fn rank(&self, value: f64) -> f64 {
        if value.is_nan() || self.sorted.len() < 2 {
            return f64::NAN;
        }
        let less = self.sorted.partition_point(|other| *other < value);
        less as f64 / (self.sorted.len() - 1) as f64
    }

    /// Standard deviations from the mean; NaN if all values are equal.
    pub(super) fn z_score(&self, value: f64) -> f64 {
        // Values that differ by rounding alone do not differ.
        if self.deviation > 1e-9 {
            (value - self.mean) / self.deviation
        } else {
            f64::NAN
        }
    }
}

/// Writes the list columns of all candidates, whose other columns are written: `width` columns a row.
pub(super) fn write_list(rows: &mut [f64], width: usize) {
    let column = |rows: &[f64], column: Column| {
        ListValues::of(rows.chunks_exact(width).map(|row| row[column as usize]))
    };
    let prices = column(rows, Column::LogPrice);
    let popularities = column(rows, Column::Popularity);
    let texts = column(rows, Column::Bm25f);
    for row in rows.chunks_exact_mut(width) {
        let price = row[Column::LogPrice as usize];
        row[Column::PriceRank as usize] = prices.rank(price);
        row[Column::PriceZScore as usize] = prices.z_score(price);
        row[Column::PopularityZScore as usize] =
            popularities.z_score(row[Column::Popularity as usize]);
        row[Column::Bm25fZScore as usize] = texts.z_score(row[Column::Bm25f as usize]);
    }
}
