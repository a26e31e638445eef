//! Tests of the server as a whole: through its router, and the real program through sockets.

#![allow(clippy::unwrap_used)]

mod bundles;
mod context;
mod damage;
mod documents;
mod explain;
mod fetching;
mod harness;
mod process;
mod program;
mod ranking;
mod refusals;
mod tracks;
