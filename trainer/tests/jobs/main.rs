//! The program as the operator and a person start it: exit codes, result files and what is in the
//! store afterwards, against a store in a folder.
// Futures that hold whole S3 transfers have deep types.
#![recursion_limit = "256"]
#![allow(clippy::unwrap_used)] // Helpers of tests: a panic here is a failure with a place.

mod compressed;
mod counterfactual;
mod evaluating;
mod honesty;
mod logs;
mod own_data;
mod parquet;
mod parquet_file;
mod place;
mod process;
mod purging;
mod randomised;
mod reference;
mod refusals;
mod serving;
mod test_data;
mod training;
mod truth;
