//! What a DemoDataset's decision makes of its spec and surroundings.

use super::KIND;
use super::decide::decide;
use super::observe::{Observed, uses};
use crate::job::execute::Plan;
use crate::job::progress::Progress;
use crate::job::{Class, Failure, ObservedJob, ObservedJobs, Outcome, Phase};
use crate::owner::Owner;
use crate::requeue::Requeue;
use crate::settings::Settings;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::jiff::Timestamp;
use searchop_crds::condition;
use searchop_crds::reason::JobReason;
use searchop_crds::{DemoDataset, DemoDatasetStatus, TrainingRun};
use serde_json::{Value, json};

fn digest(digit: &str) -> String {
    digit.repeat(64)
}

fn dataset(status: &Value) -> DemoDataset {
    serde_json::from_value(json!({
        "apiVersion": "searchop.dev/v1alpha1", "kind": KIND, "status": status,
        "spec": {"seed": 7, "products": 200, "users": 20, "events": 900},
        "metadata": {"name": "shop", "namespace": "demo", "uid": "u", "generation": 3},
    }))
    .expect("a DemoDataset")
}

fn with_job(phase: Phase) -> Observed {
    let mut job = Job::default();
    job.metadata.name = Some("shop-generate-1".to_owned());
    let work = vec![ObservedJob {
        job,
        attempt: 1,
        phase,
    }];
    Observed {
        jobs: ObservedJobs {
            work,
            greatest_work: 1,
            ..ObservedJobs::default()
        },
        ..Observed::default()
    }
}

fn decided(dataset: &DemoDataset, observed: &Observed) -> Plan<DemoDatasetStatus> {
    let owner = Owner::of(dataset, KIND).expect("it is stored");
    decide(
        &owner,
        dataset,
        observed,
        &Settings::example(),
        Timestamp::UNIX_EPOCH,
    )
}

fn generated() -> Phase {
    Phase::Ended(Outcome::Succeeded(json!({
        "outcome": "Succeeded",
        "artifact": {"uri": "s3://b/x", "sha256": digest("a"), "sizeBytes": 5},
        "counts": {"products": 1, "queries": 2, "users": 3, "events": 4},
    })))
}

#[test]
fn the_spec_reaches_the_generator() {
    let plan = decided(&dataset(&json!({})), &Observed::default());
    let start = plan.start.expect("a Job");
    let pod = start
        .job
        .spec
        .and_then(|spec| spec.template.spec)
        .expect("a pod");
    assert_eq!(
        pod.containers[0].args.clone().expect("arguments"),
        [
            "generate",
            "--owner=demodataset.demo.shop.u",
            "--seed=7",
            "--products=200",
            "--users=20",
            "--events=900"
        ]
    );
}

#[test]
fn drift_reaches_the_generator() {
    let mut changing = dataset(&json!({}));
    changing.spec.drift = serde_json::from_value(json!([
        {"kind": "PriceShift", "fromDay": 20, "strengthPercent": 30},
        {"kind": "BrokenFeed", "fromDay": 25, "strengthPercent": 5},
    ]))
    .expect("a drift");
    let start = decided(&changing, &Observed::default()).start;
    let pod = start.and_then(|start| start.job.spec?.template.spec);
    let arguments = pod.and_then(|pod| pod.containers[0].args.clone());
    assert_eq!(
        arguments.expect("arguments")[6..],
        ["--drift=PriceShift:20:30", "--drift=BrokenFeed:25:5"]
    );
}

#[test]
fn a_result_completes_it_and_the_next_reconcile_changes_nothing() {
    let observed = with_job(generated());
    let plan = decided(&dataset(&json!({})), &observed);
    assert!(condition::is_true(
        &plan.status.conditions,
        condition::COMPLETE
    ));
    assert_eq!(
        plan.status.counts.as_ref().map(|counts| counts.queries),
        Some(2)
    );
    assert_eq!(plan.status.progress_percent, Some(100));
    let mut after = dataset(&json!({}));
    after.status = Some(plan.status.clone());
    let again = decided(&after, &observed);
    assert_eq!(
        (again.status, again.start, again.requeue),
        (plan.status, None, Requeue::Steady)
    );
}

#[test]
fn a_dataset_once_complete_needs_no_job_any_more() {
    let mut after = dataset(&json!({}));
    after.status = Some(decided(&dataset(&json!({})), &with_job(generated())).status);
    let plan = decided(&after, &Observed::default());
    assert!(plan.start.is_none());
    assert!(condition::is_true(
        &plan.status.conditions,
        condition::COMPLETE
    ));
}

#[test]
fn bad_parameters_fail_it_for_good_and_keep_the_cause() {
    let failure = Failure::new(
        Class::Terminal,
        JobReason::InvalidParameters,
        "--products: too many",
    );
    let observed = with_job(Phase::Ended(Outcome::Failed(failure)));
    let plan = decided(&dataset(&json!({})), &observed);
    let failed = condition::find(&plan.status.conditions, condition::FAILED)
        .cloned()
        .expect("a condition");
    assert_eq!(
        (failed.status.as_str(), failed.reason.as_str()),
        ("True", "InvalidParameters")
    );
    let mut after = dataset(&json!({}));
    after.status = Some(plan.status.clone());
    let again = decided(&after, &Observed::default());
    assert_eq!(
        (again.status.conditions, again.start),
        (plan.status.conditions, None)
    );
}

#[test]
fn progress_is_shown_while_the_job_runs() {
    let mut observed = with_job(Phase::Running {
        ip: Some("10.0.0.1".to_owned()),
    });
    observed.progress = Some(Progress {
        percent: 42.0,
        ..Progress::default()
    });
    let plan = decided(&dataset(&json!({})), &observed);
    assert_eq!(
        (plan.status.progress_percent, plan.requeue),
        (Some(42), Requeue::Progress)
    );
}

#[test]
fn a_run_uses_a_dataset_by_name_here_and_by_digest_anywhere() {
    let complete = dataset(&json!({"artifact": {"uri": "s3://b/x", "sha256": digest("a")}}));
    let run = |namespace: &str, source: Value, status: Value| -> TrainingRun {
        serde_json::from_value(json!({
            "apiVersion": "searchop.dev/v1alpha1", "kind": "TrainingRun", "spec": {"dataset": source}, "status": status,
            "metadata": {"name": "run", "namespace": namespace},
        }))
        .expect("a TrainingRun")
    };
    let by_name = || json!({"demoDatasetRef": {"name": "shop"}});
    let other = || json!({"demoDatasetRef": {"name": "other"}});
    let by_digest = json!({"artifact": {"uri": "s3://b/x", "sha256": digest("a")}});
    assert!(uses(&run("demo", by_name(), json!({})), &complete));
    assert!(!uses(&run("elsewhere", by_name(), json!({})), &complete));
    assert!(uses(&run("elsewhere", by_digest, json!({})), &complete));
    assert!(uses(
        &run("elsewhere", other(), json!({"datasetSha256": digest("a")})),
        &complete
    ));
    assert!(!uses(&run("demo", other(), json!({})), &complete));
    assert!(
        !uses(&run("demo", other(), json!({})), &dataset(&json!({}))),
        "nothing equals a missing digest"
    );
}
