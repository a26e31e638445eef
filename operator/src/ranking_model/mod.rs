//! The controller of RankingModels: from the model that the spec names to servers that rank with it.
//!
//! A reconcile reads `observe` → `decide` → `build` → `apply` → `status`; only the first, the last but one and the write of
//! the last touch the cluster.
//!
//! - `resolve`: which bundle `spec.model` names
//! - `observed`, `trouble`: the cluster in the few words that decisions need; why a pod is not ready
//! - `memory`: what was decided before, and how it turns to another model
//! - `fleet`: what the servers as a whole have confirmed
//! - `plan`: the traffic plan as an object
//! - `decide`: what to do next; `findings`: what the conditions say of it
//! - `build`: one file for each child
//!
//! A RankingModel has no finalizer: all that belongs to it is in its namespace, and goes with it.

mod apply;
mod build;
mod decide;
mod findings;
mod fleet;
mod memory;
mod observe;
mod observed;
mod plan;
mod reconcile;
mod resolve;
mod status;
mod trouble;

#[cfg(test)]
mod simulation;

pub use reconcile::run;
