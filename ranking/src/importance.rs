//! How much each feature decides: the gain and the number of its splits, from a model's text.
//!
//! The text is one that the model reader has accepted; here only the two fields are read that
//! scoring needs not.

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

#[cfg(test)]
mod tests {
    use super::{SplitGain, split_gains};

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
