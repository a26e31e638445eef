//! Reader of SVMlight / LETOR files, and the rows that training takes.
//!
//! A line is `label qid:N feature:value … # comment`. Queries come from `qid:` or
//! from a group file (how many rows each query has, in order). Deliberately
//! strict: what would silently train a worse model is an error that names the
//! line. It does not decompress.

mod reader;
mod rows;

#[cfg(test)]
mod tests;

pub use reader::{
    FEATURE_COUNT_LIMIT, FeatureNumbering, LABEL_LIMIT, Queries, ReadOptions, SvmLightError, read,
    read_groups,
};
pub use rows::{FeatureValues, RankingRows, RowsError};
