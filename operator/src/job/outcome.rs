//! What a Job and its pod say about how far the work is. Pure: it reads objects that `observe` has listed.

use crate::job::message::{self, Message};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ContainerStateTerminated, Pod, PodStatus};
use searchop_crds::reason::JobReason;
use serde_json::Value;

/// What is said of a Job without a pod. Why none comes is known to the Job's Events alone, which the operator may not read.
pub const NO_POD: &str = "the Job has no pod yet; if none comes, a quota or an admission rule refuses it: see the Job's Events";

/// What a failure means for trying again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The same input fails again: no further attempt.
    Terminal,
    /// The program's or its memory limit's fault: a few attempts.
    Fault,
    /// Storage, network, nodes: attempts without end.
    Interruption,
}

/// Why a Job ended without a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What it means for trying again.
    pub class: Class,
    /// The condition's reason.
    pub reason: JobReason,
    /// For people.
    pub message: String,
}

impl Failure {
    /// A failure with its message.
    #[must_use]
    pub fn new(class: Class, reason: JobReason, message: impl Into<String>) -> Self {
        Self {
            class,
            reason,
            message: message.into(),
        }
    }
}

/// How a Job ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// With a result: the termination message.
    Succeeded(Value),
    /// Without one.
    Failed(Failure),
}

/// How far a Job is.
#[derive(Clone, Debug, PartialEq)]
pub enum Phase {
    /// Its program does not run yet: why, for the condition.
    Waiting { reason: JobReason, message: String },
    /// Its program runs, at this address if it is known.
    Running { ip: Option<String> },
    /// It ended.
    Ended(Outcome),
}

/// A Job of an owner.
#[derive(Clone, Debug)]
pub struct ObservedJob {
    /// The object.
    pub job: Job,
    /// Its number, counted from 1.
    pub attempt: i32,
    /// How far it is.
    pub phase: Phase,
}

impl ObservedJob {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.job.metadata.name.as_deref().unwrap_or_default()
    }

    /// Whether it is on its way out.
    #[must_use]
    pub fn is_deleting(&self) -> bool {
        self.job.metadata.deletion_timestamp.is_some()
    }

    /// Whether its program has ended, or never will run again.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        matches!(self.phase, Phase::Ended(_))
    }
}

/// How far the Job is, by its conditions and its pod. `pod` is its newest pod, if one is left.
#[must_use]
pub fn phase(job: &Job, pod: Option<&Pod>) -> Phase {
    if let Some(reason) = condition(job, &["Failed", "FailureTarget"]) {
        return Phase::Ended(Outcome::Failed(failure_of_job(&reason, pod)));
    }
    let is_complete = condition(job, &["Complete", "SuccessCriteriaMet"]).is_some();
    let status = pod.and_then(|pod| pod.status.as_ref());
    let pod_phase = status.and_then(|status| status.phase.as_deref());
    match (is_complete, pod_phase) {
        (_, Some("Succeeded")) => Phase::Ended(result(status)),
        (true, _) => Phase::Ended(Outcome::Failed(Failure::new(
            Class::Interruption,
            JobReason::Interrupted,
            "the Job ended, but its pod is gone and with it the result; another attempt finds it in the store",
        ))),
        (false, Some("Running")) => Phase::Running {
            ip: status.and_then(|status| status.pod_ip.clone()),
        },
        // The Job's own verdict follows in a moment.
        (false, Some("Failed")) => Phase::Running { ip: None },
        (false, _) if pod.is_none() => Phase::Waiting {
            reason: JobReason::Starting,
            message: NO_POD.to_owned(),
        },
        (false, _) => waiting(status),
    }
}

/// Reason of the first of these conditions that is true; a missing reason is empty.
fn condition(job: &Job, types: &[&str]) -> Option<String> {
    job.status
        .as_ref()?
        .conditions
        .iter()
        .flatten()
        .find(|condition| types.contains(&condition.type_.as_str()) && condition.status == "True")
        .map(|condition| condition.reason.clone().unwrap_or_default())
}

fn terminated(status: Option<&PodStatus>) -> Option<&ContainerStateTerminated> {
    status?
        .container_statuses
        .iter()
        .flatten()
        .find_map(|container| container.state.as_ref()?.terminated.as_ref())
}

fn result(status: Option<&PodStatus>) -> Outcome {
    let text = terminated(status).and_then(|terminated| terminated.message.as_deref());
    match message::read(text) {
        Message::Succeeded(value) => Outcome::Succeeded(value),
        _ => Outcome::Failed(Failure::new(
            Class::Fault,
            JobReason::JobCrashed,
            "the Job's program ended without an error, but left no result that can be read",
        )),
    }
}

fn failure_of_job(reason: &str, pod: Option<&Pod>) -> Failure {
    if reason == "DeadlineExceeded" {
        let text = "the Job ran longer than its deadline";
        return Failure::new(Class::Fault, JobReason::JobCrashed, text);
    }
    match pod {
        Some(pod) => failure_of_pod(pod),
        None => Failure::new(
            Class::Interruption,
            JobReason::Interrupted,
            "the Job's pod was deleted, or lost with its node",
        ),
    }
}

fn failure_of_pod(pod: &Pod) -> Failure {
    let status = pod.status.as_ref();
    let is_disrupted = pod.metadata.deletion_timestamp.is_some()
        || status
            .and_then(|status| status.conditions.as_ref())
            .into_iter()
            .flatten()
            .any(|condition| condition.type_ == "DisruptionTarget" && condition.status == "True");
    let why = status
        .and_then(|status| status.message.as_deref().or(status.reason.as_deref()))
        .map_or_else(String::new, |why| format!(": {}", message::printable(why)));
    let is_evicted = status.and_then(|status| status.reason.as_deref()) == Some("Evicted");
    if is_evicted && !is_disrupted && (why.contains("ephemeral") || why.contains("EmptyDir")) {
        return Failure::new(
            Class::Fault,
            JobReason::OutOfDisk,
            format!("the pod was evicted{why}"),
        );
    }
    let interrupted = || {
        Failure::new(
            Class::Interruption,
            JobReason::Interrupted,
            format!("the Job's pod was evicted, deleted or refused by its node{why}"),
        )
    };
    match terminated(status) {
        None => interrupted(),
        Some(end) if end.reason.as_deref() == Some("OOMKilled") => Failure::new(
            Class::Fault,
            JobReason::OutOfMemory,
            "the container exceeded its memory limit: spec.template.resources.limits.memory",
        ),
        Some(end) if is_disrupted && matches!(end.exit_code, 137 | 143) => interrupted(),
        Some(end) => failure_by_exit_code(end),
    }
}

/// The exit code says what to do; the message may say why.
fn failure_by_exit_code(end: &ContainerStateTerminated) -> Failure {
    let code = end.exit_code;
    let (reason, text) = match message::read(end.message.as_deref()) {
        Message::Failed { reason, text } => (reason, text),
        Message::Succeeded(_) | Message::Nothing => (
            None,
            format!("exit code {code}, and no message that can be read"),
        ),
    };
    let (class, default) = match code {
        75 => (Class::Interruption, JobReason::Interrupted),
        65 => (Class::Terminal, JobReason::InvalidData),
        2 => (Class::Terminal, JobReason::InvalidParameters),
        _ => (Class::Fault, JobReason::JobCrashed),
    };
    Failure::new(class, reason.unwrap_or(default), text)
}

fn waiting(status: Option<&PodStatus>) -> Phase {
    let unschedulable = status
        .and_then(|status| status.conditions.as_ref())
        .into_iter()
        .flatten()
        .find(|condition| condition.type_ == "PodScheduled" && condition.status == "False");
    if let Some(condition) = unschedulable {
        let why = condition.message.as_deref().unwrap_or("no reason given");
        return Phase::Waiting {
            reason: JobReason::Unschedulable,
            message: format!(
                "no node has room for the Job's pod: {}",
                message::printable(why)
            ),
        };
    }
    let held = status
        .and_then(|status| status.container_statuses.as_ref())
        .into_iter()
        .flatten()
        .find_map(|container| container.state.as_ref()?.waiting.as_ref());
    let why = held
        .and_then(|waiting| waiting.reason.as_deref())
        .unwrap_or_default();
    let reason = match why {
        "ErrImagePull" | "ImagePullBackOff" | "InvalidImageName" | "ErrImageNeverPull" => {
            JobReason::ImagePullFailed
        }
        _ => JobReason::Starting,
    };
    let message = match why {
        "" | "ContainerCreating" | "PodInitializing" => "the Job's pod is being started".to_owned(),
        // The kubelet alternates between these two; one text avoids a write for each turn.
        "ErrImagePull" | "ImagePullBackOff" => {
            "the Job's image cannot be pulled: see the pod's events".to_owned()
        }
        other => format!(
            "the Job's pod cannot start yet: {}",
            message::printable(other)
        ),
    };
    Phase::Waiting { reason, message }
}
