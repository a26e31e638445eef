//! The public API: its messages, its errors, its routes.
//!
//! # Layout
//! `messages` what is sent and received · `extract` bounded reading of requests · `body` the body
//! of a rank request, read fast · `body_memory` the memory for bodies · `written` the answer to it · `error` the one error shape · `state` what handlers share · `handlers` one short function for each route, `explain` one with its messages ·
//! `routes` which paths exist, and the limits around them · `openapi` the document about them.

pub mod body;
pub mod body_memory;
pub mod error;
pub mod explain;
pub mod extract;
pub mod handlers;
pub mod messages;
pub mod openapi;
pub mod routes;
pub mod state;
pub(crate) mod written;

pub use error::{ApiError, ErrorCode};
pub use state::{Limits, ServerState};
