//! A server without sockets: its router, and requests to it.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use searchop_server::api::body_memory::BodyMemory;
use searchop_server::api::state::{Limits, ServerState, SharedState};
use searchop_server::bundle::LoadedBundle;
use searchop_server::digest::Digest;
use searchop_server::metrics::Metrics;
use searchop_server::plan::Plan;
use searchop_server::scoring_pool::ScoringPool;
use searchop_server::shutdown::Phase;
use searchop_server::tracks::{Track, TrackFailure, Tracks};
use searchop_server::{admin, app, bundle};
use serde_json::Value;
use tokio::sync::watch;
use tower::ServiceExt;

use crate::bundles::BundleFiles;

/// A server, and what drives it.
pub(crate) struct Harness {
    pub state: SharedState,
    pub phase: watch::Sender<Phase>,
    pub directory: tempfile::TempDir,
}

/// An answer that was read.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text)
            .unwrap_or_else(|error| panic!("{error} in {:?}", self.text))
    }

    /// Code and field of an error.
    pub(crate) fn error(&self) -> (u16, String, String) {
        let error = &self.json()["error"];
        assert!(
            !error["message"].as_str().unwrap().is_empty(),
            "an error says something"
        );
        let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
        (self.status.as_u16(), text("code"), text("field"))
    }

    /// The ids of the results, best first.
    pub(crate) fn ids(&self) -> Vec<String> {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text);
        let results = self.json()["results"].as_array().unwrap().clone();
        for (place, result) in results.iter().enumerate() {
            assert_eq!(result["position"], place + 1);
        }
        results
            .iter()
            .map(|result| result["id"].as_str().unwrap().to_owned())
            .collect()
    }
}

/// A server that has loaded these bundles, the first of which has all traffic.
pub(crate) fn serving(bundles: &[BundleFiles]) -> Harness {
    with_limits(
        bundles,
        Limits::default(),
        ScoringPool::new(64, 2, Duration::from_secs(30)),
    )
}

pub(crate) fn with_limits(bundles: &[BundleFiles], limits: Limits, pool: ScoringPool) -> Harness {
    with_body_memory(bundles, limits, pool, 128 * 1024 * 1024)
}

pub(crate) fn with_body_memory(
    bundles: &[BundleFiles],
    limits: Limits,
    pool: ScoringPool,
    bodies_bytes: usize,
) -> Harness {
    let directory = tempfile::tempdir().unwrap();
    let digests: Vec<Digest> = bundles
        .iter()
        .map(|bundle| bundle.write(directory.path()))
        .collect();
    let (phase_sender, phase) = watch::channel(Phase::Serving);
    let tracks = Tracks::new(digests.iter().cloned());
    for digest in &digests {
        tracks.set(digest, &load(directory.path(), digest));
    }
    if let Some(first) = digests.first() {
        tracks.follow(Plan::single(first.clone()));
    }
    let state = ServerState {
        tracks,
        pool,
        explanations: ScoringPool::new(4, 1, Duration::from_secs(30)),
        metrics: Metrics::new(),
        limits,
        bodies: BodyMemory::new(bodies_bytes),
        phase,
        started: Instant::now(),
    };
    Harness {
        state: Arc::new(state),
        phase: phase_sender,
        directory,
    }
}

fn load(bundles: &Path, digest: &Digest) -> Track {
    match LoadedBundle::load(bundles, digest) {
        Ok(loaded) => Track::Ready(Arc::new(loaded)),
        Err(error) => Track::Failed(bundle::failure(bundles, digest, &error)),
    }
}

impl Harness {
    /// Notes how a bundle failed.
    pub(crate) fn fail(&self, digest: &Digest, reason: &str) {
        let failure = TrackFailure {
            reason: reason.into(),
            message: "for a test".into(),
        };
        self.state.tracks.set(digest, &Track::Failed(failure));
    }

    /// Follows a plan.
    pub(crate) fn follow(&self, sequence: u64, weights: &[(&Digest, u8)]) {
        let weights = weights
            .iter()
            .map(|(digest, weight)| ((*digest).clone(), *weight))
            .collect();
        self.state.tracks.follow(Plan {
            sequence,
            weights,
            salt: "salt".into(),
        });
    }

    pub(crate) async fn post(&self, path: &str, body: impl Into<Body>) -> Answer {
        let request = Request::post(path)
            .header("content-type", "application/json")
            .body(body.into())
            .unwrap();
        self.send(request).await
    }

    pub(crate) async fn rank(&self, body: &Value) -> Answer {
        self.post("/v1/rank", body.to_string()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap())
            .await
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        read(app(Arc::clone(&self.state)), request).await
    }

    pub(crate) async fn admin(&self, path: &str) -> Answer {
        read(
            admin::admin(Arc::clone(&self.state)),
            Request::get(path).body(Body::empty()).unwrap(),
        )
        .await
    }
}

async fn read(router: axum::Router, request: Request<Body>) -> Answer {
    let response = router.oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    Answer {
        status: parts.status,
        headers: parts.headers,
        text: String::from_utf8(bytes.to_vec()).unwrap(),
    }
}
