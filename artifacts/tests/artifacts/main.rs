//! The tests that go through the crate's public surface, in one program.
//!
//! `conformance` runs one suite over every store; `faults` and `preflight` face the S3 store with a
//! server that fails in chosen ways; `identity` shows where credentials come from; `repository` and `interruptions` test what is built on a store.

mod conformance;
mod failing_store;
mod faults;
mod fixture;
mod identity;
mod interruptions;
mod preflight;
mod repository;
mod s3_server;
mod s3_stub;
mod versitygw;
mod workshop;
