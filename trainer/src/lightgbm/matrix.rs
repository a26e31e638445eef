//! Rows as LightGBM's dataset takes them: compressed sparse rows, where what is absent is 0.
//! It computes no features.

use searchop_ranking::svmlight::RankingRows;

use super::error::LightGbmError;

/// Rows × columns, zeros left out.
///
/// Its parts always fit each other: `starts` has one more entry than there are rows and ascends
/// from 0 to the number of values; every column number is below `columns`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct SparseRows {
    starts: Vec<i64>,
    column_numbers: Vec<i32>,
    values: Vec<f64>,
    columns: usize,
}

impl SparseRows {
    /// All rows. Missing values are NaN and are kept; zeros are left out.
    ///
    /// # Errors
    /// More columns than LightGBM counts (2³¹ − 1).
    pub(super) fn from_rows(rows: &RankingRows) -> Result<Self, LightGbmError> {
        let columns = rows.feature_count();
        let too_large = |_| LightGbmError::TooLarge {
            what: "the number of features",
            length: columns,
        };
        let numbers = 0..i32::try_from(columns).map_err(too_large)?;
        let mut sparse = Self {
            starts: vec![0],
            column_numbers: Vec::new(),
            values: Vec::new(),
            columns,
        };
        let mut dense = vec![0.0; columns];
        for row in 0..rows.row_count() {
            rows.copy_row(row, &mut dense);
            for (column, value) in numbers.clone().zip(&dense) {
                if *value != 0.0 {
                    sparse.column_numbers.push(column);
                    sparse.values.push(*value);
                }
            }
            sparse
                .starts
                .push(i64::try_from(sparse.values.len()).expect("memory is smaller"));
        }
        Ok(sparse)
    }

    /// Number of rows.
    pub(super) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Number of columns.
    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    /// Where each row begins in the values, and the end of the last.
    pub(super) fn starts(&self) -> &[i64] {
        &self.starts
    }

    /// The column of each value.
    pub(super) fn column_numbers(&self) -> &[i32] {
        &self.column_numbers
    }

    /// The values that are not 0.
    pub(super) fn values(&self) -> &[f64] {
        &self.values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_are_left_out_and_missing_values_are_kept() {
        let matrix = vec![0.0, 1.5, f64::NAN, 0.0, 0.0, -0.0, 2.0, 0.0, 0.0];
        let rows =
            RankingRows::from_dense(vec![0, 1, 2], &[3], vec!["q".into()], 3, matrix).unwrap();
        let sparse = SparseRows::from_rows(&rows).unwrap();
        assert_eq!((sparse.len(), sparse.columns()), (3, 3));
        assert_eq!(sparse.starts(), [0, 2, 2, 3]);
        assert_eq!(sparse.column_numbers(), [1, 2, 0]);
        assert_eq!(sparse.values()[0], 1.5);
        assert!(sparse.values()[1].is_nan());
    }
}
