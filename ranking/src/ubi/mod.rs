//! Real logs in the schema of OpenSearch's User Behavior Insights: rows of `ubi_queries` and
//! `ubi_events` as JSON Lines of their own, or mixed in one OpenSearch bulk file.
//!
//! Such logs are dirty. Every kind of [`Dirt`] has a name, is counted, and has one treatment; what
//! comes out are the searches and events that features read. No catalogue is known here.

mod dirt;
mod join;
mod log;
mod numbered;
mod row;
mod timestamp;

pub use dirt::{Dirt, DirtCount, DirtCounts};
pub use join::CleanLog;
pub use log::{MAXIMUM_ROWS, UbiLog, UbiOptions};

#[cfg(test)]
mod tests;
