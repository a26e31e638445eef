//! Labelled rows of features, grouped by query. Not tied to any file format.

use std::ops::Range;

use super::LABEL_LIMIT;

/// Labelled rows grouped by query: what a ranking model is trained and measured on.
///
/// The rows of one query stand together, in the order they were given. Features
/// are kept dense or compressed, as they came.
#[derive(Debug, Clone, PartialEq)]
pub struct RankingRows {
    labels: Vec<u8>,
    boundaries: Vec<usize>,
    query_identifiers: Vec<String>,
    feature_count: usize,
    features: Features,
}

#[derive(Debug, Clone, PartialEq)]
enum Features {
    /// Row-major.
    Dense(Vec<f64>),
    /// Compressed rows: absent is 0. `starts` has one entry more than there are rows; the columns
    /// of a row rise.
    Compressed {
        starts: Vec<usize>,
        columns: Vec<u32>,
        values: Vec<f64>,
    },
}

/// The values of rows as they are kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum FeatureValues<'rows> {
    /// Row-major, a value for each row and feature.
    Dense(&'rows [f64]),
    /// Compressed rows: what is absent is 0.
    Compressed {
        /// Where each row starts in the others, and where the last ends.
        starts: &'rows [usize],
        /// The columns, rising within a row.
        columns: &'rows [u32],
        /// The value of each.
        values: &'rows [f64],
    },
}

/// Why parts do not make up rows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RowsError {
    /// There are no rows, or no features.
    #[error("there are no {0}")]
    Empty(&'static str),
    /// A label is larger than LightGBM's gains reach.
    #[error("row {row}: the label {label} is larger than {LABEL_LIMIT}")]
    LabelTooLarge {
        /// The position of the row, from 0.
        row: usize,
        /// Its label.
        label: u8,
    },
    /// The sizes of the queries do not add up to the rows.
    #[error("the queries have {grouped} rows together, but there are {rows} rows")]
    GroupsDoNotMatch {
        /// The sum of the queries' sizes.
        grouped: usize,
        /// The number of labels.
        rows: usize,
    },
    /// A query without rows.
    #[error("query {query} has no rows")]
    EmptyQuery {
        /// The position of the query, from 0.
        query: usize,
    },
    /// There are not as many identifiers as queries.
    #[error("there are {identifiers} query identifiers for {queries} queries")]
    IdentifiersDoNotMatch {
        /// How many identifiers.
        identifiers: usize,
        /// How many queries.
        queries: usize,
    },
    /// The matrix has not one value for each row and feature.
    #[error("the matrix has {values} values instead of {rows} rows of {feature_count} features")]
    MatrixDoesNotMatch {
        /// How many values.
        values: usize,
        /// The number of labels.
        rows: usize,
        /// The number of features.
        feature_count: usize,
    },
}

impl RankingRows {
    /// Rows from a row-major matrix of `labels.len()` rows by `feature_count`
    /// columns; NaN means missing. `group_sizes` and `query_identifiers` have one
    /// entry for each query.
    ///
    /// # Errors
    /// When the parts do not fit each other, or a label is above 30.
    pub fn from_dense(
        labels: Vec<u8>,
        group_sizes: &[usize],
        query_identifiers: Vec<String>,
        feature_count: usize,
        matrix: Vec<f64>,
    ) -> Result<Self, RowsError> {
        if feature_count == 0 {
            return Err(RowsError::Empty("features"));
        }
        if labels.len().checked_mul(feature_count) != Some(matrix.len()) {
            return Err(RowsError::MatrixDoesNotMatch {
                values: matrix.len(),
                rows: labels.len(),
                feature_count,
            });
        }
        Self::checked(
            labels,
            group_sizes,
            query_identifiers,
            feature_count,
            Features::Dense(matrix),
        )
    }

    /// Rows from compressed rows whose columns are known to rise within a row and to be
    /// below `feature_count`: the reader checks them line by line.
    pub(super) fn from_compressed(
        labels: Vec<u8>,
        group_sizes: &[usize],
        query_identifiers: Vec<String>,
        feature_count: usize,
        (starts, columns, values): (Vec<usize>, Vec<u32>, Vec<f64>),
    ) -> Result<Self, RowsError> {
        let features = Features::Compressed {
            starts,
            columns,
            values,
        };
        Self::checked(
            labels,
            group_sizes,
            query_identifiers,
            feature_count,
            features,
        )
    }

    fn checked(
        labels: Vec<u8>,
        group_sizes: &[usize],
        query_identifiers: Vec<String>,
        feature_count: usize,
        features: Features,
    ) -> Result<Self, RowsError> {
        if labels.is_empty() {
            return Err(RowsError::Empty("rows"));
        }
        if let Some(row) = labels.iter().position(|label| *label > LABEL_LIMIT) {
            return Err(RowsError::LabelTooLarge {
                row,
                label: labels[row],
            });
        }
        if let Some(query) = group_sizes.iter().position(|size| *size == 0) {
            return Err(RowsError::EmptyQuery { query });
        }
        let grouped = group_sizes
            .iter()
            .fold(0_usize, |sum, size| sum.saturating_add(*size));
        if grouped != labels.len() {
            return Err(RowsError::GroupsDoNotMatch {
                grouped,
                rows: labels.len(),
            });
        }
        if query_identifiers.len() != group_sizes.len() {
            return Err(RowsError::IdentifiersDoNotMatch {
                identifiers: query_identifiers.len(),
                queries: group_sizes.len(),
            });
        }
        let mut boundaries = vec![0];
        boundaries.extend(group_sizes.iter().scan(0, |end, size| {
            *end += size;
            Some(*end)
        }));
        Ok(Self {
            labels,
            boundaries,
            query_identifiers,
            feature_count,
            features,
        })
    }

    /// How many rows; at least 1.
    #[must_use]
    pub fn row_count(&self) -> usize {
        self.labels.len()
    }

    /// How many queries; at least 1.
    #[must_use]
    pub fn query_count(&self) -> usize {
        self.query_identifiers.len()
    }

    /// How many features a row has; at least 1.
    #[must_use]
    pub fn feature_count(&self) -> usize {
        self.feature_count
    }

    /// The label of each row, 0 (not relevant) to 30.
    #[must_use]
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }

    /// Where queries start: query `i` has the rows `boundaries[i]..boundaries[i + 1]`.
    #[must_use]
    pub fn boundaries(&self) -> &[usize] {
        &self.boundaries
    }

    /// What the queries are called, in order.
    #[must_use]
    pub fn query_identifiers(&self) -> &[String] {
        &self.query_identifiers
    }

    /// How many rows each query has, in order.
    pub fn group_sizes(&self) -> impl ExactSizeIterator<Item = usize> + '_ {
        self.boundaries.windows(2).map(|pair| pair[1] - pair[0])
    }

    /// The rows of a query.
    ///
    /// # Panics
    /// When there is no such query.
    #[must_use]
    pub fn query_rows(&self, query: usize) -> Range<usize> {
        self.boundaries[query]..self.boundaries[query + 1]
    }

    /// Writes a row's values into `into`, which has one place for each feature.
    ///
    /// # Panics
    /// When there is no such row, or `into` has another width.
    pub fn copy_row(&self, row: usize, into: &mut [f64]) {
        self.copy_columns(row, 0..self.feature_count, into);
    }

    /// Writes a row's values in some columns into `into`, which has one place for each of them.
    ///
    /// # Panics
    /// When there is no such row or column, or `into` has another width.
    pub fn copy_columns(&self, row: usize, columns: Range<usize>, into: &mut [f64]) {
        assert!(
            columns.end <= self.feature_count && into.len() == columns.len(),
            "there is one place for each feature"
        );
        match &self.features {
            Features::Dense(matrix) => {
                let start = row * self.feature_count;
                into.copy_from_slice(&matrix[start + columns.start..start + columns.end]);
            }
            Features::Compressed {
                starts,
                columns: present,
                values,
            } => {
                into.fill(0.0);
                let (start, end) = (starts[row], starts[row + 1]);
                // The columns of a row rise.
                let first = start
                    + present[start..end]
                        .partition_point(|column| (*column as usize) < columns.start);
                for entry in first..end {
                    let column = present[entry] as usize;
                    if column >= columns.end {
                        break;
                    }
                    into[column - columns.start] = values[entry];
                }
            }
        }
    }

    /// All values, as they are kept.
    #[must_use]
    pub fn feature_values(&self) -> FeatureValues<'_> {
        match &self.features {
            Features::Dense(matrix) => FeatureValues::Dense(matrix),
            Features::Compressed {
                starts,
                columns,
                values,
            } => FeatureValues::Compressed {
                starts,
                columns,
                values,
            },
        }
    }

    /// The values of a row.
    ///
    /// # Panics
    /// When there is no such row.
    #[must_use]
    pub fn row(&self, row: usize) -> Vec<f64> {
        let mut values = vec![0.0; self.feature_count];
        self.copy_row(row, &mut values);
        values
    }

    /// All rows as one row-major matrix.
    #[must_use]
    pub fn to_dense(&self) -> Vec<f64> {
        let mut matrix = vec![0.0; self.row_count() * self.feature_count];
        for (row, into) in matrix.chunks_exact_mut(self.feature_count).enumerate() {
            self.copy_row(row, into);
        }
        matrix
    }

    /// The rows of some queries, in the order given.
    ///
    /// # Errors
    /// When no query is given.
    ///
    /// # Panics
    /// When there is no such query.
    pub fn select_queries(&self, queries: &[usize]) -> Result<Self, RowsError> {
        let rows = || queries.iter().flat_map(|query| self.query_rows(*query));
        let labels = rows().map(|row| self.labels[row]).collect();
        let sizes: Vec<usize> = queries
            .iter()
            .map(|query| self.query_rows(*query).len())
            .collect();
        let identifiers = queries
            .iter()
            .map(|query| self.query_identifiers[*query].clone())
            .collect();
        let features = match &self.features {
            Features::Dense(matrix) => {
                let width = self.feature_count;
                Features::Dense(
                    rows()
                        .flat_map(|row| &matrix[row * width..(row + 1) * width])
                        .copied()
                        .collect(),
                )
            }
            Features::Compressed {
                starts,
                columns,
                values,
            } => {
                let (mut new_starts, mut new_columns, mut new_values) =
                    (vec![0], Vec::new(), Vec::new());
                for row in rows() {
                    new_columns.extend_from_slice(&columns[starts[row]..starts[row + 1]]);
                    new_values.extend_from_slice(&values[starts[row]..starts[row + 1]]);
                    new_starts.push(new_columns.len());
                }
                Features::Compressed {
                    starts: new_starts,
                    columns: new_columns,
                    values: new_values,
                }
            }
        };
        Self::checked(labels, &sizes, identifiers, self.feature_count, features)
    }
}
