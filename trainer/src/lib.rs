//! The Jobs of SearchOp: generate a demo dataset, check data, compute features, train, evaluate, purge.
//!
//! Everything also runs on a laptop against a directory store. It knows nothing of Kubernetes:
//! the operator reads the result file, the exit code and the progress port.

// Futures that hold whole S3 transfers have deep types.
#![recursion_limit = "256"]

pub mod bundle;
pub mod categories;
pub mod check;
pub mod cli;
pub mod counterfactual;
pub mod data;
pub mod evaluate;
pub mod evaluation;
pub mod failure;
pub mod features;
pub mod folds;
pub mod generate;
pub mod job;
pub mod leaks;
pub mod lightgbm;
pub mod notes;
pub mod ordering;
pub mod outcome;
pub mod parameters;
pub mod partition;
pub mod progress;
pub mod progress_server;
pub mod purge;
pub mod report;
pub mod request;
pub mod run;
pub mod scoring;
pub mod slicings;
pub mod threads;
pub mod train;
