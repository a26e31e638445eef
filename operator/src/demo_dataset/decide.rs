//! Decides what a DemoDataset needs next. Pure: the spec, what was observed and the time in, a plan out.

use crate::demo_dataset::build;
use crate::demo_dataset::observe::Observed;
use crate::job::attempts::{Attempts, FAILURE_LIMIT, State};
use crate::job::deletion::Deletion;
use crate::job::execute::Plan;
use crate::job::message::is_digest;
use crate::job::{build as job_build, findings, progress};
use crate::owner::Owner;
use crate::requeue::Requeue;
use crate::settings::Settings;
use crate::status::has_finalizer;
use crate::storage::{self, Storage, StorageNotConfigured};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use k8s_openapi::jiff::Timestamp;
use searchop_crds::condition::{self, DELETING, FAILED, Finding};
use searchop_crds::labels::Component;
use searchop_crds::reason::JobReason;
use searchop_crds::{
    ArtifactReference, DatasetCounts, DemoDataset, DemoDatasetStatus, ProgressStatus, Versions,
};
use serde::Deserialize;
use serde_json::Value;

/// Most versions that a status may name.
const VERSIONS: usize = 8;

/// A generator's result.
#[derive(Clone, Debug, Deserialize)]
struct Generated {
    artifact: ArtifactReference,
    counts: DatasetCounts,
    #[serde(default)]
    versions: Versions,
}

impl Generated {
    fn read(value: &Value) -> Option<Self> {
        serde_json::from_value(value.clone())
            .ok()
            .filter(|result: &Self| is_digest(&result.artifact.sha256))
    }
}

/// What the DemoDataset needs next.
#[must_use]
pub fn decide(
    owner: &Owner,
    dataset: &DemoDataset,
    observed: &Observed,
    settings: &Settings,
    now: Timestamp,
) -> Plan<DemoDatasetStatus> {
    let before = dataset.status.clone().unwrap_or_default();
    let situation = Situation {
        owner,
        dataset,
        observed,
        settings,
        now,
        storage: storage::resolve(dataset.spec.storage.as_ref(), settings),
        before,
    };
    if dataset.metadata.deletion_timestamp.is_some() {
        return situation.end();
    }
    if situation.before.artifact.is_some() {
        return situation.complete();
    }
    if condition::is_true(&situation.before.conditions, FAILED) {
        return situation.given_up();
    }
    situation.generate()
}

struct Situation<'a> {
    owner: &'a Owner,
    dataset: &'a DemoDataset,
    observed: &'a Observed,
    settings: &'a Settings,
    now: Timestamp,
    storage: Result<Storage, StorageNotConfigured>,
    before: DemoDatasetStatus,
}

impl Situation<'_> {
    fn generate(&self) -> Plan<DemoDatasetStatus> {
        let step = Attempts {
            owner: &self.owner.name,
            component: Component::Generate,
            status: self.before.job.as_ref(),
            jobs: &self.observed.jobs.work,
            greatest: self.observed.jobs.greatest_work,
            was_suspended: false,
            limit: Some(FAILURE_LIMIT),
            is_result: |value| Generated::read(value).is_some(),
            now: self.now,
        }
        .decide();
        if let State::Succeeded(value) = &step.state
            && let Some(result) = Generated::read(value)
        {
            let mut status = self.before.clone();
            status.job = step.job;
            return self.succeeded(status, result);
        }
        let start = match (step.start, &self.storage) {
            (Some(_), Err(error)) => {
                let findings = findings::held(JobReason::StorageNotConfigured, &error.to_string());
                return Plan::holding(self.status(&self.before, &findings), Requeue::Steady);
            }
            (Some(attempt), Ok(storage)) => Some(build::generate(
                self.owner,
                &self.dataset.spec,
                attempt,
                storage,
                self.settings,
            )),
            (None, _) => None,
        };
        let (findings, requeue) = findings::pending(&step.state, step.job.as_ref());
        let mut status = self.status(&self.before, &findings);
        status.progress_percent = self.progress(step.job.as_ref().map(|job| job.attempt));
        let ended = match (&step.state, step.counted) {
            (State::Retrying(failure, _) | State::Failed(failure), true) => {
                Some((Component::Generate, failure.reason))
            }
            _ => None,
        };
        status.job = step.job;
        Plan {
            start,
            delete: step.superseded,
            ended,
            ..Plan::holding(status, requeue)
        }
    }

    fn progress(&self, attempt: Option<i32>) -> Option<i32> {
        let before = self.before.progress_percent.map(|percent| ProgressStatus {
            percent,
            ..ProgressStatus::default()
        });
        let is_same = self.before.job.as_ref().map(|job| job.attempt) == attempt;
        progress::shown(before.as_ref(), is_same, self.observed.progress.as_ref())
            .map(|progress| progress.percent)
    }

    fn succeeded(
        &self,
        mut status: DemoDatasetStatus,
        result: Generated,
    ) -> Plan<DemoDatasetStatus> {
        status.versions = result.versions.into_iter().take(VERSIONS).collect();
        status.counts = Some(result.counts);
        status.progress_percent = Some(progress::complete().percent);
        let findings = findings::done(JobReason::Generated, &in_store(&result.artifact));
        status.artifact = Some(result.artifact);
        Plan {
            ended: Some((Component::Generate, JobReason::Generated)),
            ..Plan::holding(self.status(&status, &findings), Requeue::Steady)
        }
    }

    /// It has its dataset: older Jobs go, and nothing else changes any more.
    fn complete(&self) -> Plan<DemoDatasetStatus> {
        let message = self
            .before
            .artifact
            .as_ref()
            .map(in_store)
            .unwrap_or_default();
        let findings = findings::done(JobReason::Generated, &message);
        Plan {
            delete: self.observed.jobs.superseded(),
            ..Plan::holding(self.status(&self.before, &findings), Requeue::Steady)
        }
    }

    fn given_up(&self) -> Plan<DemoDatasetStatus> {
        let mut status = DemoDatasetStatus {
            observed_generation: self.dataset.metadata.generation,
            ..self.before.clone()
        };
        // An edit changes nothing about it, and whoever waits for the condition is told so.
        for condition in &mut status.conditions {
            condition.observed_generation = self.dataset.metadata.generation;
        }
        Plan {
            delete: self.observed.jobs.superseded(),
            ..Plan::holding(status, Requeue::Steady)
        }
    }

    fn end(&self) -> Plan<DemoDatasetStatus> {
        if !has_finalizer(self.dataset) {
            return Plan::holding(self.before.clone(), Requeue::Steady);
        }
        let step = Deletion {
            policy: self.dataset.spec.artifact_policy,
            what: "dataset",
            artifact: self
                .before
                .artifact
                .as_ref()
                .map(|artifact| artifact.uri.as_str()),
            is_namespace_terminating: self.observed.is_namespace_terminating,
            users: &self.observed.users,
            has_storage: self.storage.is_ok(),
            jobs: &self.observed.jobs,
            purge: Attempts::to_purge(
                &self.owner.name,
                self.before.job.as_ref(),
                &self.observed.jobs,
                self.now,
            ),
        }
        .decide();
        let start = step
            .start
            .zip(self.storage.as_ref().ok())
            .map(|(attempt, storage)| {
                let template = self.dataset.spec.template.as_ref();
                job_build::purge(
                    self.owner,
                    Component::Generate,
                    template,
                    attempt,
                    storage,
                    self.settings,
                )
            });
        let mut status = self.before.clone();
        status.observed_generation = self.dataset.metadata.generation;
        status
            .conditions
            .retain(|condition| condition.type_ != DELETING);
        status.conditions.extend(self.merged(&[step.finding]));
        status.job = step.job.or(status.job);
        Plan {
            start,
            delete: step.delete,
            release: step.release,
            is_namespace_terminating: self.observed.is_namespace_terminating,
            ended: step.ended.map(|reason| (Component::Purge, reason)),
            ..Plan::holding(status, step.requeue)
        }
    }

    fn status(&self, from: &DemoDatasetStatus, findings: &[Finding]) -> DemoDatasetStatus {
        DemoDatasetStatus {
            observed_generation: self.dataset.metadata.generation,
            conditions: self.merged(findings),
            ..from.clone()
        }
    }

    fn merged(&self, findings: &[Finding]) -> Vec<Condition> {
        let generation = self.dataset.metadata.generation.unwrap_or_default();
        condition::merge(&self.before.conditions, findings, generation, self.now)
    }
}

fn in_store(artifact: &ArtifactReference) -> String {
    format!("the dataset is in the store at {}", artifact.uri)
}
