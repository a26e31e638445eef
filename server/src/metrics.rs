//! Metrics of the server, in the OpenMetrics text format on the admin port.
//!
//! Label values come from closed sets: routes of this API, status classes, and digests of the
//! bundles the process was started with. No request can add a series.
//!
//! | Metric | Type | Labels | Meaning |
//! |---|---|---|---|
//! | `searchop_server_requests_total` | counter | `route`, `status` (`2xx`…) | answered requests |
//! | `searchop_server_request_duration_seconds` | histogram | `route` | from head received to answer made |
//! | `searchop_server_ranked_total` | counter | `model` | lists that a model ranked |
//! | `searchop_server_scoring_duration_seconds` | histogram | `model` | features and scores of one list |
//! | `searchop_server_scored_candidates_total` | counter | `model` | candidates scored |
//! | `searchop_server_unknown_candidates_total` | counter | `model` | candidates that the model's catalogue lacks |
//! | `searchop_server_scoring_failures_total` | counter | `model` | lists that a model failed to rank |
//! | `searchop_server_degraded_total` | counter | `cause` (`NoModel`, `ScoringFailed`, `OverBudget`, `NothingKnown`) | lists answered in the order they came in |
//! | `searchop_server_overloaded_total` | counter | | requests refused because too many were in flight |
//! | `searchop_server_in_flight` | gauge | | requests waiting for a score or being scored |
//! | `searchop_server_feedback_events_total` | counter | `type` | feedback events taken |
//! | `searchop_server_plan_sequence` | gauge | | sequence number of the plan that is followed |
//! | `searchop_server_plan_valid` | gauge | | 1 when the plan's file is valid now |
//! | `searchop_server_plan_weight_percent` | gauge | `model` | share of sessions |
//! | `searchop_server_track_state` | gauge | `model`, `state` | 1 for the state a bundle is in, else 0 |
//! | `searchop_server_ready` | gauge | | 1 when ready |
//! | `searchop_server_build_info` | info | `version` | the server's version |

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Metric, Registry};

use crate::api::messages::FeedbackKind;
use crate::digest::Digest;
use crate::tracks::Snapshot;

/// The content type of [`Metrics::encode`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Upper bounds of the duration histograms, in seconds.
const DURATION_BOUNDS: [f64; 14] = [
    0.0005, 0.001, 0.002, 0.004, 0.008, 0.015, 0.03, 0.06, 0.125, 0.25, 0.5, 1.0, 2.5, 5.0,
];

/// Why a list was answered in the order it came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum DegradedCause {
    /// No bundle is loaded.
    NoModel,
    /// Every usable bundle failed on it.
    ScoringFailed,
    /// Scoring was not done in time.
    OverBudget,
    /// The model knows none of the candidates.
    NothingKnown,
}

impl DegradedCause {
    const ALL: [Self; 4] = [
        Self::NoModel,
        Self::ScoringFailed,
        Self::OverBudget,
        Self::NothingKnown,
    ];
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: String,
    status: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ModelLabels {
    model: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CauseLabels {
    cause: DegradedCause,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FeedbackLabels {
    r#type: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TrackLabels {
    model: String,
    state: &'static str,
}

#[derive(Clone, Debug)]
struct Durations;

impl MetricConstructor<Histogram> for Durations {
    fn new_metric(&self) -> Histogram {
        Histogram::new(DURATION_BOUNDS)
    }
}

/// All metrics of one server.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    request_duration: Family<RouteLabels, Histogram, Durations>,
    ranked: Family<ModelLabels, Counter>,
    scoring_duration: Family<ModelLabels, Histogram, Durations>,
    scored_candidates: Family<ModelLabels, Counter>,
    unknown_candidates: Family<ModelLabels, Counter>,
    scoring_failures: Family<ModelLabels, Counter>,
    degraded: Family<CauseLabels, Counter>,
    overloaded: Counter,
    feedback_events: Family<FeedbackLabels, Counter>,
    gauges: Mutex<StateGauges>,
}

/// What is set from the server's state each time metrics are read, under one lock so that two
/// readers do not see each other's clearing.
#[derive(Debug)]
struct StateGauges {
    in_flight: Gauge,
    plan_sequence: Gauge,
    plan_valid: Gauge,
    plan_weight: Family<ModelLabels, Gauge>,
    track_state: Family<TrackLabels, Gauge>,
    ready: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Registers every metric.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("searchop_server");
        let durations = || Family::new_with_constructor(Durations);
        let version = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The server's version", version);
        let metrics = Self {
            requests: add(
                &mut registry,
                "requests",
                "Answered requests",
                Family::default(),
            ),
            request_duration: add(
                &mut registry,
                "request_duration_seconds",
                "Time from head received to answer made",
                durations(),
            ),
            ranked: add(
                &mut registry,
                "ranked",
                "Lists that a model ranked",
                Family::default(),
            ),
            scoring_duration: add(
                &mut registry,
                "scoring_duration_seconds",
                "Time for features and scores of one list",
                Family::new_with_constructor(Durations),
            ),
            scored_candidates: add(
                &mut registry,
                "scored_candidates",
                "Candidates scored",
                Family::default(),
            ),
            unknown_candidates: add(
                &mut registry,
                "unknown_candidates",
                "Candidates that the model's catalogue lacks",
                Family::default(),
            ),
            scoring_failures: add(
                &mut registry,
                "scoring_failures",
                "Lists that a model failed to rank",
                Family::default(),
            ),
            degraded: add(
                &mut registry,
                "degraded",
                "Lists answered in the order they came in",
                Family::default(),
            ),
            overloaded: add(
                &mut registry,
                "overloaded",
                "Requests refused because too many were in flight",
                Counter::default(),
            ),
            feedback_events: add(
                &mut registry,
                "feedback_events",
                "Feedback events taken",
                Family::default(),
            ),
            gauges: Mutex::new(StateGauges::register(&mut registry)),
            registry,
        };
        metrics.start_at_zero();
        metrics
    }

    /// Makes the series that are known beforehand, so that their first event is seen as a rise.
    fn start_at_zero(&self) {
        for cause in DegradedCause::ALL {
            drop(self.degraded.get_or_create(&CauseLabels { cause }));
        }
        for kind in [
            FeedbackKind::Click,
            FeedbackKind::Cart,
            FeedbackKind::Purchase,
        ] {
            drop(self.feedback_events.get_or_create(&feedback_labels(kind)));
        }
    }

    /// Counts an answer. `route` is the route's pattern, never the path as sent.
    pub fn answered(&self, route: &str, status: u16, duration: Duration) {
        let labels = RequestLabels {
            route: route.to_owned(),
            status: status_class(status),
        };
        self.requests.get_or_create(&labels).inc();
        let labels = RouteLabels {
            route: route.to_owned(),
        };
        self.request_duration
            .get_or_create(&labels)
            .observe(duration.as_secs_f64());
    }

    /// Counts a list that `model` ranked.
    pub fn ranked(&self, model: &Digest, scored: usize, unknown: usize, duration: Duration) {
        let labels = model_labels(model);
        self.ranked.get_or_create(&labels).inc();
        self.scoring_duration
            .get_or_create(&labels)
            .observe(duration.as_secs_f64());
        self.scored_candidates
            .get_or_create(&labels)
            .inc_by(scored as u64);
        self.unknown_candidates
            .get_or_create(&labels)
            .inc_by(unknown as u64);
    }

    /// Counts a list that `model` failed to rank.
    pub fn scoring_failed(&self, model: &Digest) {
        self.scoring_failures
            .get_or_create(&model_labels(model))
            .inc();
    }

    /// Counts a list answered in the order it came in.
    pub fn degraded(&self, cause: DegradedCause) {
        self.degraded.get_or_create(&CauseLabels { cause }).inc();
    }

    /// Counts a request refused for overload.
    pub fn overloaded(&self) {
        self.overloaded.inc();
    }

    /// Counts a feedback event.
    pub fn feedback(&self, kind: FeedbackKind) {
        self.feedback_events
            .get_or_create(&feedback_labels(kind))
            .inc();
    }

    /// The metrics as text, with the gauges set from the server's state.
    pub fn encode(&self, snapshot: &Snapshot, ready: bool, in_flight: usize) -> String {
        let gauges = self.gauges.lock().unwrap_or_else(PoisonError::into_inner);
        gauges.set(snapshot, ready, in_flight);
        for model in snapshot.tracks.keys() {
            let labels = model_labels(model);
            drop(self.ranked.get_or_create(&labels));
            drop(self.scoring_failures.get_or_create(&labels));
        }
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("writing to a string does not fail");
        text
    }
}

impl StateGauges {
    fn register(registry: &mut Registry) -> Self {
        Self {
            in_flight: add(
                registry,
                "in_flight",
                "Requests waiting for a score or being scored",
                Gauge::default(),
            ),
            plan_sequence: add(
                registry,
                "plan_sequence",
                "Sequence number of the plan followed",
                Gauge::default(),
            ),
            plan_valid: add(
                registry,
                "plan_valid",
                "1 when the plan's file is valid now",
                Gauge::default(),
            ),
            plan_weight: add(
                registry,
                "plan_weight_percent",
                "Share of sessions",
                Family::default(),
            ),
            track_state: add(
                registry,
                "track_state",
                "1 for the state a bundle is in, else 0",
                Family::default(),
            ),
            ready: add(registry, "ready", "1 when ready", Gauge::default()),
        }
    }

    fn set(&self, snapshot: &Snapshot, ready: bool, in_flight: usize) {
        self.ready.set(i64::from(ready));
        self.in_flight
            .set(i64::try_from(in_flight).unwrap_or(i64::MAX));
        let sequence = snapshot.plan.as_ref().map_or(0, |plan| plan.sequence);
        self.plan_sequence
            .set(i64::try_from(sequence).unwrap_or(i64::MAX));
        self.plan_valid.set(i64::from(
            snapshot.plan.is_some() && snapshot.plan_error.is_none(),
        ));
        self.plan_weight.clear();
        for (digest, track) in &snapshot.tracks {
            let weight = snapshot.plan.as_ref().map_or(0, |plan| plan.weight(digest));
            self.plan_weight
                .get_or_create(&model_labels(digest))
                .set(i64::from(weight));
            for state in ["Loading", "Ready", "Failed"] {
                let labels = TrackLabels {
                    model: digest.to_string(),
                    state,
                };
                self.track_state
                    .get_or_create(&labels)
                    .set(i64::from(track.state() == state));
            }
        }
    }
}

fn add<M: Metric + Clone>(registry: &mut Registry, name: &str, help: &str, metric: M) -> M {
    registry.register(name, help, metric.clone());
    metric
}

fn model_labels(model: &Digest) -> ModelLabels {
    ModelLabels {
        model: model.to_string(),
    }
}

fn feedback_labels(kind: FeedbackKind) -> FeedbackLabels {
    let r#type = match kind {
        FeedbackKind::Click => "click",
        FeedbackKind::Cart => "cart",
        FeedbackKind::Purchase => "purchase",
    };
    FeedbackLabels { r#type }
}

fn status_class(status: u16) -> &'static str {
    match status {
        100..=199 => "1xx",
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        _ => "5xx",
    }
}
