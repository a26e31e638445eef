//! How objects go: what is kept, what is purged, and what holds them back.

use super::{at, ended, job, running, succeeded};
use crate::job::attempts::Attempts;
use crate::job::deletion::{Deletion, DeletionStep};
use crate::job::observe::ObservedJobs;
use crate::job::outcome::Class;
use crate::requeue::Requeue;
use searchop_crds::labels::Component;
use searchop_crds::{ArtifactPolicy, JobStatus};

fn jobs(work: Vec<crate::job::ObservedJob>, purge: Vec<crate::job::ObservedJob>) -> ObservedJobs {
    let greatest_purge = purge.iter().map(|job| job.attempt).max().unwrap_or(0);
    ObservedJobs {
        work,
        purge,
        greatest_purge,
        ..ObservedJobs::default()
    }
}

fn deletion<'a>(
    jobs: &'a ObservedJobs,
    users: &'a [String],
    status: Option<&'a JobStatus>,
) -> Deletion<'a> {
    Deletion {
        policy: ArtifactPolicy::Delete,
        what: "dataset",
        artifact: Some("s3://bucket/artifacts/x"),
        is_namespace_terminating: false,
        users,
        has_storage: true,
        jobs,
        purge: Attempts::to_purge("shop", status, jobs, at(0)),
    }
}

fn reason(step: &DeletionStep) -> &'static str {
    step.finding.reason
}

#[test]
fn retain_lets_go_at_once_and_says_where_the_artifact_is() {
    let jobs = jobs(vec![job(Component::Generate, 1, running())], vec![]);
    let users = ["TrainingRun a".to_owned()];
    let step = Deletion {
        policy: ArtifactPolicy::Retain,
        ..deletion(&jobs, &users, None)
    }
    .decide();
    let release = step.release.expect("released");
    assert_eq!(release.reason, "Retained");
    assert!(release.note.contains("s3://bucket/artifacts/x"));
}

#[test]
fn a_namespace_that_goes_retains_whatever_the_policy() {
    let jobs = jobs(vec![], vec![]);
    let step = Deletion {
        is_namespace_terminating: true,
        ..deletion(&jobs, &[], None)
    }
    .decide();
    assert_eq!(
        step.release.map(|release| release.reason),
        Some("Retained".to_owned())
    );
    assert_eq!(step.start, None);
}

#[test]
fn users_hold_a_purge_back_and_are_named() {
    let jobs = jobs(vec![], vec![]);
    let users: Vec<_> = (1..=7)
        .map(|number| format!("TrainingRun r{number}"))
        .collect();
    let step = deletion(&jobs, &users, None).decide();
    assert_eq!(
        (reason(&step), step.requeue, step.start),
        ("InUse", Requeue::Blocked, None)
    );
    let message = &step.finding.message;
    assert!(message.contains("TrainingRun r5 and 2 more"), "{message}");
    assert!(
        message.contains("artifactPolicy") && !message.contains("r6"),
        "{message}"
    );
}

#[test]
fn work_is_stopped_and_gone_before_the_purge_starts() {
    let busy = jobs(vec![job(Component::Generate, 2, running())], vec![]);
    let step = deletion(&busy, &[], None).decide();
    assert_eq!(
        (step.delete, step.start),
        (vec!["shop-generate-2".to_owned()], None)
    );
    // The Job is gone, but its pod still may write.
    let leaving = ObservedJobs {
        live_work_pods: 1,
        ..jobs(vec![], vec![])
    };
    assert_eq!(deletion(&leaving, &[], None).decide().start, None);
    let idle = jobs(vec![], vec![]);
    assert_eq!(deletion(&idle, &[], None).decide().start, Some(1));
}

#[test]
fn a_purge_that_fails_is_tried_again_without_end_and_says_how_to_let_go() {
    for class in [Class::Terminal, Class::Fault, Class::Interruption] {
        let failed = jobs(vec![], vec![job(Component::Purge, 1, ended(class))]);
        let step = deletion(&failed, &[], None).decide();
        assert!(
            step.release.is_none() && matches!(step.requeue, Requeue::At(_)),
            "{class:?}"
        );
        assert!(step.finding.message.contains("artifactPolicy to Retain"));
        let later = Deletion {
            purge: Attempts {
                now: at(1_000),
                ..Attempts::to_purge("shop", step.job.as_ref(), &failed, at(0))
            },
            ..deletion(&failed, &[], None)
        };
        assert_eq!(later.decide().start, Some(2), "{class:?}");
    }
}

#[test]
fn a_purge_that_succeeds_lets_go() {
    let done = jobs(vec![], vec![job(Component::Purge, 1, succeeded())]);
    let step = deletion(&done, &[], None).decide();
    assert_eq!(
        step.release.map(|release| release.reason),
        Some("Purged".to_owned())
    );
}

#[test]
fn without_a_store_the_purge_waits_for_the_user() {
    let jobs = jobs(vec![], vec![]);
    let step = Deletion {
        has_storage: false,
        ..deletion(&jobs, &[], None)
    }
    .decide();
    assert_eq!((reason(&step), step.start), ("StorageNotConfigured", None));
}
