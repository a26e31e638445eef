//! Metrics of the server, in the OpenMetrics text format on the admin port.
//!
//! Label values come from closed sets: routes of this API, status classes, and digests of the
//! bundles the process was started with. No request can add a series.
//!
//! | Metric | Type | Labels | Meaning |
//! |---|---|---|---|
//! | `searchop_server_requests_total` | counter | `route`, `status` (`2xx`…) | answered requests |
//! | `searchop_server_request_duration_seconds` | histogram | `route` | from head received to answer made |
//! | `searchop_server_queue_duration_seconds` | histogram | | from a rank request's body received to its parsing |
//! | `searchop_server_parse_duration_seconds` | histogram | | parsing and checking of a rank request's body |
//! | `searchop_server_candidates` | histogram | | candidates of a rank request |
//! | `searchop_server_ranked_total` | counter | `model` | lists that a model ranked |
//! | `searchop_server_feature_duration_seconds` | histogram | `model` | features of one list: computed, or laid out as they were sent |
//! | `searchop_server_score_duration_seconds` | histogram | `model` | scores and order of one list |
//! | `searchop_server_scoring_duration_seconds` | histogram | `model` | both of these |
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

mod gauges;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Metric, Registry};

use gauges::StateGauges;

use crate::api::messages::FeedbackKind;
use crate::digest::Digest;
use crate::tracks::Snapshot;

/// The content type of [`Metrics::encode`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Upper bounds of the duration histograms, in seconds.
const DURATION_BOUNDS: [f64; 14] = [
    0.0005, 0.001, 0.002, 0.004, 0.008, 0.015, 0.03, 0.06, 0.125, 0.25, 0.5, 1.0, 2.5, 5.0,
];

/// Upper bounds of the histograms of parts of a request, in seconds.
const PART_BOUNDS: [f64; 14] = [
    0.000_005, 0.000_01, 0.000_02, 0.000_05, 0.000_1, 0.000_2, 0.000_5, 0.001, 0.002, 0.005, 0.01,
    0.05, 0.25, 1.0,
];

/// Upper bounds of the histogram of candidates.
const CANDIDATE_BOUNDS: [f64; 9] = [
    1.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0, 10_000.0,
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

/// Histograms of durations, with these bounds.
#[derive(Clone, Debug)]
struct Durations([f64; 14]);

impl MetricConstructor<Histogram> for Durations {
    fn new_metric(&self) -> Histogram {
        Histogram::new(self.0)
    }
}

/// How long ranking a list took.
#[derive(Clone, Copy, Debug)]
pub struct RankDurations {
    /// Making its rows.
    pub features: Duration,
    /// All.
    pub total: Duration,
}

/// The series of one model, so that a request need not look each of them up.
#[derive(Clone, Debug)]
struct ModelSeries {
    ranked: Counter,
    feature_duration: Histogram,
    score_duration: Histogram,
    scoring_duration: Histogram,
    scored_candidates: Counter,
    unknown_candidates: Counter,
}

/// The series of one route.
#[derive(Clone, Debug)]
struct RouteSeries {
    duration: Histogram,
    /// By class of status; made when there is an answer of that class.
    answered: HashMap<&'static str, Counter>,
}

/// All metrics of one server.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    request_duration: Family<RouteLabels, Histogram, Durations>,
    route_series: RwLock<HashMap<String, RouteSeries>>,
    queue_duration: Histogram,
    parse_duration: Histogram,
    candidates: Histogram,
    model_series: RwLock<HashMap<Digest, ModelSeries>>,
    ranked: Family<ModelLabels, Counter>,
    feature_duration: Family<ModelLabels, Histogram, Durations>,
    score_duration: Family<ModelLabels, Histogram, Durations>,
    scoring_duration: Family<ModelLabels, Histogram, Durations>,
    scored_candidates: Family<ModelLabels, Counter>,
    unknown_candidates: Family<ModelLabels, Counter>,
    scoring_failures: Family<ModelLabels, Counter>,
    degraded: Family<CauseLabels, Counter>,
    overloaded: Counter,
    feedback_events: Family<FeedbackLabels, Counter>,
    gauges: Mutex<StateGauges>,
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
        let part = Durations(PART_BOUNDS);
        let parts = || Family::new_with_constructor(part.clone());
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
                Family::new_with_constructor(Durations(DURATION_BOUNDS)),
            ),
            route_series: RwLock::default(),
            queue_duration: add(
                &mut registry,
                "queue_duration_seconds",
                "Time from a rank request's body received to its parsing",
                part.new_metric(),
            ),
            parse_duration: add(
                &mut registry,
                "parse_duration_seconds",
                "Time for parsing and checking a rank request's body",
                part.new_metric(),
            ),
            candidates: add(
                &mut registry,
                "candidates",
                "Candidates of a rank request",
                Histogram::new(CANDIDATE_BOUNDS),
            ),
            model_series: RwLock::default(),
            ranked: add(
                &mut registry,
                "ranked",
                "Lists that a model ranked",
                Family::default(),
            ),
            feature_duration: add(
                &mut registry,
                "feature_duration_seconds",
                "Time for the features of one list",
                parts(),
            ),
            score_duration: add(
                &mut registry,
                "score_duration_seconds",
                "Time for scores and order of one list",
                parts(),
            ),
            scoring_duration: add(
                &mut registry,
                "scoring_duration_seconds",
                "Time for features and scores of one list",
                Family::new_with_constructor(Durations(DURATION_BOUNDS)),
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
        let class = status_class(status);
        let count = |series: &RouteSeries| {
            let answered = series.answered.get(class)?;
            answered.inc();
            series.duration.observe(duration.as_secs_f64());
            Some(())
        };
        let known = read(&self.route_series).get(route).and_then(count);
        if known.is_none() {
            let mut all = write(&self.route_series);
            let series = all
                .entry(route.to_owned())
                .or_insert_with(|| self.new_route_series(route));
            let labels = RequestLabels {
                route: route.to_owned(),
                status: class,
            };
            let answered = self.requests.get_or_create(&labels).clone();
            series.answered.insert(class, answered);
            count(series);
        }
    }

    fn new_route_series(&self, route: &str) -> RouteSeries {
        let labels = RouteLabels {
            route: route.to_owned(),
        };
        RouteSeries {
            duration: self.request_duration.get_or_create(&labels).clone(),
            answered: HashMap::new(),
        }
    }

    /// Counts a rank request that was parsed after it had waited for `queued`.
    pub fn parsed(&self, queued: Duration, parsing: Duration, candidates: usize) {
        self.queue_duration.observe(queued.as_secs_f64());
        self.parse_duration.observe(parsing.as_secs_f64());
        self.candidates.observe(candidates as f64);
    }

    /// Counts a list that `model` ranked.
    pub fn ranked(&self, model: &Digest, scored: usize, unknown: usize, durations: RankDurations) {
        let known = read(&self.model_series).get(model).cloned();
        let series = known.unwrap_or_else(|| {
            let series = self.new_model_series(model);
            write(&self.model_series).insert(model.clone(), series.clone());
            series
        });
        let RankDurations { features, total } = durations;
        let scores = total.saturating_sub(features);
        series.ranked.inc();
        series.feature_duration.observe(features.as_secs_f64());
        series.score_duration.observe(scores.as_secs_f64());
        series.scoring_duration.observe(total.as_secs_f64());
        series.scored_candidates.inc_by(scored as u64);
        series.unknown_candidates.inc_by(unknown as u64);
    }

    fn new_model_series(&self, model: &Digest) -> ModelSeries {
        let labels = model_labels(model);
        ModelSeries {
            ranked: self.ranked.get_or_create(&labels).clone(),
            feature_duration: self.feature_duration.get_or_create(&labels).clone(),
            score_duration: self.score_duration.get_or_create(&labels).clone(),
            scoring_duration: self.scoring_duration.get_or_create(&labels).clone(),
            scored_candidates: self.scored_candidates.get_or_create(&labels).clone(),
            unknown_candidates: self.unknown_candidates.get_or_create(&labels).clone(),
        }
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

fn add<M: Metric + Clone>(registry: &mut Registry, name: &str, help: &str, metric: M) -> M {
    registry.register(name, help, metric.clone());
    metric
}

// What a panic left behind is whole: series are put in as a whole.
fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
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
