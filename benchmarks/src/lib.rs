//! What the benchmarks measure with and measure beside, where it is written in Rust. `run.py` decides what runs, takes the
//! time and writes the page.
//!
//! - `worker` answers a driver line by line, so that engines in processes of their own take turns
//! - `scorer`, `parsing`, `training` the product's parts as such workers
//! - `servers` the simplest servers that one would write instead · `messages` their JSON
//! - `load` requests at a constant rate · `connection` the HTTP of it

pub mod connection;
pub mod load;
pub mod messages;
pub mod numbers;
pub mod parsing;
pub mod scorer;
pub mod servers;
pub mod training;
pub mod worker;
