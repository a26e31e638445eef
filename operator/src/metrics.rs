//! What the operator counts. Label values come from closed lists, never from names of objects or texts of errors.

use crate::error::ErrorKind;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

/// A label value from a closed list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Word(pub &'static str);

impl EncodeLabelValue for Word {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), fmt::Error> {
        encoder.write_str(self.0)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabel {
    kind: Word,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ErrorLabels {
    kind: Word,
    reason: Word,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WriteLabels {
    kind: Word,
    verb: Word,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct JobLabels {
    component: Word,
    reason: Word,
}

/// How an object was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Apply,
    Delete,
    Status,
    Finalizer,
}

impl Verb {
    fn as_str(self) -> &'static str {
        match self {
            Self::Apply => "apply",
            Self::Delete => "delete",
            Self::Status => "status",
            Self::Finalizer => "finalizer",
        }
    }
}

/// The operator's metrics; [`Metrics::text`] writes them out.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    reconciles: Family<KindLabel, Histogram>,
    errors: Family<ErrorLabels, Counter>,
    writes: Family<WriteLabels, Counter>,
    jobs: Family<JobLabels, Counter>,
    last_success: Family<KindLabel, Gauge<f64, AtomicU64>>,
    leader: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("searchop");
        let metrics = Self {
            reconciles: Family::new_with_constructor(|| {
                Histogram::new([
                    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
                ])
            }),
            errors: Family::default(),
            writes: Family::default(),
            jobs: Family::default(),
            last_success: Family::default(),
            leader: Gauge::default(),
            registry: Registry::default(),
        };
        registry.register(
            "reconcile_duration_seconds",
            "Duration of reconciles, by kind",
            metrics.reconciles.clone(),
        );
        registry.register(
            "reconcile_errors",
            "Failed reconciles, by kind and reason",
            metrics.errors.clone(),
        );
        registry.register(
            "writes",
            "Objects written, by kind and verb: apply, delete, status, finalizer",
            metrics.writes.clone(),
        );
        registry.register(
            "job_outcomes",
            "Ended Jobs, by component and reason",
            metrics.jobs.clone(),
        );
        registry.register(
            "last_success_timestamp_seconds",
            "Unix time of the last reconcile without error, by kind",
            metrics.last_success.clone(),
        );
        registry.register(
            "leader",
            "1 while this replica holds the lease",
            metrics.leader.clone(),
        );
        Self {
            registry,
            ..metrics
        }
    }
}

impl Metrics {
    /// Counts a reconcile of `kind` that took `duration` and ended at `now` (Unix seconds) with `outcome`.
    pub fn reconciled(
        &self,
        kind: &'static str,
        duration: Duration,
        now: f64,
        outcome: Result<(), ErrorKind>,
    ) {
        let kind = Word(kind);
        self.reconciles
            .get_or_create(&KindLabel { kind })
            .observe(duration.as_secs_f64());
        match outcome {
            Ok(()) => {
                self.last_success
                    .get_or_create(&KindLabel { kind })
                    .set(now);
            }
            Err(reason) => {
                let reason = Word(reason.as_str());
                self.errors
                    .get_or_create(&ErrorLabels { kind, reason })
                    .inc();
            }
        }
    }

    /// Counts a write of an object of `kind`.
    pub fn wrote(&self, kind: &'static str, verb: Verb) {
        let labels = WriteLabels {
            kind: Word(kind),
            verb: Word(verb.as_str()),
        };
        self.writes.get_or_create(&labels).inc();
    }

    /// Counts the end of a Job.
    pub fn job_ended(&self, component: &'static str, reason: &'static str) {
        let labels = JobLabels {
            component: Word(component),
            reason: Word(reason),
        };
        self.jobs.get_or_create(&labels).inc();
    }

    /// Says whether this replica leads.
    pub fn leads(&self, leads: bool) {
        self.leader.set(i64::from(leads));
    }

    /// All metrics in the OpenMetrics text format.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry)
            .expect("writing to a string does not fail");
        text
    }
}

/// Metrics shared by all parts of the operator.
pub type SharedMetrics = Arc<Metrics>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_is_written_out() {
        let metrics = Metrics::default();
        metrics.reconciled("DemoDataset", Duration::from_millis(3), 12.5, Ok(()));
        metrics.reconciled(
            "DemoDataset",
            Duration::from_millis(3),
            13.0,
            Err(ErrorKind::Conflict),
        );
        metrics.wrote("Job", Verb::Apply);
        metrics.job_ended("train", "Trained");
        metrics.leads(true);
        let text = metrics.text();
        for line in [
            "searchop_reconcile_duration_seconds_count{kind=\"DemoDataset\"} 2",
            "searchop_reconcile_errors_total{kind=\"DemoDataset\",reason=\"Conflict\"} 1",
            "searchop_writes_total{kind=\"Job\",verb=\"apply\"} 1",
            "searchop_job_outcomes_total{component=\"train\",reason=\"Trained\"} 1",
            "searchop_last_success_timestamp_seconds{kind=\"DemoDataset\"} 12.5",
            "searchop_leader 1",
        ] {
            assert!(text.contains(line), "{line} is missing from\n{text}");
        }
    }
}
