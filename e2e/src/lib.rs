//! SearchOp on a real cluster: what the stories, the demo and the load generator share.
//!
//! Everything goes through Kubernetes' API, as a user's `kubectl` would: nothing here knows the operator's inside.

pub mod audit;
pub mod cluster;
pub mod kill;
pub mod load;
pub mod load_pod;
pub mod namespace;
pub mod objects;
pub mod operator;
pub mod ranking;
pub mod store;
pub mod tally;
pub mod wait;
pub mod writes;
