//! Tests of the rules that DemoDataset and TrainingRun share, and the objects that they are made from.

mod attempts;
mod build;
mod deletion;
mod outcome;

use crate::job::outcome::{Class, Failure, ObservedJob, Outcome, Phase};
use crate::owner::Owner;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use k8s_openapi::jiff::Timestamp;
use searchop_crds::labels::Component;
use searchop_crds::reason::JobReason;
use searchop_crds::{DemoDataset, names};
use serde_json::json;

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("an instant")
}

pub(super) fn owner() -> Owner {
    let dataset: DemoDataset = serde_json::from_value(json!({
        "apiVersion": "searchop.dev/v1alpha1",
        "kind": "DemoDataset",
        "metadata": {"name": "shop", "namespace": "Demo", "uid": "U-1"},
        "spec": {},
    }))
    .expect("a DemoDataset");
    Owner::of(&dataset, "DemoDataset").expect("it was stored")
}

pub(super) fn job(component: Component, attempt: i32, phase: Phase) -> ObservedJob {
    ObservedJob {
        job: Job {
            metadata: ObjectMeta {
                name: Some(names::job("shop", component, attempt)),
                uid: Some(format!("job-{attempt}")),
                ..ObjectMeta::default()
            },
            ..Job::default()
        },
        attempt,
        phase,
    }
}

pub(super) fn deleting(mut job: ObservedJob) -> ObservedJob {
    job.job.metadata.deletion_timestamp = Some(Time(at(1)));
    job
}

pub(super) fn running() -> Phase {
    Phase::Running { ip: None }
}

pub(super) fn ended(class: Class) -> Phase {
    let reason = match class {
        Class::Terminal => JobReason::InvalidData,
        Class::Fault => JobReason::JobCrashed,
        Class::Interruption => JobReason::StorageUnavailable,
    };
    Phase::Ended(Outcome::Failed(Failure::new(class, reason, "why")))
}

pub(super) fn succeeded() -> Phase {
    Phase::Ended(Outcome::Succeeded(json!({"outcome": "Succeeded"})))
}
