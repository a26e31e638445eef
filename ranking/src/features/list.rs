//! What is relative to the other candidates.

use crate::features::definitions::Column;

/// With how many candidates of a list each one is compared: the first, in the order in which they
/// come. About as many as a page shows, so that the lists of a log and the longer ones of a request
/// are measured alike. The descriptions of the columns name it.
const COMPARED_CANDIDATES: usize = 16;

/// The values that are known of the compared candidates, in ascending order: sums over them do not
/// depend on the order of the candidates.
struct ComparedValues {
    sorted: Vec<f64>,
    mean: f64,
    deviation: f64,
}

impl ComparedValues {
    fn of(values: impl Iterator<Item = f64>) -> Self {
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

    /// The share of the other values that are less; NaN if there is no other. A value that
    /// `is_compared` is one of these, so the others are one fewer.
    fn rank(&self, value: f64, is_compared: bool) -> f64 {
        let others = self.sorted.len().saturating_sub(usize::from(is_compared));
        if value.is_nan() || others == 0 {
            return f64::NAN;
        }
        let less = self.sorted.partition_point(|other| *other < value);
        less as f64 / others as f64
    }

    /// Standard deviations from the mean; NaN if all values are equal.
    fn z_score(&self, value: f64) -> f64 {
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
        let compared = rows.chunks_exact(width).take(COMPARED_CANDIDATES);
        ComparedValues::of(compared.map(|row| row[column as usize]))
    };
    let prices = column(rows, Column::LogPrice);
    let popularities = column(rows, Column::Popularity);
    let texts = column(rows, Column::Bm25f);
    for (place, row) in rows.chunks_exact_mut(width).enumerate() {
        let price = row[Column::LogPrice as usize];
        row[Column::PriceRank as usize] = prices.rank(price, place < COMPARED_CANDIDATES);
        row[Column::PriceZScore as usize] = prices.z_score(price);
        row[Column::PopularityZScore as usize] =
            popularities.z_score(row[Column::Popularity as usize]);
        row[Column::Bm25fZScore as usize] = texts.z_score(row[Column::Bm25f as usize]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::definitions::definitions;

    #[test]
    fn the_descriptions_say_with_how_many_candidates_an_item_is_compared() {
        let compared = format!("the list's first {COMPARED_CANDIDATES} candidates");
        let saying: Vec<&str> = definitions()
            .iter()
            .filter(|it| it.description.contains(&compared))
            .map(|it| it.name)
            .collect();
        let expected = [
            "price_rank",
            "price_z_score",
            "popularity_z_score",
            "bm25f_z_score",
        ];
        assert_eq!(saying, expected);
    }

    #[test]
    fn a_candidate_that_is_compared_is_not_its_own_other() {
        let values = ComparedValues::of([3.0, f64::NAN, 1.0, 2.0].into_iter());
        assert_eq!(values.rank(3.0, true), 1.0);
        assert_eq!(values.rank(2.0, true), 0.5);
        assert_eq!(values.rank(9.0, false), 1.0);
        assert_eq!(values.rank(3.0, false), 2.0 / 3.0);
        assert!(values.rank(f64::NAN, false).is_nan());
        let one = ComparedValues::of([3.0].into_iter());
        assert!(one.rank(3.0, true).is_nan());
        assert_eq!((one.rank(4.0, false), one.rank(3.0, false)), (1.0, 0.0));
        assert!(ComparedValues::of([].into_iter()).rank(3.0, false).is_nan());
    }
}
