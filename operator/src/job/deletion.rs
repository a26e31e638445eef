//! How an object goes that may own an artifact in the store: retained at once, or purged by a Job as soon as nobody uses it.
//! Pure.

use crate::events::Happening;
use crate::job::attempts::{Attempts, State};
use crate::job::observe::ObservedJobs;
use crate::requeue::Requeue;
use kube::runtime::events::EventType;
use searchop_crds::condition::{DELETING, Finding};
use searchop_crds::reason::JobReason;
use searchop_crds::{ArtifactPolicy, JobStatus};

/// Most users of an artifact that a message names.
const NAMED_USERS: usize = 5;

/// What is known of an object that is being deleted.
#[derive(Clone, Copy, Debug)]
pub struct Deletion<'a> {
    /// What shall happen to the artifact.
    pub policy: ArtifactPolicy,
    /// What the artifact is, for people: `dataset` or `model`.
    pub what: &'static str,
    /// Where the artifact is, if there is one.
    pub artifact: Option<&'a str>,
    /// Whether nothing can be created in the namespace any more.
    pub is_namespace_terminating: bool,
    /// Other objects that use the artifact.
    pub users: &'a [String],
    /// Whether a purge would know where the store is.
    pub has_storage: bool,
    /// The object's Jobs.
    pub jobs: &'a ObservedJobs,
    /// The attempts to purge.
    pub purge: Attempts<'a>,
}

/// One step towards the object's end.
#[derive(Clone, Debug, PartialEq)]
pub struct DeletionStep {
    /// The condition `Deleting`.
    pub finding: Finding,
    /// What `status.job` shall be, if it changes.
    pub job: Option<JobStatus>,
    /// Number of the purge Job to create.
    pub start: Option<i32>,
    /// Names of Jobs to delete.
    pub delete: Vec<String>,
    /// The object may go: what to tell.
    pub release: Option<Happening>,
    /// The end of a purge that is seen for the first time, as a reason.
    pub ended: Option<JobReason>,
    /// When to look again.
    pub requeue: Requeue,
}

impl Deletion<'_> {
    /// What to do now.
    #[must_use]
    pub fn decide(&self) -> DeletionStep {
        if self.is_namespace_terminating {
            let why = "its namespace is being deleted, so that no Job could purge it";
            return self.release(JobReason::Retained, &self.stays(why));
        }
        if self.policy == ArtifactPolicy::Retain {
            return self.release(
                JobReason::Retained,
                &self.stays("spec.artifactPolicy is Retain"),
            );
        }
        if !self.users.is_empty() {
            return self.wait(JobReason::InUse, self.users_named(), Requeue::Blocked);
        }
        let running: Vec<_> = self
            .jobs
            .work
            .iter()
            .filter(|job| !job.is_deleting())
            .map(|job| job.name().to_owned())
            .collect();
        if !self.jobs.work.is_empty() || self.jobs.live_work_pods > 0 {
            let message = "the Jobs that write to the store are being stopped".to_owned();
            let step = self.wait(JobReason::Purging, message, Requeue::Watch);
            return DeletionStep {
                delete: running,
                ..step
            };
        }
        if !self.has_storage {
            let message = "cannot purge: no store is configured; set spec.artifactPolicy to Retain to let the object go";
            return self.wait(
                JobReason::StorageNotConfigured,
                message.to_owned(),
                Requeue::Steady,
            );
        }
        self.purge()
    }

    fn purge(&self) -> DeletionStep {
        let step = self.purge.decide();
        let job = step.job.clone();
        let ended = match (&step.state, step.counted) {
            (State::Succeeded(_), _) => Some(JobReason::Purged),
            (State::Retrying(failure, _), true) => Some(failure.reason),
            _ => None,
        };
        let name = job.as_ref().map_or("", |job| job.name.as_str());
        let (reason, message, requeue) = match step.state {
            State::Succeeded(_) => {
                let note = format!(
                    "the {} was deleted from the store, but for what others refer to",
                    self.what
                );
                return DeletionStep {
                    job,
                    ended,
                    ..self.release(JobReason::Purged, &note)
                };
            }
            State::Start => (
                JobReason::Purging,
                format!("Job {name} is being started"),
                Requeue::Watch,
            ),
            State::Running { .. } => (
                JobReason::Purging,
                format!("Job {name} deletes the {} from the store", self.what),
                Requeue::Watch,
            ),
            State::Waiting(JobReason::Starting, _) => (
                JobReason::Purging,
                format!("Job {name} is being started"),
                Requeue::Watch,
            ),
            State::Waiting(reason, message) => (reason, message, Requeue::Watch),
            State::Retrying(failure, at) => {
                let message = format!(
                    "cannot purge: {}; tried again at {at}; set spec.artifactPolicy to Retain to let the object go",
                    failure.message
                );
                (failure.reason, message, Requeue::At(at))
            }
            State::Failed(failure) => (failure.reason, failure.message, Requeue::Steady),
        };
        DeletionStep {
            job,
            start: step.start,
            delete: step.superseded,
            ended,
            ..self.wait(reason, message, requeue)
        }
    }

    fn stays(&self, why: &str) -> String {
        match self.artifact {
            Some(uri) => format!("the {} stays in the store at {uri}: {why}", self.what),
            None => format!("nothing was deleted from the store: {why}"),
        }
    }

    fn users_named(&self) -> String {
        let named = self
            .users
            .iter()
            .take(NAMED_USERS)
            .cloned()
            .collect::<Vec<_>>()
            .join(", ");
        let more = match self.users.len().saturating_sub(NAMED_USERS) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!(
            "the {} is used by {named}{more}: delete those first, or set spec.artifactPolicy to Retain to let the object go at once",
            self.what
        )
    }

    fn wait(&self, reason: JobReason, message: String, requeue: Requeue) -> DeletionStep {
        DeletionStep {
            finding: Finding {
                type_: DELETING,
                status: Some(true),
                reason: reason.as_str(),
                message,
            },
            job: None,
            start: None,
            delete: Vec::new(),
            release: None,
            ended: None,
            requeue,
        }
    }

    fn release(&self, reason: JobReason, note: &str) -> DeletionStep {
        DeletionStep {
            release: Some(Happening {
                type_: EventType::Normal,
                reason: reason.as_str().to_owned(),
                note: note.to_owned(),
            }),
            ..self.wait(reason, note.to_owned(), Requeue::Steady)
        }
    }
}
