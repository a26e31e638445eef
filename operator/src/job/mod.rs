//! What DemoDataset and TrainingRun share: work that is one Job at a time, tried again until it succeeds or cannot, and an
//! artifact in the store that is purged or retained when the object goes.
//!
//! `observe` lists Jobs and pods; `outcome` reads what they say; `attempts` decides when to start, retry or give up;
//! `deletion` decides how the object goes; `build` makes the Job; `findings` words the conditions; `execute` writes.

pub mod attempts;
pub mod build;
pub mod deletion;
pub mod execute;
pub mod findings;
pub mod message;
pub mod observe;
pub mod outcome;
pub mod progress;

pub use attempts::{Attempts, State, Step};
pub use execute::{Plan, Start};
pub use observe::ObservedJobs;
pub use outcome::{Class, Failure, ObservedJob, Outcome, Phase};

#[cfg(test)]
mod tests;
