//! When Jobs are started, tried again and given up.

use super::{at, deleting, ended, job, running, succeeded};
use crate::job::attempts::{Attempts, FAILURE_LIMIT, State, Step};
use crate::job::outcome::{Class, ObservedJob, Phase};
use k8s_openapi::jiff::Timestamp;
use searchop_crds::JobStatus;
use searchop_crds::labels::Component;

const WORK: Component = Component::Generate;

fn decide(status: Option<&JobStatus>, jobs: &[ObservedJob], now: Timestamp) -> Step {
    attempts(status, jobs, now).decide()
}

fn attempts<'a>(
    status: Option<&'a JobStatus>,
    jobs: &'a [ObservedJob],
    now: Timestamp,
) -> Attempts<'a> {
    Attempts {
        owner: "shop",
        component: WORK,
        status,
        jobs,
        greatest: jobs.iter().map(|job| job.attempt).max().unwrap_or(0),
        was_suspended: false,
        limit: Some(FAILURE_LIMIT),
        is_result: |value| value.get("outcome").is_some(),
        now,
    }
}

/// Lives through attempts that all end as `class`, and returns the seconds at which Jobs were started.
fn lived_through(class: Class, most: usize) -> (Vec<i64>, Step) {
    let (mut second, mut starts) = (0, Vec::new());
    let mut status: Option<JobStatus> = None;
    let mut jobs: Vec<ObservedJob> = Vec::new();
    loop {
        let step = decide(status.as_ref(), &jobs, at(second));
        if let Some(attempt) = step.start {
            starts.push(second);
            jobs = vec![job(WORK, attempt, ended(class))];
        }
        status = step.job.clone();
        match &step.state {
            State::Failed(_) => return (starts, step),
            _ if starts.len() > most => return (starts, step),
            State::Retrying(_, at) => second = at.as_second(),
            _ => {}
        }
    }
}

#[test]
fn the_first_job_has_number_one() {
    let step = decide(None, &[], at(0));
    assert_eq!((step.start, step.state), (Some(1), State::Start));
    assert_eq!(
        step.job.map(|job| job.name),
        Some("shop-generate-1".to_owned())
    );
}

#[test]
fn a_job_that_is_there_is_never_started_again() {
    for phase in [running(), succeeded(), ended(Class::Fault)] {
        // Status lost: as if the operator had died right after creating the Job.
        let step = decide(None, &[job(WORK, 1, phase)], at(0));
        assert_eq!(step.start, None);
        assert_eq!(step.job.map(|job| job.attempt), Some(1));
    }
}

#[test]
fn an_ended_attempt_is_counted_once() {
    let jobs = [job(WORK, 1, ended(Class::Interruption))];
    let first = decide(None, &jobs, at(0));
    assert!(first.counted);
    for second in [1, 5, 9] {
        let again = decide(first.job.as_ref(), &jobs, at(second));
        assert!(!again.counted && again.start.is_none());
        assert_eq!(again.job, first.job);
    }
    let next = decide(first.job.as_ref(), &jobs, at(400));
    assert_eq!(next.start, Some(2));
    assert_eq!(
        next.job
            .map(|job| (job.attempt, job.interruptions, job.retry_at)),
        Some((2, 1, None))
    );
}

#[test]
fn a_newer_job_than_the_status_is_taken_up() {
    // The operator died between creating Job 2 and writing the status.
    let before = decide(None, &[job(WORK, 1, ended(Class::Interruption))], at(0)).job;
    let jobs = [
        job(WORK, 1, ended(Class::Interruption)),
        job(WORK, 2, running()),
    ];
    let step = decide(before.as_ref(), &jobs, at(400));
    assert_eq!(step.start, None);
    assert_eq!(step.superseded, ["shop-generate-1"]);
    assert_eq!(
        step.job.map(|job| (job.attempt, job.retry_at)),
        Some((2, None))
    );
}

#[test]
fn trouble_with_storage_is_retried_without_end_and_ever_more_rarely() {
    let (starts, step) = lived_through(Class::Interruption, 30);
    assert_eq!(starts.len(), 31);
    let pauses: Vec<_> = starts.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!((10..=13).contains(&pauses[0]), "{pauses:?}");
    assert!(pauses.iter().all(|pause| *pause <= 300), "{pauses:?}");
    assert!(pauses[29] >= 290, "{pauses:?}");
    assert_eq!(step.job.map(|job| job.failures), Some(0));
}

#[test]
fn a_crash_is_tried_three_times_and_bad_data_once() {
    let (starts, step) = lived_through(Class::Fault, 10);
    assert_eq!(starts.len(), 3);
    assert_eq!(step.job.map(|job| job.failures), Some(3));
    let (starts, _) = lived_through(Class::Terminal, 10);
    assert_eq!(starts.len(), 1);
}

#[test]
fn without_a_limit_even_bad_data_is_tried_again() {
    let jobs = [job(WORK, 1, ended(Class::Terminal))];
    let step = Attempts {
        limit: None,
        ..attempts(None, &jobs, at(0))
    }
    .decide();
    assert!(matches!(step.state, State::Retrying(..)));
}

#[test]
fn a_job_deleted_by_hand_counts_as_an_interruption_and_one_deleted_by_suspension_does_not() {
    let status = decide(None, &[job(WORK, 1, running())], at(0)).job;
    let step = decide(status.as_ref(), &[], at(1));
    assert!(step.counted && matches!(step.state, State::Retrying(..)));
    let resumed = Attempts {
        was_suspended: true,
        ..attempts(status.as_ref(), &[], at(1))
    }
    .decide();
    assert_eq!((resumed.start, resumed.counted), (Some(2), false));
}

#[test]
fn nothing_is_started_beside_a_job_that_has_not_ended() {
    let status = JobStatus {
        name: "shop-generate-2".to_owned(),
        attempt: 2,
        retry_at: Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(at(5))),
        ..JobStatus::default()
    };
    let jobs = [job(WORK, 1, running()), job(WORK, 2, ended(Class::Fault))];
    assert_eq!(decide(Some(&status), &jobs, at(10)).start, None);
    let going = [deleting(job(WORK, 2, running()))];
    assert_eq!(decide(Some(&status), &going, at(10)).start, None);
}

#[test]
fn a_number_that_another_owner_s_job_has_taken_is_skipped() {
    let step = Attempts {
        greatest: 4,
        ..attempts(None, &[], at(0))
    }
    .decide();
    assert_eq!(step.start, Some(5));
}

#[test]
fn a_status_of_another_component_does_not_count() {
    let status = JobStatus {
        name: "shop-purge-3".to_owned(),
        attempt: 3,
        ..JobStatus::default()
    };
    assert_eq!(decide(Some(&status), &[], at(0)).start, Some(1));
}

#[test]
fn a_result_that_cannot_be_read_is_a_crash() {
    let empty = Phase::Ended(crate::job::outcome::Outcome::Succeeded(serde_json::json!(
        {}
    )));
    let jobs = [job(WORK, 1, empty)];
    let step = decide(None, &jobs, at(0));
    assert!(matches!(&step.state, State::Retrying(failure, _) if failure.class == Class::Fault));
}
