//! Rows as LightGBM's dataset takes them: a row-major matrix as it is, or compressed sparse rows,
//! where what is absent is 0. It computes no features.

use searchop_ranking::svmlight::{FeatureValues, RankingRows};

use super::error::LightGbmError;

/// The values of rows.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Matrix<'rows> {
    /// As they are kept.
    Dense(DenseRows<'rows>),
    /// With numbers as wide as LightGBM's.
    Sparse(SparseRows<'rows>),
}

/// Row-major: as many values as rows by columns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct DenseRows<'rows> {
    values: &'rows [f64],
    rows: usize,
    columns: usize,
}

/// Rows × columns, compressed.
///
/// Its parts always fit each other: `starts` has one more entry than there are rows and ascends
/// from 0 to the number of values; every column number is below `columns`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct SparseRows<'rows> {
    starts: Vec<i64>,
    column_numbers: Vec<i32>,
    values: &'rows [f64],
    columns: usize,
}

impl<'rows> Matrix<'rows> {
    /// All rows. Missing values are NaN. The values are not copied.
    ///
    /// # Errors
    /// More columns than LightGBM counts (2³¹ − 1).
    pub(super) fn of(rows: &'rows RankingRows) -> Result<Self, LightGbmError> {
        let columns = rows.feature_count();
        let too_large = |_| LightGbmError::TooLarge {
            what: "the number of features",
            length: columns,
        };
        i32::try_from(columns).map_err(too_large)?;
        Ok(match rows.feature_values() {
            FeatureValues::Dense(values) => Self::Dense(DenseRows {
                values,
                rows: rows.row_count(),
                columns,
            }),
            FeatureValues::Compressed {
                starts,
                columns: numbers,
                values,
            } => Self::Sparse(SparseRows {
                starts: starts
                    .iter()
                    .map(|start| i64::try_from(*start).expect("memory is smaller"))
                    .collect(),
                column_numbers: numbers
                    .iter()
                    .map(|number| i32::try_from(*number).map_err(too_large))
                    .collect::<Result<_, _>>()?,
                values,
                columns,
            }),
        })
    }

    /// Number of rows.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Dense(dense) => dense.rows,
            Self::Sparse(sparse) => sparse.starts.len() - 1,
        }
    }

    /// Number of columns.
    pub(super) fn columns(&self) -> usize {
        match self {
            Self::Dense(dense) => dense.columns,
            Self::Sparse(sparse) => sparse.columns,
        }
    }
}

impl DenseRows<'_> {
    /// All values, in row order.
    pub(super) fn values(&self) -> &[f64] {
        self.values
    }
}

impl SparseRows<'_> {
    /// Where each row begins in the values, and the end of the last.
    pub(super) fn starts(&self) -> &[i64] {
        &self.starts
    }

    /// The column of each value.
    pub(super) fn column_numbers(&self) -> &[i32] {
        &self.column_numbers
    }

    /// The values that are there.
    pub(super) fn values(&self) -> &[f64] {
        self.values
    }
}

#[cfg(test)]
mod tests {
    use searchop_ranking::svmlight::{FeatureNumbering, Queries, ReadOptions, read};

    use super::*;

    #[test]
    fn a_dense_matrix_is_taken_as_it_is() {
        let matrix = vec![0.0, 1.5, f64::NAN, 0.0, 2.0, 0.0];
        let rows = RankingRows::from_dense(vec![0, 1], &[2], vec!["q".into()], 3, matrix).unwrap();
        let taken = Matrix::of(&rows).unwrap();
        assert_eq!((taken.len(), taken.columns()), (2, 3));
        let Matrix::Dense(dense) = taken else {
            panic!("not dense");
        };
        assert_eq!(dense.values().len(), 6);
        assert!(dense.values()[2].is_nan());
    }

    #[test]
    fn compressed_rows_stay_compressed() {
        let options = ReadOptions {
            numbering: FeatureNumbering::ZeroBased,
            queries: Queries::InLines,
            feature_count: Some(4),
        };
        let text = "0 qid:1 1:1.5 3:2\n1 qid:1\n2 qid:1 0:2\n";
        let rows = read(text.as_bytes(), &options).unwrap();
        let taken = Matrix::of(&rows).unwrap();
        assert_eq!((taken.len(), taken.columns()), (3, 4));
        let Matrix::Sparse(sparse) = taken else {
            panic!("not sparse");
        };
        assert_eq!(sparse.starts(), [0, 2, 2, 3]);
        assert_eq!(sparse.column_numbers(), [1, 3, 0]);
        assert_eq!(sparse.values(), [1.5, 2.0, 2.0]);
    }
}
