//! What a TrainingRun's decision makes of its spec and surroundings.

use super::KIND;
use super::decide::decide;
use super::observe::{Observed, uses};
use crate::job::{ObservedJob, ObservedJobs, Outcome, Phase};
use crate::owner::Owner;
use crate::settings::Settings;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::jiff::Timestamp;
use searchop_crds::condition;
use searchop_crds::{DemoDataset, RankingModel, TrainingRun, TrainingRunStatus};
use serde_json::{Value, json};

fn digest(digit: &str) -> String {
    digit.repeat(64)
}

fn run(spec: &Value) -> TrainingRun {
    serde_json::from_value(json!({
        "apiVersion": "searchop.dev/v1alpha1", "kind": KIND, "spec": spec,
        "metadata": {"name": "run", "namespace": "demo", "uid": "u", "generation": 1},
    }))
    .expect("a TrainingRun")
}

fn on_dataset() -> TrainingRun {
    run(&json!({"dataset": {"demoDatasetRef": {"name": "shop"}}}))
}

fn dataset(status: &Value, is_deleting: bool) -> DemoDataset {
    let mut object = json!({
        "apiVersion": "searchop.dev/v1alpha1", "kind": "DemoDataset", "spec": {}, "status": status,
        "metadata": {"name": "shop", "namespace": "demo", "uid": "d"},
    });
    if is_deleting {
        object["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    }
    serde_json::from_value(object).expect("a DemoDataset")
}

fn complete() -> Value {
    json!({"artifact": {"uri": format!("s3://b/artifacts/{}", digest("a")), "sha256": digest("a")}})
}

fn decided(
    run: &TrainingRun,
    dataset: Option<DemoDataset>,
    settings: &Settings,
) -> (Option<Vec<String>>, TrainingRunStatus) {
    let owner = Owner::of(run, KIND).expect("it is stored");
    let observed = Observed {
        dataset,
        ..Observed::default()
    };
    let plan = decide(&owner, run, &observed, settings, Timestamp::UNIX_EPOCH);
    let arguments = plan.start.map(|start| {
        let pod = start
            .job
            .spec
            .and_then(|spec| spec.template.spec)
            .expect("a pod");
        pod.containers[0].args.clone().expect("arguments")
    });
    (arguments, plan.status)
}

fn reason(status: &TrainingRunStatus) -> String {
    condition::find(&status.conditions, condition::COMPLETE)
        .map(|found| found.reason.clone())
        .unwrap_or_default()
}

#[test]
fn a_run_waits_for_a_dataset_that_can_be_trained_on() {
    let failed = json!({"conditions": [{
        "type": "Failed", "status": "True", "reason": "InvalidParameters", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z",
    }]});
    for (dataset, expected) in [
        (None, "WaitingForDataset"),
        (Some(dataset(&json!({}), false)), "WaitingForDataset"),
        (Some(dataset(&complete(), true)), "WaitingForDataset"),
        (Some(dataset(&failed, false)), "DatasetFailed"),
    ] {
        let (arguments, status) = decided(&on_dataset(), dataset, &Settings::example());
        assert_eq!((arguments, reason(&status).as_str()), (None, expected));
        assert!(
            !condition::is_true(&status.conditions, condition::FAILED),
            "a new dataset of that name still helps"
        );
    }
}

#[test]
fn a_run_trains_on_the_digest_of_its_dataset() {
    let (arguments, status) = decided(
        &on_dataset(),
        Some(dataset(&complete(), false)),
        &Settings::example(),
    );
    let arguments = arguments.expect("a Job");
    assert_eq!(arguments[0], "train");
    for expected in [
        "--owner=trainingrun.demo.run.u".to_owned(),
        format!("--dataset-sha256={}", digest("a")),
    ] {
        assert!(arguments.contains(&expected), "{expected} in {arguments:?}");
    }
    // The trainer's default follows from the data.
    assert!(
        !arguments
            .iter()
            .any(|argument| argument.starts_with("--split-mode"))
    );
    assert_eq!(reason(&status), "Starting");
}

#[test]
fn every_field_of_the_spec_reaches_the_trainer() {
    let spec = json!({
        "dataset": {
            "featureNumbering": "OneBased",
            "inputs": [
                {"name": "SvmLight", "uri": "s3://b/rank.train", "sha256": digest("e")},
                {"name": "Validation", "uri": "s3://b/rank.test"},
            ],
        },
        "split": {"mode": "Provided"},
        "trainer": {
            "numIterations": 7, "numLeaves": 15, "learningRate": "0.1", "seed": 3,
            "earlyStopping": {"metric": "ndcg@5", "rounds": 9}, "parameters": {"max_bin": "63"},
            "objective": "rank_xendcg",
            "monotoneConstraints": [{"feature": "f2", "direction": "Decreasing"}],
            "categoricalFeatures": ["f7", "f9"],
        },
    });
    let (arguments, _) = decided(&run(&spec), None, &Settings::example());
    let arguments = arguments.expect("a Job");
    for expected in [
        &format!("--input=SvmLight=s3://b/rank.train#sha256={}", digest("e")),
        "--input=Validation=s3://b/rank.test",
        "--feature-numbering=OneBased",
        "--split-mode=Provided",
        "--num-iterations=7",
        "--num-leaves=15",
        "--learning-rate=0.1",
        "--seed=3",
        "--early-stopping-metric=ndcg@5",
        "--early-stopping-rounds=9",
        "--parameter=max_bin=63",
        "--objective=rank_xendcg",
        "--monotone-constraint=f2=Decreasing",
        "--categorical-feature=f7",
        "--categorical-feature=f9",
    ] {
        assert!(
            arguments.iter().any(|argument| argument == expected),
            "{expected} in {arguments:?}"
        );
    }
}

#[test]
fn how_own_data_is_read_reaches_the_trainer() {
    let spec = json!({
        "dataset": {
            "inputs": [
                {"name": "Catalogue", "uri": "s3://b/products.csv"},
                {"name": "Judgements", "uri": "s3://b/j", "format": "OpenSearch"},
                {"name": "Events", "uri": "s3://b/log"},
            ],
            "grades": [{"grade": "Very good", "label": 2, "gain": "0.5"}, {"grade": "0", "label": 0}],
            "actions": [{"name": "basket", "action": "AddToCart"}],
            "clockSkewSeconds": 5,
            "badLines": 9,
            "language": "German",
        },
    });
    let (arguments, _) = decided(&run(&spec), None, &Settings::example());
    let arguments = arguments.expect("a Job");
    for expected in [
        "--input=Catalogue=s3://b/products.csv",
        "--input=Judgements=s3://b/j",
        "--input-format=Judgements=OpenSearch",
        "--input=Events=s3://b/log",
        "--grades=Very good=2:0.5,0=0",
        "--action=basket=add_to_cart",
        "--clock-skew=5",
        "--bad-lines=9",
        "--language=German",
    ] {
        assert!(
            arguments.iter().any(|argument| argument == expected),
            "{expected} in {arguments:?}"
        );
    }
    assert!(
        !arguments
            .iter()
            .any(|argument| argument.starts_with("--feature-numbering"))
    );
}

#[test]
fn how_rows_are_made_of_a_log_reaches_the_trainer() {
    let spec = json!({
        "dataset": {
            "artifact": {"uri": format!("s3://b/artifacts/{}", digest("e")), "sha256": digest("e")},
            "snapshotLagSeconds": 3600,
            "maxSearches": 50_000,
            "recentEvents": 20,
        },
    });
    let (arguments, _) = decided(&run(&spec), None, &Settings::example());
    let arguments = arguments.expect("a Job");
    for expected in [
        "--snapshot-lag=3600",
        "--max-searches=50000",
        "--recent-events=20",
    ] {
        assert!(
            arguments.iter().any(|argument| argument == expected),
            "{expected} in {arguments:?}"
        );
    }
}

#[test]
fn position_bias_reaches_the_trainer_unless_nothing_is_done_about_it() {
    let biased = |mode: &str| {
        let spec = json!({
            "dataset": {"inputs": [{"name": "Catalogue", "uri": "s3://b/c.csv"}, {"name": "Events", "uri": "s3://b/log"}]},
            "trainer": {"positionBias": {"mode": mode, "regularization": "0.5"}},
        });
        let (arguments, _) = decided(&run(&spec), None, &Settings::example());
        let arguments = arguments.expect("a Job").into_iter();
        let named = arguments.filter(|argument| argument.starts_with("--position-bias"));
        named.collect::<Vec<_>>()
    };
    assert_eq!(
        biased("Unbiased"),
        [
            "--position-bias=Unbiased",
            "--position-bias-regularization=0.5"
        ]
    );
    assert_eq!(biased("None"), [""; 0]);
}

#[test]
fn folds_and_the_leak_guard_reach_the_trainer() {
    let spec = json!({
        "dataset": {"demoDatasetRef": {"name": "shop"}},
        "split": {"mode": "KFold", "folds": 4},
        "trainer": {"leakGuard": "Warn"},
    });
    let data = Some(dataset(&complete(), false));
    let (arguments, _) = decided(&run(&spec), data, &Settings::example());
    let arguments = arguments.expect("a Job");
    for expected in ["--split-mode=KFold", "--folds=4", "--leak-guard=Warn"] {
        let is_there = arguments.iter().any(|argument| argument == expected);
        assert!(is_there, "{expected} in {arguments:?}");
    }
}

#[test]
fn without_a_store_nothing_starts() {
    let settings = Settings {
        default_store: None,
        ..Settings::example()
    };
    let (arguments, status) = decided(&on_dataset(), Some(dataset(&complete(), false)), &settings);
    assert_eq!(
        (arguments, reason(&status).as_str()),
        (None, "StorageNotConfigured")
    );
}

#[test]
fn the_trainers_counts_and_notes_are_taken_over_as_far_as_they_are_any() {
    let status = |data: Value, notes: Value| {
        let message = json!({
            "outcome": "Succeeded", "datasetSha256": digest("a"), "data": data, "notes": notes,
            "model": {"uri": "s3://b/x", "sha256": digest("b"), "format": "f", "featureSchemaSha256": digest("c")},
        });
        let mut job = Job::default();
        job.metadata.name = Some("run-train-1".to_owned());
        let work = vec![ObservedJob {
            job,
            attempt: 1,
            phase: Phase::Ended(Outcome::Succeeded(message)),
        }];
        let observed = Observed {
            jobs: ObservedJobs {
                work,
                greatest_work: 1,
                ..ObservedJobs::default()
            },
            ..Observed::default()
        };
        let run = on_dataset();
        let owner = Owner::of(&run, KIND).expect("it is stored");
        let settings = Settings::example();
        let plan = decide(&owner, &run, &observed, &settings, Timestamp::UNIX_EPOCH);
        assert!(plan.status.model.is_some(), "notes spoil no result");
        plan.status
    };
    let with_notes = |notes: Value| status(Value::Null, notes).notes;
    assert_eq!(
        with_notes(json!(["7 queries\nleft out", 5, ""])),
        ["7 queries left out"]
    );
    assert_eq!(with_notes(json!({"not": "a list"})), Vec::<String>::new());
    assert_eq!(with_notes(Value::Null), Vec::<String>::new());
    let many = with_notes(json!(vec!["ä".repeat(300); 9]));
    assert_eq!((many.len(), many[0].chars().count()), (5, 200));
    let found = json!({"products": 3, "judgements": 0, "searches": 9, "events": 0, "badLines": {"Malformed": 2}, "leftOut": {"RepeatedRow": 1, "no kind": 4}});
    let data = status(found, Value::Null).data.expect("it was told");
    assert_eq!((data.products, data.searches), (3, 9));
    assert_eq!(data.bad_lines["Malformed"], 2);
    assert_eq!(data.left_out.keys().collect::<Vec<_>>(), ["RepeatedRow"]);
    for unreadable in [json!("none"), json!({"products": "many"}), Value::Null] {
        assert_eq!(status(unreadable, Value::Null).data, None);
    }
}

#[test]
fn a_model_uses_a_run_by_name_here_and_by_digest_anywhere() {
    let mut run = on_dataset();
    let model = |namespace: &str, source: Value, status: Value| -> RankingModel {
        serde_json::from_value(json!({
            "apiVersion": "searchop.dev/v1alpha1", "kind": "RankingModel", "spec": {"model": source}, "status": status,
            "metadata": {"name": "m", "namespace": namespace},
        }))
        .expect("a RankingModel")
    };
    let by_name = || json!({"trainingRunRef": {"name": "run"}});
    let by_digest = || json!({"artifact": {"uri": "s3://b/x", "sha256": digest("b")}});
    let other = || json!({"trainingRunRef": {"name": "other"}});
    let serving = json!({"previous": {"name": "run", "sha256": digest("b"), "uri": "s3://b/x"}});
    assert!(uses(&model("demo", by_name(), json!({})), &run));
    assert!(!uses(&model("elsewhere", by_name(), json!({})), &run));
    assert!(
        !uses(&model("elsewhere", by_digest(), json!({})), &run),
        "the run has no model yet"
    );
    run.status = serde_json::from_value(json!({"model": {
        "uri": "s3://b/x", "sha256": digest("b"), "format": "f", "featureSchemaSha256": digest("c"),
    }}))
    .ok();
    assert!(uses(&model("elsewhere", by_digest(), json!({})), &run));
    assert!(uses(&model("elsewhere", other(), serving), &run));
    assert!(!uses(&model("demo", other(), json!({})), &run));
}
