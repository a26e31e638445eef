//! The ranking domain: data types, features, models, metrics and bundles.
//!
//! Knows neither Kubernetes nor object stores, and reads neither the clock nor
//! the network: time and randomness are arguments. What trains and what serves
//! both compute through this crate, so that they agree.

pub mod bundle;
pub mod metrics;
pub mod model;
pub mod split;
pub mod svmlight;
