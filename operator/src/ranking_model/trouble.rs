//! Why a ranking pod is not ready, read from its status. Pure.
//!
//! The init step tells its own failures as a JSON termination message; for the rest Kubernetes' words are translated.

use k8s_openapi::api::core::v1::{ContainerState, ContainerStateTerminated, ContainerStatus, Pod};
use k8s_openapi::jiff::Timestamp;
use searchop_crds::reason::RankingModelReason;
use serde::Deserialize;

/// Name of the init container that fetches the bundles.
pub(crate) const FETCH: &str = "fetch";
/// Name of the container that serves.
pub(crate) const SERVER: &str = "server";

/// Who has to act for the pod to become ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    /// The cluster: the node, a quota, the registry. The pod goes on by itself.
    Blocked,
    /// The store or its credentials. The pod tries again without end.
    Retryable,
    /// Nobody but the user: the same inputs fail again.
    Terminal,
}

/// Why a pod is not ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub(crate) severity: Severity,
    pub(crate) reason: RankingModelReason,
    pub(crate) message: String,
    /// When it happened, where Kubernetes tells.
    pub(crate) at: Option<Timestamp>,
    /// Whether the serving container is in trouble, rather than the init step or the pod.
    pub(crate) is_crash: bool,
}

impl Trouble {
    fn blocked(reason: RankingModelReason, message: String) -> Self {
        Self {
            severity: Severity::Blocked,
            reason,
            message,
            at: None,
            is_crash: false,
        }
    }
}

#[derive(Deserialize)]
struct FetchFailure {
    #[serde(default)]
    retryable: bool,
    reason: String,
    #[serde(default)]
    message: String,
}

/// The reason of that name, as servers and the init step use them.
pub(crate) fn reason_named(name: &str) -> RankingModelReason {
    RankingModelReason::parse(name).unwrap_or(match name {
        "StorageUnfit" => RankingModelReason::StorageUnavailable,
        "Internal" => RankingModelReason::ServerCrashed,
        _ => RankingModelReason::InvalidBundle,
    })
}

/// Why the pod is not ready, as far as its status tells.
pub(crate) fn trouble(pod: &Pod) -> Option<Trouble> {
    let status = pod.status.as_ref()?;
    let fetch = container(status.init_container_statuses.as_deref(), FETCH);
    let server = container(status.container_statuses.as_deref(), SERVER);
    fetch
        .and_then(fetch_trouble)
        .or_else(|| server.and_then(server_trouble))
        .or_else(|| unschedulable(pod))
}

fn container<'a>(
    statuses: Option<&'a [ContainerStatus]>,
    name: &str,
) -> Option<&'a ContainerStatus> {
    statuses
        .unwrap_or_default()
        .iter()
        .find(|status| status.name == name)
}

fn fetch_trouble(status: &ContainerStatus) -> Option<Trouble> {
    let has_succeeded = ended(status.state.as_ref()).is_some_and(|end| end.exit_code == 0);
    if has_succeeded {
        return None;
    }
    let end = ended(status.state.as_ref()).or_else(|| ended(status.last_state.as_ref()));
    end.filter(|end| end.exit_code != 0)
        .map(fetch_failure)
        .or_else(|| waiting(status))
}

fn fetch_failure(end: &ContainerStateTerminated) -> Trouble {
    let at = end.finished_at.as_ref().map(|time| time.0);
    let told = end
        .message
        .as_deref()
        .and_then(|text| serde_json::from_str::<FetchFailure>(text.trim()).ok());
    match told {
        Some(told) => Trouble {
            severity: if is_terminal(end, &told) {
                Severity::Terminal
            } else {
                Severity::Retryable
            },
            reason: reason_named(&told.reason),
            message: told.message,
            at,
            is_crash: false,
        },
        None => Trouble {
            severity: Severity::Retryable,
            is_crash: false,
            ..crash("the fetch step", end)
        },
    }
}

/// Whether the same bundles fail again. A node's full disk or a bug in the step itself may be gone at the next attempt.
fn is_terminal(end: &ContainerStateTerminated, told: &FetchFailure) -> bool {
    !told.retryable && matches!(end.exit_code, 2 | 65)
}

fn server_trouble(status: &ContainerStatus) -> Option<Trouble> {
    let now = ended(status.state.as_ref());
    let last = now.or_else(|| ended(status.last_state.as_ref()));
    let is_backing_off = waiting_reason(status) == Some("CrashLoopBackOff");
    let is_out_of_memory = last.is_some_and(|end| end.reason.as_deref() == Some("OOMKilled"));
    // A server that has failed more than once and is being started again is still in its loop: what is said of it does not
    // change with each turn.
    let is_starting_over = status.restart_count > 1
        && status.started != Some(true)
        && last.is_some_and(|end| end.exit_code != 0);
    match last {
        Some(end) if is_backing_off || is_out_of_memory || is_starting_over => {
            Some(crash("the ranking server", end))
        }
        _ => waiting(status),
    }
}

fn crash(what: &str, end: &ContainerStateTerminated) -> Trouble {
    let how = match end.reason.as_deref() {
        Some("OOMKilled") => "exceeded its memory limit".to_owned(),
        _ => format!("exited with code {}", end.exit_code),
    };
    let last_words = end.message.as_deref().map(last_line).unwrap_or_default();
    let separator = if last_words.is_empty() { "" } else { ": " };
    Trouble {
        severity: Severity::Terminal,
        reason: RankingModelReason::ServerCrashed,
        message: format!("{what} {how}{separator}{last_words}"),
        at: end.finished_at.as_ref().map(|time| time.0),
        is_crash: true,
    }
}

fn last_line(text: &str) -> String {
    text.trim()
        .lines()
        .last()
        .unwrap_or_default()
        .chars()
        .take(300)
        .collect()
}

fn waiting(status: &ContainerStatus) -> Option<Trouble> {
    let reason = match waiting_reason(status)? {
        "ImagePullBackOff" | "ErrImagePull" | "InvalidImageName" | "ErrImageNeverPull" => {
            RankingModelReason::ImagePullFailed
        }
        "CreateContainerConfigError" | "CreateContainerError" | "RunContainerError" => {
            RankingModelReason::ContainerNotStarting
        }
        _ => return None,
    };
    let waiting = status.state.as_ref()?.waiting.as_ref()?;
    Some(Trouble::blocked(
        reason,
        format!(
            "container {}: {}",
            status.name,
            waiting.message.clone().unwrap_or_default()
        ),
    ))
}

fn waiting_reason(status: &ContainerStatus) -> Option<&str> {
    status.state.as_ref()?.waiting.as_ref()?.reason.as_deref()
}

fn ended(state: Option<&ContainerState>) -> Option<&ContainerStateTerminated> {
    state?.terminated.as_ref()
}

fn unschedulable(pod: &Pod) -> Option<Trouble> {
    let conditions = pod.status.as_ref()?.conditions.as_ref()?;
    let scheduled = conditions
        .iter()
        .find(|condition| condition.type_ == "PodScheduled")?;
    (scheduled.status == "False" && scheduled.reason.as_deref() == Some("Unschedulable")).then(
        || {
            Trouble::blocked(
                RankingModelReason::Unschedulable,
                scheduled.message.clone().unwrap_or_default(),
            )
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn found(init: &Value, server: &Value) -> Option<Trouble> {
        let pod = json!({
            "status": {
                "initContainerStatuses": [{"name": "fetch", "state": init["state"], "lastState": init["last"], "image": "", "imageID": "", "ready": false, "restartCount": 0}],
                "containerStatuses": [{"name": "server", "state": server["state"], "lastState": server["last"], "image": "", "imageID": "", "ready": false, "restartCount": 0}],
            }
        });
        trouble(&serde_json::from_value(pod).expect("a pod"))
    }

    fn end(code: i32, reason: &str, message: &str) -> Value {
        json!({"terminated": {"exitCode": code, "reason": reason, "message": message, "finishedAt": "2026-01-01T00:00:00Z"}})
    }

    #[test]
    fn each_cause_is_named() {
        let storage = r#"{"outcome":"Failed","retryable":true,"reason":"StorageUnavailable","message":"no answer"}"#;
        let corrupt = r#"{"outcome":"Failed","retryable":false,"reason":"DigestMismatch","message":"expected a, got b"}"#;
        let fetched = json!({"state": end(0, "Completed", "")});
        let waits = |reason: &str| json!({"waiting": {"reason": reason, "message": "back-off"}});
        let pending = json!({"state": waits("PodInitializing")});
        let cases = [
            (
                json!({"state": end(75, "Error", storage)}),
                pending.clone(),
                Severity::Retryable,
                "StorageUnavailable",
            ),
            (
                json!({"state": waits("CrashLoopBackOff"), "last": end(75, "Error", storage)}),
                pending.clone(),
                Severity::Retryable,
                "StorageUnavailable",
            ),
            (
                json!({"state": {"running": {}}, "last": end(75, "Error", storage)}),
                pending.clone(),
                Severity::Retryable,
                "StorageUnavailable",
            ),
            (
                json!({"state": waits("CrashLoopBackOff"), "last": end(65, "Error", corrupt)}),
                pending.clone(),
                Severity::Terminal,
                "DigestMismatch",
            ),
            (
                json!({"state": waits("ImagePullBackOff")}),
                pending.clone(),
                Severity::Blocked,
                "ImagePullFailed",
            ),
            (
                json!({"state": end(70, "Error", "panicked at x")}),
                pending.clone(),
                Severity::Retryable,
                "ServerCrashed",
            ),
            (
                fetched.clone(),
                json!({"state": waits("CrashLoopBackOff"), "last": end(1, "Error", "")}),
                Severity::Terminal,
                "ServerCrashed",
            ),
            (
                fetched.clone(),
                json!({"state": {"running": {}}, "last": end(137, "OOMKilled", "")}),
                Severity::Terminal,
                "ServerCrashed",
            ),
            (
                fetched.clone(),
                json!({"state": waits("CreateContainerConfigError")}),
                Severity::Blocked,
                "ContainerNotStarting",
            ),
        ];
        for (init, server, severity, reason) in cases {
            let trouble =
                found(&init, &server).unwrap_or_else(|| panic!("{init} {server}: no trouble"));
            assert_eq!(
                (trouble.severity, trouble.reason.as_str()),
                (severity, reason),
                "{init} {server}"
            );
        }
    }

    #[test]
    fn a_pod_that_goes_on_by_itself_is_in_no_trouble() {
        let fetched = json!({"state": end(0, "Completed", ""), "last": end(75, "Error", "{}")});
        let running = json!({"state": {"running": {}}});
        assert_eq!(found(&fetched, &running), None);
        assert_eq!(found(&json!({"state": {"running": {}}}), &json!({})), None);
        let restarted_once = json!({"state": {"running": {}}, "last": end(137, "Error", "")});
        assert_eq!(
            found(&fetched, &restarted_once),
            None,
            "one restart is no crash loop"
        );
    }

    #[test]
    fn a_crash_loop_is_one_whether_the_server_waits_or_runs_again() {
        let pod = |state: Value, started: bool, restarts: i32| {
            let pod = json!({"status": {"containerStatuses": [{"name": "server", "state": state, "lastState": end(1, "Error", "no"),
                "started": started, "image": "", "imageID": "", "ready": false, "restartCount": restarts}]}});
            trouble(&serde_json::from_value(pod).expect("a pod"))
        };
        let waiting = json!({"waiting": {"reason": "CrashLoopBackOff"}});
        let running = json!({"running": {"startedAt": "2026-01-01T00:01:00Z"}});
        assert_eq!(pod(running.clone(), false, 2), pod(waiting, false, 2));
        assert!(pod(running.clone(), false, 2).is_some());
        assert_eq!(
            pod(running.clone(), false, 1),
            None,
            "one restart is no loop"
        );
        assert_eq!(pod(running, true, 9), None, "it has started");
    }

    #[test]
    fn a_pod_that_no_node_takes_is_named() {
        let pod = json!({"status": {"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes"}]}});
        let trouble = trouble(&serde_json::from_value(pod).expect("a pod")).expect("trouble");
        assert_eq!(
            (trouble.reason, trouble.message.as_str()),
            (RankingModelReason::Unschedulable, "0/3 nodes")
        );
    }
}
