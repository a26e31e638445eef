//! One simulated pod: how its server starts, loads bundles, and what the operator sees of it.

use super::cluster::at;
use crate::ranking_model::observed::{PlanReport, Pod, Report, Track, TrackState};
use crate::ranking_model::plan::TrafficPlan;
use crate::ranking_model::trouble::{Severity, Trouble};
use k8s_openapi::jiff::SignedDuration;
use searchop_crds::reason::RankingModelReason;
use std::collections::BTreeMap;

/// Seconds from a pod's creation until its server runs, and until a loading bundle is ready.
const START_SECONDS: i64 = 2;
const LOAD_SECONDS: i64 = 2;

/// How a bundle behaves in a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    Good,
    /// Every server refuses it.
    Corrupt,
    /// A server that loads it exceeds its memory limit.
    Crashing,
    /// It is never done loading.
    Endless,
    /// The store does not answer: a pod that requires or awaits it does not start.
    Unavailable,
    /// The store has it no more: a pod that requires it does not start.
    Gone,
}

/// What a server's behaviour depends on.
#[derive(Clone, Copy)]
pub(super) struct Moment<'a> {
    pub(super) clock: i64,
    pub(super) health: &'a BTreeMap<String, Health>,
}

impl Moment<'_> {
    fn health_of(self, sha256: &str) -> Health {
        self.health.get(sha256).copied().unwrap_or(Health::Good)
    }
}

/// One pod: what is known of it, and what makes it go on.
#[derive(Clone, Debug)]
pub(super) struct Running {
    pub(super) name: String,
    pub(super) template: String,
    pub(super) bundles: Vec<String>,
    pub(super) born: i64,
    pub(super) serving_since: Option<i64>,
    pub(super) leaving_since: Option<i64>,
    /// The plan in its mount, and when it was mounted or refreshed.
    pub(super) mounted: TrafficPlan,
    pub(super) mounted_at: i64,
    /// The bundles that the pod was told to wait for when it was made.
    pub(super) awaited: Vec<String>,
    pub(super) told: Option<i64>,
    pub(super) trouble: Option<Trouble>,
    /// Bundles that the store did not have when the server started.
    pub(super) lost: Vec<String>,
}

impl Running {
    /// What the operator sees.
    pub(super) fn seen(&self, moment: Moment<'_>) -> Pod {
        let is_ready = self.is_ready(moment);
        Pod {
            name: self.name.clone(),
            uid: self.name.clone(),
            ip: Some("10.0.0.1".to_owned()),
            template: Some(self.template.clone()),
            gone_by: self.leaving_since.map(|since| at(since + 45)),
            is_ready,
            told: self.told,
            serving_since: self.serving_since.map(at),
            trouble: self.trouble.clone().filter(|_| !is_ready),
            report: self.serving_since.map(|_| Report {
                plan: PlanReport {
                    sequence: Some(self.mounted.sequence),
                },
                tracks: self
                    .bundles
                    .iter()
                    .map(|sha256| self.track(sha256, moment))
                    .collect(),
            }),
        }
    }

    fn track(&self, sha256: &str, moment: Moment<'_>) -> Track {
        let age = self.serving_since.map_or(0, |since| moment.clock - since);
        let (state, reason) = match moment.health_of(sha256) {
            Health::Corrupt => (TrackState::Failed, Some("DigestMismatch")),
            _ if self.lost.iter().any(|lost| lost == sha256) => {
                (TrackState::Failed, Some("ArtifactNotFound"))
            }
            Health::Endless => (TrackState::Loading, None),
            _ if age < LOAD_SECONDS => (TrackState::Loading, None),
            _ => (TrackState::Ready, None),
        };
        Track {
            sha256: sha256.to_owned(),
            state,
            reason: reason.map(str::to_owned),
            message: reason.map(|_| "model.txt: expected aa, found bb".to_owned()),
            metrics: BTreeMap::from([("ndcg@10".to_owned(), "0.41".to_owned())]),
        }
    }

    /// Whether the server can rank with the bundle.
    pub(super) fn has_loaded(&self, sha256: &str, moment: Moment<'_>) -> bool {
        let is_named = self.bundles.iter().any(|bundle| bundle == sha256);
        is_named && self.track(sha256, moment).state == TrackState::Ready
    }

    /// Whether the Service sends to it.
    pub(super) fn is_ready(&self, moment: Moment<'_>) -> bool {
        let served = self
            .mounted
            .serving()
            .expect("plans give one model all traffic");
        self.serving_since.is_some()
            && self.leaving_since.is_none()
            && self.has_loaded(served, moment)
    }

    /// A second on the way to serving.
    pub(super) fn start(&mut self, moment: Moment<'_>) {
        if moment.clock - self.born < START_SECONDS || self.leaving_since.is_some() {
            return;
        }
        let any = |wanted: Health| {
            self.bundles
                .iter()
                .any(|sha256| moment.health_of(sha256) == wanted)
        };
        let required = self
            .mounted
            .serving()
            .expect("plans give one model all traffic");
        let is_starting = self.serving_since.is_none();
        let is_unavailable = |sha256: &str| moment.health_of(sha256) == Health::Unavailable;
        let is_held_up =
            is_unavailable(required) || self.awaited.iter().any(|sha256| is_unavailable(sha256));
        let found = if any(Health::Crashing) {
            Some((
                Severity::Terminal,
                RankingModelReason::ServerCrashed,
                "the ranking server exceeded its memory limit",
                true,
            ))
        } else if is_starting && is_held_up {
            Some((
                Severity::Retryable,
                RankingModelReason::StorageUnavailable,
                "no answer from the store",
                false,
            ))
        } else if is_starting && moment.health_of(required) == Health::Gone {
            Some((
                Severity::Terminal,
                RankingModelReason::ArtifactNotFound,
                "the manifest is not there",
                false,
            ))
        } else {
            None
        };
        match found {
            Some((severity, reason, message, is_crash)) => {
                self.serving_since = None;
                self.trouble = Some(Trouble {
                    severity,
                    reason,
                    message: message.to_owned(),
                    at: Some(at(moment.clock) - SignedDuration::from_secs(1)),
                    is_crash,
                });
            }
            None if is_starting => {
                self.serving_since = Some(moment.clock);
                self.lost.clone_from(&self.bundles);
                self.lost.retain(|sha256| {
                    matches!(moment.health_of(sha256), Health::Gone | Health::Unavailable)
                });
                self.trouble = None;
            }
            None => {}
        }
    }
}
