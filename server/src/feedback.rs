//! What is done with feedback: one structured log line for each message.
//!
//! The line is the record until feedback has lasting storage; nothing is kept in memory.

use tracing::info;

use crate::api::messages::FeedbackRequest;

/// The log target of feedback lines, by which a log pipeline picks them out.
pub const TARGET: &str = "searchop::feedback";

/// Writes the line. `received_unix_milliseconds` is when the message came.
pub fn record(feedback: &FeedbackRequest, received_unix_milliseconds: u64) {
    let events = serde_json::to_string(&feedback.events).expect("events are strings and numbers");
    info!(
        target: TARGET,
        impression_id = %feedback.impression_id,
        received_unix_milliseconds,
        events,
        "feedback"
    );
}
