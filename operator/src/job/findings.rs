//! Words for how the work stands: the conditions `Complete` and `Failed` of DemoDataset and TrainingRun, and which reasons
//! are worth an Event. Pure.

use crate::error::Obstacle;
use crate::job::attempts::State;
use crate::job::outcome::NO_POD;
use crate::requeue::Requeue;
use kube::runtime::events::EventType;
use searchop_crds::JobStatus;
use searchop_crds::condition::{COMPLETE, DELETING, FAILED, Finding};
use searchop_crds::reason::JobReason;

/// The work waits for something that is not a Job.
#[must_use]
pub fn held(reason: JobReason, message: &str) -> [Finding; 2] {
    [
        finding(COMPLETE, false, reason, message),
        finding(FAILED, false, JobReason::NotFailed, ""),
    ]
}

/// The work has its result.
#[must_use]
pub fn done(reason: JobReason, message: &str) -> [Finding; 2] {
    [
        finding(COMPLETE, true, reason, message),
        finding(FAILED, false, JobReason::NotFailed, ""),
    ]
}

/// There will be no result.
#[must_use]
pub fn failed(reason: JobReason, message: &str) -> [Finding; 2] {
    [
        finding(COMPLETE, false, reason, message),
        finding(FAILED, true, reason, message),
    ]
}

/// Something stands in the way of the Job that is to be created: the work's, or the purge of an object that `is_deleting`.
#[must_use]
pub fn obstructed(obstacle: Obstacle, message: &str, is_deleting: bool) -> Vec<Finding> {
    let reason = match obstacle {
        Obstacle::Refused => JobReason::JobRefused,
        Obstacle::NameTaken => JobReason::NameTaken,
    };
    if is_deleting {
        return vec![finding(DELETING, true, reason, message)];
    }
    held(reason, message).to_vec()
}

/// How attempts stand that have no result yet, and when to look again.
#[must_use]
pub fn pending(state: &State, job: Option<&JobStatus>) -> ([Finding; 2], Requeue) {
    let name = job.map_or("", |job| job.name.as_str());
    match state {
        State::Start => {
            // The words of `outcome` for a Job without a pod: the next reconcile has nothing to write.
            (held(JobReason::Starting, NO_POD), Requeue::Watch)
        }
        State::Waiting(reason, message) => (held(*reason, message), Requeue::Watch),
        State::Running { .. } => (
            held(JobReason::Running, &format!("Job {name} runs")),
            Requeue::Progress,
        ),
        State::Retrying(failure, at) => {
            let message = format!("{}; tried again at {at}", failure.message);
            (held(failure.reason, &message), Requeue::At(*at))
        }
        State::Failed(failure) => {
            let failures = job.map_or(0, |job| job.failures);
            let message = match failures {
                0 | 1 => failure.message.clone(),
                many => format!("{} (failed {many} times)", failure.message),
            };
            (failed(failure.reason, &message), Requeue::Steady)
        }
        State::Succeeded(_) => (held(JobReason::Running, ""), Requeue::Now),
    }
}

/// One finding.
#[must_use]
pub fn finding(type_: &'static str, status: bool, reason: JobReason, message: &str) -> Finding {
    Finding {
        type_,
        status: Some(status),
        reason: reason.as_str(),
        message: message.to_owned(),
    }
}

/// The weight of a reason as an Event; `None`: not worth one.
#[must_use]
pub fn classify(reason: &str) -> Option<EventType> {
    match JobReason::parse(reason)? {
        JobReason::NotFailed | JobReason::NotSuspended | JobReason::Starting => None,
        // Told when the object is released.
        JobReason::Purged | JobReason::Retained => None,
        JobReason::Running
        | JobReason::Generated
        | JobReason::Trained
        | JobReason::WaitingForDataset
        | JobReason::Suspended
        | JobReason::Purging => Some(EventType::Normal),
        _ => Some(EventType::Warning),
    }
}
