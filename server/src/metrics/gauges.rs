//! What the state of the server is, as gauges.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::{ModelLabels, add, model_labels};
use crate::tracks::Snapshot;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TrackLabels {
    model: String,
    state: &'static str,
}

/// What is set from the server's state each time metrics are read, under one lock so that two
/// readers do not see each other's clearing.
#[derive(Debug)]
pub(super) struct StateGauges {
    in_flight: Gauge,
    plan_sequence: Gauge,
    plan_valid: Gauge,
    plan_weight: Family<ModelLabels, Gauge>,
    track_state: Family<TrackLabels, Gauge>,
    ready: Gauge,
}

impl StateGauges {
    pub(super) fn register(registry: &mut Registry) -> Self {
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

    pub(super) fn set(&self, snapshot: &Snapshot, ready: bool, in_flight: usize) {
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
