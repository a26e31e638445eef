//! The ranking service: ranks candidates with a bundle's model, searches a bundle's catalogue,
//! takes feedback. Knows nothing of Kubernetes, and of the object store only in `fetch`.
//!
//! # Layout
//! - `command` the flags · `serve` puts everything together and runs it · `fetch` the init step
//!   that brings bundles onto the disk
//! - `api` the public API · `admin` the admin port
//! - `answer` which bundle answers, and what happens when one fails · `rank`, `search` how one
//!   bundle answers, `explain` why · `stand_in` one after another · `scoring_pool` who is let in, and threads for
//!   what is long · `feedback`, `impression`
//! - `tracks` the loaded bundles · `bundle` one of them · `manifest` its digests
//! - `plan` who gets which bundle · `plan_follower` where that is read
//! - `connections`, `shutdown` the life of connections and of the process · `metrics`

pub mod admin;
pub mod answer;
pub mod api;
pub mod bundle;
pub mod command;
pub mod connections;
pub mod digest;
pub mod explain;
pub mod feedback;
pub mod fetch;
pub mod impression;
pub mod manifest;
pub mod metrics;
pub mod plan;
pub mod plan_follower;
pub mod rank;
pub mod scoring_pool;
pub mod search;
pub mod serve;
pub mod shutdown;
mod stand_in;
pub mod tracks;

pub use api::routes::app;
