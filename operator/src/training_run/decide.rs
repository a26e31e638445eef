//! Decides what a TrainingRun needs next. Pure: the spec, what was observed and the time in, a plan out.

use crate::job::attempts::{Attempts, FAILURE_LIMIT, State};
use crate::job::deletion::Deletion;
use crate::job::execute::Plan;
use crate::job::message::{is_digest, printable};
use crate::job::{Step, build as job_build, findings, progress};
use crate::owner::Owner;
use crate::requeue::Requeue;
use crate::settings::Settings;
use crate::status::has_finalizer;
use crate::storage::{self, Storage, StorageNotConfigured};
use crate::training_run::observe::Observed;
use crate::training_run::{build, source};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use k8s_openapi::jiff::Timestamp;
use searchop_crds::condition::{self, DELETING, FAILED, Finding, SUSPENDED};
use searchop_crds::labels::Component;
use searchop_crds::reason::JobReason;
use searchop_crds::{
    DataFound, JobStatus, MetricStatus, ProducedModel, TrainingRun, TrainingRunStatus, Versions,
};
use serde::Deserialize;
use serde_json::Value;

/// Most versions that a status may name.
const VERSIONS: usize = 8;
/// Most metrics that a status may hold.
const METRICS: usize = 16;
/// Most notes that a status may hold.
const NOTES: usize = 5;
/// Most kinds of bad lines that a status may hold.
const BAD_LINE_KINDS: usize = 16;
/// Most causes to leave something out that a status may hold.
const CAUSES: usize = 64;
/// Longest note in characters.
const NOTE_LIMIT: usize = 200;

/// A trainer's result.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Trained {
    model: ProducedModel,
    dataset_sha256: String,
    #[serde(default)]
    metrics: Vec<MetricStatus>,
    #[serde(default)]
    versions: Versions,
    #[serde(default)]
    data: Value,
    #[serde(default)]
    notes: Value,
}

impl Trained {
    fn read(value: &Value) -> Option<Self> {
        serde_json::from_value(value.clone())
            .ok()
            .filter(|result: &Self| {
                is_digest(&result.model.sha256) && is_digest(&result.dataset_sha256)
            })
    }

    /// What was found in the data, if it is readable and within its bounds: nothing about it makes a
    /// result unreadable.
    fn data(&self) -> Option<DataFound> {
        let mut found: DataFound = serde_json::from_value(self.data.clone()).ok()?;
        for (counts, limit) in [
            (&mut found.bad_lines, BAD_LINE_KINDS),
            (&mut found.left_out, CAUSES),
        ] {
            *counts = std::mem::take(counts)
                .into_iter()
                .filter(|(kind, _)| kind.chars().all(|letter| letter.is_ascii_alphanumeric()))
                .take(limit)
                .collect();
        }
        Some(found)
    }

    /// The notes, as far as they are any: nothing about them makes a result unreadable.
    fn notes(&self) -> Vec<String> {
        let notes = self.notes.as_array().into_iter().flatten();
        notes
            .filter_map(Value::as_str)
            .map(|note| printable(note).trim().chars().take(NOTE_LIMIT).collect())
            .filter(|note: &String| !note.is_empty())
            .take(NOTES)
            .collect()
    }
}

/// What the TrainingRun needs next.
#[must_use]
pub fn decide(
    owner: &Owner,
    run: &TrainingRun,
    observed: &Observed,
    settings: &Settings,
    now: Timestamp,
) -> Plan<TrainingRunStatus> {
    let situation = Situation {
        owner,
        run,
        observed,
        settings,
        now,
        storage: storage::resolve(run.spec.storage.as_ref(), settings),
        before: run.status.clone().unwrap_or_default(),
    };
    if run.metadata.deletion_timestamp.is_some() {
        return situation.end();
    }
    if situation.before.model.is_some() {
        return situation.complete();
    }
    if condition::is_true(&situation.before.conditions, FAILED) {
        return situation.given_up();
    }
    situation.train()
}

struct Situation<'a> {
    owner: &'a Owner,
    run: &'a TrainingRun,
    observed: &'a Observed,
    settings: &'a Settings,
    now: Timestamp,
    storage: Result<Storage, StorageNotConfigured>,
    before: TrainingRunStatus,
}

impl Situation<'_> {
    fn train(&self) -> Plan<TrainingRunStatus> {
        let was_suspended = condition::is_true(&self.before.conditions, SUSPENDED);
        let step = Attempts {
            owner: &self.owner.name,
            component: Component::Train,
            status: self.before.job.as_ref(),
            jobs: &self.observed.jobs.work,
            greatest: self.observed.jobs.greatest_work,
            was_suspended,
            limit: Some(FAILURE_LIMIT),
            is_result: |value| Trained::read(value).is_some(),
            now: self.now,
        }
        .decide();
        if let State::Succeeded(value) = &step.state
            && let Some(result) = Trained::read(value)
        {
            return self.succeeded(step.job, result);
        }
        // Until the Job that a suspension deleted is gone, the run still counts as suspended.
        let is_stopping =
            was_suspended && self.observed.jobs.work.iter().any(|job| job.is_deleting());
        if self.run.spec.suspend || is_stopping {
            return self.suspended();
        }
        match step.start {
            Some(attempt) => self.begin(attempt, step),
            None => self.wait(step),
        }
    }

    /// Starts the Job, if there is data and a store.
    fn begin(&self, attempt: i32, step: Step) -> Plan<TrainingRunStatus> {
        let source = match source::resolve(&self.run.spec.dataset, self.observed) {
            Ok(source) => source,
            Err(missing) => return self.held(missing.reason, &missing.message, Requeue::Watch),
        };
        let storage = match &self.storage {
            Ok(storage) => storage,
            Err(error) => {
                return self.held(
                    JobReason::StorageNotConfigured,
                    &error.to_string(),
                    Requeue::Steady,
                );
            }
        };
        let start = build::train(
            self.owner,
            &self.run.spec,
            &source,
            attempt,
            storage,
            self.settings,
        );
        Plan {
            start: Some(start),
            ..self.wait(step)
        }
    }

    fn wait(&self, step: Step) -> Plan<TrainingRunStatus> {
        let (findings, requeue) = findings::pending(&step.state, step.job.as_ref());
        let mut status = self.status(&self.before, &with_suspended(&findings, false));
        let attempt = |job: Option<&JobStatus>| job.map(|job| job.attempt);
        let is_same = attempt(self.before.job.as_ref()) == attempt(step.job.as_ref());
        status.progress = progress::shown(
            self.before.progress.as_ref(),
            is_same,
            self.observed.progress.as_ref(),
        );
        let ended = match (&step.state, step.counted) {
            (State::Retrying(failure, _) | State::Failed(failure), true) => {
                Some((Component::Train, failure.reason))
            }
            _ => None,
        };
        status.job = step.job;
        Plan {
            delete: step.superseded,
            ended,
            ..Plan::holding(status, requeue)
        }
    }

    fn held(&self, reason: JobReason, message: &str, requeue: Requeue) -> Plan<TrainingRunStatus> {
        let findings = with_suspended(&findings::held(reason, message), false);
        Plan::holding(self.status(&self.before, &findings), requeue)
    }

    fn suspended(&self) -> Plan<TrainingRunStatus> {
        let jobs = &self.observed.jobs.work;
        let findings = findings::held(JobReason::Suspended, "spec.suspend is true: no Job runs");
        let mut status = self.status(&self.before, &with_suspended(&findings, true));
        status.progress = None;
        if let Some(job) = &mut status.job {
            job.retry_at = None;
        }
        Plan {
            delete: jobs
                .iter()
                .filter(|job| !job.is_deleting())
                .map(|job| job.name().to_owned())
                .collect(),
            ..Plan::holding(
                status,
                if jobs.is_empty() {
                    Requeue::Steady
                } else {
                    Requeue::Watch
                },
            )
        }
    }

    fn succeeded(&self, job: Option<JobStatus>, result: Trained) -> Plan<TrainingRunStatus> {
        let findings = findings::done(JobReason::Trained, &in_store(&result.model));
        let status = TrainingRunStatus {
            progress: Some(progress::complete()),
            data: result.data(),
            notes: result.notes(),
            metrics: result.metrics.into_iter().take(METRICS).collect(),
            model: Some(result.model),
            dataset_sha256: Some(result.dataset_sha256),
            versions: result.versions.into_iter().take(VERSIONS).collect(),
            job,
            ..self.status(&self.before, &with_suspended(&findings, false))
        };
        Plan {
            ended: Some((Component::Train, JobReason::Trained)),
            ..Plan::holding(status, Requeue::Steady)
        }
    }

    /// It has its model: older Jobs go, and nothing else changes any more.
    fn complete(&self) -> Plan<TrainingRunStatus> {
        let message = self.before.model.as_ref().map(in_store).unwrap_or_default();
        let findings = with_suspended(&findings::done(JobReason::Trained, &message), false);
        Plan {
            delete: self.observed.jobs.superseded(),
            ..Plan::holding(self.status(&self.before, &findings), Requeue::Steady)
        }
    }

    fn given_up(&self) -> Plan<TrainingRunStatus> {
        let mut status = TrainingRunStatus {
            observed_generation: self.run.metadata.generation,
            ..self.before.clone()
        };
        // An edit changes nothing about it, and whoever waits for the condition is told so.
        for condition in &mut status.conditions {
            condition.observed_generation = self.run.metadata.generation;
        }
        Plan {
            delete: self.observed.jobs.superseded(),
            ..Plan::holding(status, Requeue::Steady)
        }
    }

    fn end(&self) -> Plan<TrainingRunStatus> {
        if !has_finalizer(self.run) {
            return Plan::holding(self.before.clone(), Requeue::Steady);
        }
        let step = Deletion {
            policy: self.run.spec.artifact_policy,
            what: "model",
            artifact: self.before.model.as_ref().map(|model| model.uri.as_str()),
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
                let template = self.run.spec.template.as_ref();
                job_build::purge(
                    self.owner,
                    Component::Train,
                    template,
                    attempt,
                    storage,
                    self.settings,
                )
            });
        let mut status = self.before.clone();
        status.observed_generation = self.run.metadata.generation;
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

    fn status(&self, from: &TrainingRunStatus, findings: &[Finding]) -> TrainingRunStatus {
        TrainingRunStatus {
            observed_generation: self.run.metadata.generation,
            conditions: self.merged(findings),
            ..from.clone()
        }
    }

    fn merged(&self, findings: &[Finding]) -> Vec<Condition> {
        let generation = self.run.metadata.generation.unwrap_or_default();
        condition::merge(&self.before.conditions, findings, generation, self.now)
    }
}

fn with_suspended(findings: &[Finding; 2], is_suspended: bool) -> [Finding; 3] {
    let reason = if is_suspended {
        JobReason::Suspended
    } else {
        JobReason::NotSuspended
    };
    let message = if is_suspended {
        "spec.suspend is true"
    } else {
        ""
    };
    let [complete, failed] = findings.clone();
    [
        complete,
        failed,
        findings::finding(SUSPENDED, is_suspended, reason, message),
    ]
}

fn in_store(model: &ProducedModel) -> String {
    format!("the model is in the store at {}", model.uri)
}
