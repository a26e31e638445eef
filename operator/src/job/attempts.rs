//! When to start a Job, to try again, or to give up. Pure: the rules of attempts, whatever the work is.
//!
//! An ended attempt is counted exactly once: counting writes `retryAt` into the status, and an attempt with `retryAt` is not
//! counted again. A Job that is newer than the status (its creation was the last thing an operator did) is taken up as it is.

use crate::job::observe::ObservedJobs;
use crate::job::outcome::{Class, Failure, ObservedJob, Outcome, Phase};
use crate::requeue;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use searchop_crds::labels::Component;
use searchop_crds::reason::JobReason;
use searchop_crds::{JobStatus, condition, names};
use serde_json::Value;

/// Failures of the work's own after which it is given up.
pub const FAILURE_LIMIT: i32 = 3;

/// What is known of the attempts of one owner at one component.
#[derive(Clone, Copy, Debug)]
pub struct Attempts<'a> {
    /// The owner's name: Jobs are named after it.
    pub owner: &'a str,
    /// What the Jobs do.
    pub component: Component,
    /// `status.job`; it counts only if it is of this component.
    pub status: Option<&'a JobStatus>,
    /// The owner's Jobs of this component, in the order of their numbers.
    pub jobs: &'a [ObservedJob],
    /// Greatest number among Jobs of that name, whoever owns them.
    pub greatest: i32,
    /// Whether the missing Job of the newest attempt was deleted on purpose.
    pub was_suspended: bool,
    /// Failures of the work's own after which it is given up; `None`: never, and not for invalid input either.
    pub limit: Option<i32>,
    /// Whether a result holds what this work's results hold.
    pub is_result: fn(&Value) -> bool,
    /// The time.
    pub now: Timestamp,
}

/// How the work stands.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// A Job is to be created.
    Start,
    /// The Job's program does not run yet.
    Waiting(JobReason, String),
    /// The Job runs.
    Running { ip: Option<String> },
    /// The Job ended without a result and another one will be created at that time.
    Retrying(Failure, Timestamp),
    /// There is a result.
    Succeeded(Value),
    /// There will be none.
    Failed(Failure),
}

/// What to do, and how the work stands then.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// How the work stands.
    pub state: State,
    /// What `status.job` shall be.
    pub job: Option<JobStatus>,
    /// Number of the Job to create.
    pub start: Option<i32>,
    /// Names of Jobs that newer ones have replaced.
    pub superseded: Vec<String>,
    /// The failure that this step counts for the first time.
    pub counted: bool,
}

impl<'a> Attempts<'a> {
    /// The attempts to purge: they never end but with success.
    #[must_use]
    pub fn to_purge(
        owner: &'a str,
        status: Option<&'a JobStatus>,
        jobs: &'a ObservedJobs,
        now: Timestamp,
    ) -> Self {
        Self {
            owner,
            component: Component::Purge,
            status,
            jobs: &jobs.purge,
            greatest: jobs.greatest_purge,
            was_suspended: false,
            limit: None,
            is_result: |_| true,
            now,
        }
    }

    /// What to do now.
    #[must_use]
    pub fn decide(&self) -> Step {
        let newest = self.jobs.iter().max_by_key(|job| job.attempt);
        let before = self.status_now(newest);
        let mut step = match (newest, before) {
            (None, None) => self.start(&JobStatus::default()),
            (None, Some(before)) => self.without_a_job(before),
            (Some(newest), before) => self.with_a_job(newest, before.unwrap_or_default()),
        };
        let newest = newest.map_or(0, |job| job.attempt);
        step.superseded = self
            .jobs
            .iter()
            .filter(|job| job.attempt < newest && !job.is_deleting())
            .map(|job| job.name().to_owned())
            .collect();
        // At most one Job at a time: another one that has not ended goes first.
        let is_alone = self
            .jobs
            .iter()
            .all(|job| job.attempt == newest || job.has_ended());
        if !is_alone {
            step.start = None;
        }
        step
    }

    /// `status.job` if it is about this component, brought up to the newest Job that is there.
    fn status_now(&self, newest: Option<&ObservedJob>) -> Option<JobStatus> {
        let status = self
            .status
            .filter(|status| names::job_attempt(&status.name, self.owner, self.component).is_some())
            .cloned();
        match newest {
            Some(newest)
                if status
                    .as_ref()
                    .is_none_or(|status| status.attempt < newest.attempt) =>
            {
                Some(JobStatus {
                    name: newest.name().to_owned(),
                    attempt: newest.attempt,
                    retry_at: None,
                    ..status.unwrap_or_default()
                })
            }
            _ => status,
        }
    }

    fn without_a_job(&self, before: JobStatus) -> Step {
        if before.retry_at.is_none() && self.was_suspended {
            return self.start(&before);
        }
        let message = format!("Job {} was deleted", before.name);
        self.after(
            &Failure::new(Class::Interruption, JobReason::Interrupted, message),
            before,
        )
    }

    fn with_a_job(&self, newest: &ObservedJob, before: JobStatus) -> Step {
        match &newest.phase {
            Phase::Ended(Outcome::Succeeded(value)) if (self.is_result)(value) => {
                let state = State::Succeeded(value.clone());
                let job = JobStatus {
                    interruptions: 0,
                    retry_at: None,
                    ..before
                };
                self.holds(state, job)
            }
            Phase::Ended(Outcome::Succeeded(_)) => {
                let message = "the Job's result lacks what it must hold";
                self.after(
                    &Failure::new(Class::Fault, JobReason::JobCrashed, message),
                    before,
                )
            }
            Phase::Ended(Outcome::Failed(failure)) => self.after(failure, before),
            _ if newest.is_deleting() => {
                let message = format!("Job {} is being deleted", newest.name());
                let state = State::Waiting(JobReason::Starting, message);
                self.holds(state, before)
            }
            Phase::Waiting { reason, message } => {
                self.holds(State::Waiting(*reason, message.clone()), before)
            }
            Phase::Running { ip } => self.holds(State::Running { ip: ip.clone() }, before),
        }
    }

    /// What follows the end of an attempt without a result.
    fn after(&self, failure: &Failure, before: JobStatus) -> Step {
        match &before.retry_at {
            Some(at) if at.0 > self.now => {
                let at = at.0;
                self.holds(State::Retrying(failure.clone(), at), before)
            }
            Some(_) => self.start(&before),
            None => self.count(failure.clone(), before),
        }
    }

    /// Counts the end of an attempt, and decides whether there is another one.
    fn count(&self, failure: Failure, before: JobStatus) -> Step {
        let mut job = before;
        match failure.class {
            Class::Interruption => job.interruptions = job.interruptions.saturating_add(1),
            Class::Terminal | Class::Fault => {
                job.failures = job.failures.saturating_add(1);
                job.interruptions = 0;
            }
        }
        let is_over = self.limit.is_some_and(|limit| match failure.class {
            Class::Terminal => true,
            Class::Fault => job.failures >= limit,
            Class::Interruption => false,
        });
        let state = if is_over {
            State::Failed(failure)
        } else {
            let in_a_row = if failure.class == Class::Interruption {
                job.interruptions
            } else {
                job.failures
            };
            let delay = requeue::job_delay(in_a_row, &job.name);
            let delay = SignedDuration::try_from(delay).expect("minutes fit");
            // The API keeps whole seconds.
            let at = condition::whole_seconds(self.now.saturating_add(delay).unwrap_or(self.now));
            job.retry_at = Some(Time(at));
            State::Retrying(failure, at)
        };
        Step {
            counted: true,
            ..self.holds(state, job)
        }
    }

    fn start(&self, before: &JobStatus) -> Step {
        let attempt = before.attempt.max(self.greatest).saturating_add(1);
        let job = JobStatus {
            name: names::job(self.owner, self.component, attempt),
            attempt,
            failures: before.failures,
            interruptions: before.interruptions,
            retry_at: None,
        };
        Step {
            start: Some(attempt),
            ..self.holds(State::Start, job)
        }
    }

    fn holds(&self, state: State, job: JobStatus) -> Step {
        Step {
            state,
            job: Some(job),
            start: None,
            superseded: Vec::new(),
            counted: false,
        }
    }
}
