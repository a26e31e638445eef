//! What Jobs and pods say: every way to end has its class and reason.

use crate::job::outcome::{Class, Failure, Outcome, Phase, phase};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use searchop_crds::reason::JobReason;
use serde_json::{Value, json};

fn job(condition: Option<(&str, &str)>) -> Job {
    let conditions: Vec<_> = condition
        .into_iter()
        .map(|(type_, reason)| json!({"type": type_, "status": "True", "reason": reason}))
        .collect();
    serde_json::from_value(json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {}, "status": {"conditions": conditions}}))
        .expect("a Job")
}

fn failed_job() -> Job {
    job(Some(("Failed", "BackoffLimitExceeded")))
}

fn pod(status: &Value) -> Pod {
    serde_json::from_value(
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {}, "status": status}),
    )
    .expect("a Pod")
}

fn exited(code: i32, reason: &str, message: &str) -> Value {
    json!({"phase": "Failed", "containerStatuses": [{
        "name": "trainer", "image": "", "imageID": "", "ready": false, "restartCount": 0,
        "state": {"terminated": {"exitCode": code, "reason": reason, "message": message}},
    }]})
}

fn held(reason: &str) -> Value {
    json!({"phase": "Pending", "containerStatuses": [{
        "name": "trainer", "image": "", "imageID": "", "ready": false, "restartCount": 0,
        "state": {"waiting": {"reason": reason}},
    }]})
}

fn failure(job: &Job, pod: Option<&Pod>) -> Failure {
    match phase(job, pod) {
        Phase::Ended(Outcome::Failed(failure)) => failure,
        other => panic!("not a failure: {other:?}"),
    }
}

#[test]
fn exit_codes_and_messages_give_class_and_reason() {
    let message =
        |reason: &str| format!(r#"{{"outcome":"Failed","reason":"{reason}","message":"m"}}"#);
    for (code, text, class, reason) in [
        (
            75,
            message("StorageUnavailable"),
            Class::Interruption,
            JobReason::StorageUnavailable,
        ),
        (
            75,
            message("CredentialsMissing"),
            Class::Interruption,
            JobReason::CredentialsMissing,
        ),
        (
            75,
            String::new(),
            Class::Interruption,
            JobReason::Interrupted,
        ),
        (
            65,
            message("InvalidData"),
            Class::Terminal,
            JobReason::InvalidData,
        ),
        (
            65,
            "garbage".to_owned(),
            Class::Terminal,
            JobReason::InvalidData,
        ),
        (
            2,
            String::new(),
            Class::Terminal,
            JobReason::InvalidParameters,
        ),
        (70, message("Internal"), Class::Fault, JobReason::JobCrashed),
        (
            101,
            "panicked".to_owned(),
            Class::Fault,
            JobReason::JobCrashed,
        ),
        (137, String::new(), Class::Fault, JobReason::JobCrashed),
        // Whatever it says, the exit code decides whether it is tried again.
        (
            65,
            message("StorageUnavailable"),
            Class::Terminal,
            JobReason::StorageUnavailable,
        ),
    ] {
        let found = failure(&failed_job(), Some(&pod(&exited(code, "Error", &text))));
        assert_eq!(
            (found.class, found.reason),
            (class, reason),
            "exit {code}: {text}"
        );
    }
}

#[test]
fn memory_disk_and_disruption_are_told_apart() {
    let killed = failure(&failed_job(), Some(&pod(&exited(137, "OOMKilled", ""))));
    assert_eq!(
        (killed.class, killed.reason),
        (Class::Fault, JobReason::OutOfMemory)
    );
    assert!(
        killed
            .message
            .contains("spec.template.resources.limits.memory")
    );

    let mut disrupted = exited(143, "Error", "");
    disrupted["conditions"] = json!([{"type": "DisruptionTarget", "status": "True"}]);
    let disrupted = failure(&failed_job(), Some(&pod(&disrupted)));
    assert_eq!(
        (disrupted.class, disrupted.reason),
        (Class::Interruption, JobReason::Interrupted)
    );

    let full = pod(
        &json!({"phase": "Failed", "reason": "Evicted", "message": "Usage of EmptyDir volume \"work\" exceeds the limit"}),
    );
    assert_eq!(
        failure(&failed_job(), Some(&full)).reason,
        JobReason::OutOfDisk
    );

    let pressed = pod(
        &json!({"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory"}),
    );
    assert_eq!(
        failure(&failed_job(), Some(&pressed)).class,
        Class::Interruption
    );

    let refused = pod(&json!({"phase": "Failed", "reason": "NodeAffinity"}));
    assert_eq!(
        failure(&failed_job(), Some(&refused)).class,
        Class::Interruption
    );
}

#[test]
fn a_pod_that_is_gone_is_an_interruption_and_a_deadline_a_fault() {
    assert_eq!(failure(&failed_job(), None).class, Class::Interruption);
    assert_eq!(
        failure(&job(Some(("Complete", ""))), None).class,
        Class::Interruption
    );
    assert_eq!(
        failure(&job(Some(("Failed", "DeadlineExceeded"))), None).class,
        Class::Fault
    );
}

#[test]
fn success_needs_a_result_that_can_be_read() {
    let mut ended = exited(
        0,
        "Completed",
        r#"{"outcome":"Succeeded","purged":{"objects":1}}"#,
    );
    ended["phase"] = json!("Succeeded");
    // The result is taken as soon as the pod has ended, even before the Job says so.
    assert!(matches!(
        phase(&job(None), Some(&pod(&ended))),
        Phase::Ended(Outcome::Succeeded(_))
    ));
    ended["containerStatuses"][0]["state"]["terminated"]["message"] = json!("panicked");
    assert_eq!(
        failure(&job(None), Some(&pod(&ended))).reason,
        JobReason::JobCrashed
    );
}

#[test]
fn a_pod_that_cannot_start_says_why() {
    let waiting = |status: &Value| match phase(&job(None), Some(&pod(status))) {
        Phase::Waiting { reason, message } => (reason, message),
        other => panic!("not waiting: {other:?}"),
    };
    assert_eq!(
        waiting(&held("ImagePullBackOff")),
        waiting(&held("ErrImagePull")),
        "no write for each turn"
    );
    assert_eq!(waiting(&held("ErrImagePull")).0, JobReason::ImagePullFailed);
    assert_eq!(waiting(&held("ContainerCreating")).0, JobReason::Starting);
    assert!(
        waiting(&held("CreateContainerConfigError"))
            .1
            .contains("CreateContainerConfigError")
    );
    let full = json!({"phase": "Pending", "conditions": [
        {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes are available"},
    ]});
    let (reason, message) = waiting(&full);
    assert_eq!(reason, JobReason::Unschedulable);
    assert!(message.contains("0/3 nodes"));
}

#[test]
fn a_failed_pod_waits_for_its_job_s_verdict() {
    assert_eq!(
        phase(&job(None), Some(&pod(&exited(1, "Error", "")))),
        Phase::Running { ip: None }
    );
}
