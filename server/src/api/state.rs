//! What the handlers share. The only place of the API that reads the clock and draws randomness.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;
use uuid::Uuid;

use super::body_memory::BodyMemory;
use crate::impression::ImpressionId;
use crate::metrics::Metrics;
use crate::scoring_pool::ScoringPool;
use crate::shutdown::Phase;
use crate::tracks::Tracks;

/// Bounds on requests.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The longest body, in bytes.
    pub body_bytes: usize,
    /// The most candidates of one request.
    pub candidates: usize,
    /// The longest time for a body to arrive.
    pub request_timeout: Duration,
    /// How many items a search retrieves for the model to rank.
    pub retrieval_depth: usize,
    /// The most results of one search.
    pub search_results: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 1024 * 1024,
            candidates: 1_000,
            request_timeout: Duration::from_secs(10),
            retrieval_depth: 200,
            search_results: 100,
        }
    }
}

/// What the handlers share.
#[derive(Debug)]
pub struct ServerState {
    /// Bundles and plan.
    pub tracks: Tracks,
    /// Where scoring runs.
    pub pool: ScoringPool,
    /// Where explaining runs, which ranking does not wait for.
    pub explanations: ScoringPool,
    /// What is counted.
    pub metrics: Metrics,
    /// Bounds on requests.
    pub limits: Limits,
    /// Memory for bodies.
    pub bodies: BodyMemory,
    /// Whether the server is leaving.
    pub phase: watch::Receiver<Phase>,
    /// When the process began to serve.
    pub started: Instant,
}

/// The state as handlers take it.
pub type SharedState = Arc<ServerState>;

impl ServerState {
    /// What stands between this process and readiness; empty when it is ready.
    pub fn pending(&self) -> Vec<String> {
        if *self.phase.borrow() != Phase::Serving {
            return vec!["the server is shutting down".to_owned()];
        }
        self.tracks.snapshot().pending()
    }

    /// A new impression's id.
    pub fn new_impression(&self) -> ImpressionId {
        let mut random = [0; 10];
        random.copy_from_slice(&Uuid::new_v4().as_bytes()[..10]);
        ImpressionId::new(self.now_unix_milliseconds(), random)
    }

    /// The time now.
    pub fn now_unix_milliseconds(&self) -> u64 {
        // A clock before 1970 is not worth failing a request for.
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }
}
