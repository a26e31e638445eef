//! The Jobs of SearchOp: generate a demo dataset, compute features, train, evaluate, purge.
//!
//! Everything also runs on a laptop against a directory store. It knows nothing of Kubernetes:
//! the operator reads the result file, the exit code and the progress port.

pub mod cli;
pub mod failure;
pub mod lightgbm;
pub mod outcome;
pub mod parameters;
pub mod progress;
pub mod progress_server;
pub mod request;
pub mod threads;
