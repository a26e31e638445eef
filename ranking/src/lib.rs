//! The ranking domain: data types, features, models, metrics and bundles.
//!
//! Knows neither Kubernetes nor object stores, and reads neither the clock nor
//! the network: time and randomness are arguments. What trains and what serves
//! both compute through this crate, so that they agree.

pub mod baselines;
pub mod bundle;
pub mod catalogue;
pub mod catalogue_files;
pub mod counterfactual;
pub mod decimal;
pub mod events;
pub mod features;
pub mod generate;
pub mod importance;
pub mod input;
pub mod json_lines;
pub mod judgements;
pub mod metrics;
pub mod model;
pub mod report;
pub mod retrieval;
pub mod scorer;
pub mod split;
pub mod svmlight;
pub mod text;
pub mod ubi;
