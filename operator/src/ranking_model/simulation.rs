//! A small cluster in memory, with a clock, and whole rollouts through it: what is decided step by step is held against
//! golden files, and what must always hold is checked after every step.
//!
//! `UPDATE_GOLDEN=1` rewrites the golden files.

mod cluster;
mod record;
mod server;
mod stories;
mod survival;

use cluster::Cluster;
use server::Health;
