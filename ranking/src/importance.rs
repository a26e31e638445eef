//! How much each feature decides: the gain and the number of its splits, from a model's text, and
//! its contributions to the scores of rows.
//!
//! The text is one that the model reader has accepted; here only the two fields are read that
//! scoring needs not.

use crate::model::RankingModel;
use crate::svmlight::RankingRows;

/// The splits of a model that use one feature.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct SplitGain {
    /// The sum of the gains of its splits.
    pub gain: f64,
    /// How many splits use it.
    pub splits: u64,
}

/// One entry for each of `features` columns, from LightGBM's text. A tree without the fields, or
/// with a column that is not there, adds nothing: a model may have been saved without gains.
#[must_use]
pub fn split_gains(text: &str, features: usize) -> Vec<SplitGain> {
    let mut gains = vec![SplitGain::default(); features];
    let mut columns: Vec<usize> = Vec::new();
    for line in text.lines() {
        if let Some(numbers) = line.strip_prefix("split_feature=") {
            let read = numbers.split_ascii_whitespace().map(str::parse);
            columns = read.map(|column| column.unwrap_or(usize::MAX)).collect();
        } else if let Some(numbers) = line.strip_prefix("split_gain=") {
            let read = numbers.split_ascii_whitespace().map(str::parse::<f64>);
            for (column, gain) in columns.drain(..).zip(read) {
                if let (Some(feature), Ok(gain)) = (gains.get_mut(column), gain)
                    && gain.is_finite()
                {
                    feature.gain += gain;
                    feature.splits += 1;
                }
            }
        }
    }
    gains
}

/// How much features add to scores, or take from them.
#[derive(Debug, Clone, PartialEq)]
pub struct MeanContributions {
    /// For each feature of the model, the mean of its absolute contributions (SHAP) to the raw score.
    pub of_feature: Vec<f64>,
    /// Over how many rows.
    pub rows: usize,
}

/// The mean absolute contribution of each feature, over at most `most` rows: of more, that many are
/// taken at even distances. Rows narrower than the model have 0 in the features they lack.
///
/// # Panics
/// When the rows have more features than the model.
#[must_use]
pub fn mean_contributions(
    model: &RankingModel,
    rows: &RankingRows,
    most: usize,
) -> MeanContributions {
    let taken = rows.row_count().min(most);
    let mut values = vec![0.0; model.feature_count()];
    let mut sums = vec![0.0; model.feature_count()];
    for place in 0..taken {
        let row = place * rows.row_count() / taken;
        rows.copy_row(row, &mut values[..rows.feature_count()]);
        // The last of the contributions is the expected score, which is no feature's.
        for (sum, contribution) in sums.iter_mut().zip(model.contributions(&values)) {
            *sum += contribution.abs();
        }
    }
    MeanContributions {
        of_feature: sums.iter().map(|sum| sum / taken.max(1) as f64).collect(),
        rows: taken,
    }
}

#[cfg(test)]
mod tests {
    use super::{SplitGain, mean_contributions, split_gains};
    use crate::model::RankingModel;
    use crate::svmlight::RankingRows;

    /// One split by the second of two features at 1.5: half of the training rows get -1, half 3.
    const ONE_SPLIT: &str = "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nlabel_index=0\n\
        max_feature_idx=1\nobjective=lambdarank\nfeature_names=a b\nfeature_infos=[0:1] [0:3]\n\
        tree_sizes=400\n\nTree=0\nnum_leaves=2\nnum_cat=0\nsplit_feature=1\nsplit_gain=4\nthreshold=1.5\n\
        decision_type=2\nleft_child=-1\nright_child=-2\nleaf_value=-1 3\nleaf_weight=5 5\nleaf_count=5 5\n\
        internal_value=0\ninternal_weight=0\ninternal_count=10\nis_linear=0\nshrinkage=1\n\n\nend of trees\n";

    #[test]
    fn contributions_are_averaged_without_their_signs_over_rows_at_even_distances() {
        let model = RankingModel::parse(ONE_SPLIT).expect("a model");
        let column: Vec<f64> = (0..10).flat_map(|row| [9.0, f64::from(row % 4)]).collect();
        let rows = RankingRows::from_dense(vec![0; 10], &[10], vec!["q".to_owned()], 2, column)
            .expect("rows");
        // The expected score is 1: every row is 2 above or below it, by the second feature alone.
        for (most, expected) in [(100, 10), (3, 3)] {
            let means = mean_contributions(&model, &rows, most);
            assert_eq!((means.of_feature, means.rows), (vec![0.0, 2.0], expected));
        }
        assert_eq!(mean_contributions(&model, &rows, 0).of_feature, [0.0, 0.0]);
    }

    #[test]
    fn gains_are_summed_over_the_splits_of_all_trees() {
        let text = "tree\nfeature_names=a b c\n\nTree=0\nsplit_feature=0 2 0\nsplit_gain=1.5 2 0.25\n\n\
                    Tree=1\nsplit_feature=\nsplit_gain=\n\nTree=2\nsplit_feature=2\nsplit_gain=4\n\
                    end of trees\n\nfeature_importances:\nc=2\n";
        let expected =
            [(1.75, 2), (0.0, 0), (6.0, 2)].map(|(gain, splits)| SplitGain { gain, splits });
        assert_eq!(split_gains(text, 3), expected);
    }

    #[test]
    fn what_is_missing_or_out_of_bounds_adds_nothing() {
        let text = "Tree=0\nsplit_feature=0 9 x\nsplit_gain=1 2 3\nTree=1\nsplit_gain=5\n\
                    Tree=2\nsplit_feature=0\nTree=3\nsplit_feature=0\nsplit_gain=nan\n";
        let gains = split_gains(text, 1);
        assert_eq!(
            gains,
            [SplitGain {
                gain: 1.0,
                splits: 1
            }]
        );
    }
}
