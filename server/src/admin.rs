//! The admin port: probes, metrics, and what each track is doing. Only read, never written to.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

use crate::api::state::SharedState;
use crate::digest::Digest;
use crate::metrics;
use crate::tracks::{Snapshot, Track};

/// What `/readyz` says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Readiness {
    /// Whether the server wants traffic.
    pub ready: bool,
    /// What stands in the way, one sentence each.
    pub pending: Vec<String>,
}

/// How long `/startupz` waits for bundles. A startup probe that fails has its container started
/// again, which a slow candidate is no reason for.
const LONGEST_STARTUP: Duration = Duration::from_secs(60);

/// What `/startupz` says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Startup {
    /// Whether no bundle is being loaded any more, or 60 s are over.
    pub started: bool,
    /// The bundles that are still being loaded.
    pub loading: Vec<Digest>,
}

impl Startup {
    /// How a start stands `elapsed` after it began.
    fn after(elapsed: Duration, loading: Vec<Digest>) -> Self {
        Self {
            started: loading.is_empty() || elapsed >= LONGEST_STARTUP,
            loading,
        }
    }
}

/// What `/tracks` says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TracksReport {
    /// The plan that is followed.
    pub plan: PlanReport,
    /// Every bundle of the process, by digest.
    pub tracks: Vec<TrackReport>,
}

/// The plan that is followed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanReport {
    /// Its sequence number; absent before the first valid plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    /// What is wrong with the plan's file now; the last valid plan is followed on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// One bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackReport {
    /// Its digest.
    pub sha256: Digest,
    /// `Loading`, `Ready` or `Failed`.
    pub state: String,
    /// Why it failed, for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why it failed, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Its share of sessions in percent.
    pub weight: u8,
    /// Headline metrics of its training, by name.
    pub metrics: BTreeMap<String, String>,
}

/// The admin port's routes.
pub fn admin(state: SharedState) -> Router {
    Router::new()
        .route(
            "/livez",
            get(|| async { Json(serde_json::json!({ "live": true })) }),
        )
        .route("/startupz", get(startupz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(read_metrics))
        .route("/tracks", get(tracks))
        .with_state(state)
}

fn probe_status(passed: bool) -> StatusCode {
    if passed {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    }
}

async fn startupz(State(state): State<SharedState>) -> Response {
    let loading = state.tracks.snapshot().loading();
    let startup = Startup::after(state.started.elapsed(), loading);
    (probe_status(startup.started), Json(startup)).into_response()
}

async fn readyz(State(state): State<SharedState>) -> Response {
    let pending = state.pending();
    (
        probe_status(pending.is_empty()),
        Json(Readiness {
            ready: pending.is_empty(),
            pending,
        }),
    )
        .into_response()
}

async fn read_metrics(State(state): State<SharedState>) -> Response {
    let snapshot = state.tracks.snapshot();
    let text = state.metrics.encode(
        &snapshot,
        state.pending().is_empty(),
        state.pool.in_flight(),
    );
    ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response()
}

async fn tracks(State(state): State<SharedState>) -> Json<TracksReport> {
    let snapshot: Arc<Snapshot> = state.tracks.snapshot();
    Json(report(&snapshot))
}

/// What `/tracks` says about a snapshot.
pub fn report(snapshot: &Snapshot) -> TracksReport {
    let plan = PlanReport {
        sequence: snapshot.plan.as_ref().map(|plan| plan.sequence),
        error: snapshot.plan_error.clone(),
    };
    let tracks = snapshot.tracks.iter().map(|(digest, track)| {
        let failure = if let Track::Failed(failure) = track {
            Some(failure.clone())
        } else {
            None
        };
        TrackReport {
            sha256: digest.clone(),
            state: track.state().to_owned(),
            reason: failure.as_ref().map(|failure| failure.reason.clone()),
            message: failure.map(|failure| failure.message),
            weight: snapshot.plan.as_ref().map_or(0, |plan| plan.weight(digest)),
            metrics: track
                .ready()
                .map(|bundle| bundle.metrics().clone())
                .unwrap_or_default(),
        }
    });
    TracksReport {
        plan,
        tracks: tracks.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_is_over_when_nothing_is_loading_or_after_a_minute() {
        let loading: Vec<Digest> = vec!["a".repeat(64).parse().unwrap()];
        let second = Duration::from_secs(1);
        assert!(Startup::after(Duration::ZERO, vec![]).started);
        assert!(!Startup::after(59 * second, loading.clone()).started);
        let late = Startup::after(60 * second, loading.clone());
        assert_eq!((late.started, late.loading), (true, loading));
    }
}
