//! How rows are made of a log: how old the behaviour table is, and how many searches are taken.

use serde_json::{Value, json};

use crate::place::{Place, svmlight, train};

fn manifest(place: &Place, trained: &Value) -> Value {
    let digest = trained["model"]["sha256"].as_str().unwrap();
    let path = place.path(&format!("store/artifacts/{digest}/manifest.json"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn a_bundle_knows_its_lag_and_its_sample_and_is_measured_again_with_them() {
    let place = Place::new();
    let dataset = place.dataset();
    let of_dataset = ["--dataset-uri", &dataset];
    let usual = place.succeed(&train(&of_dataset));
    assert_eq!(
        manifest(&place, &usual)["metadata"]["log"],
        json!({ "snapshotLagSeconds": 86_400 })
    );
    let options = [
        "--snapshot-lag",
        "0",
        "--max-searches",
        "300",
        "--recent-events",
        "20",
    ];
    let other = place.succeed(&train(&[&of_dataset[..], &options].concat()));
    let metadata = &manifest(&place, &other)["metadata"];
    assert_eq!(
        metadata["log"],
        json!({ "snapshotLagSeconds": 0, "maxSearches": 300, "recentEvents": 20 })
    );
    let sizes = &metadata["partition"];
    let queries: u64 = ["trainingQueries", "testQueries", "leftOutQueries"]
        .iter()
        .map(|name| sizes[name].as_u64().unwrap())
        .sum();
    assert_eq!(queries, 300, "{sizes}");
    let beyond = &other["data"]["leftOut"]["SearchBeyondMaximum"];
    assert!(
        beyond.as_u64().is_some_and(|count| count > 0),
        "{}",
        other["data"]
    );
    let uri = other["model"]["uri"].as_str().unwrap();
    let again = [&["evaluate", "--bundle-uri", uri][..], &of_dataset].concat();
    assert_eq!(place.succeed(&again)["metrics"], other["metrics"]);
}

#[test]
fn options_of_logs_are_refused_where_there_is_no_log() {
    let place = Place::new();
    let rows = format!("SvmLight={}", place.write("rows", &svmlight(20)));
    let of_rows = ["--input", &rows, "--feature-numbering", "OneBased"];
    for (options, expected) in [
        (["--snapshot-lag", "60"], "--snapshot-lag is for datasets"),
        (["--max-searches", "60"], "--max-searches is for datasets"),
    ] {
        let arguments = train(&[&of_rows[..], &options].concat());
        let message = place.refused(&arguments, "InvalidParameters");
        assert!(message.contains(expected), "{message}");
    }
    for (options, expected) in [
        (["--snapshot-lag", "2592001"], "30 days"),
        (["--max-searches", "0"], "at least 1"),
        (["--recent-events", "51"], "at most 50"),
    ] {
        let arguments = train(&[&["--dataset-uri", "store/artifacts/x"][..], &options].concat());
        let message = place.refused(&arguments, "InvalidParameters");
        assert!(message.contains(expected), "{message}");
    }
    let measured = [
        "evaluate",
        "--bundle-uri",
        "store/artifacts/x",
        "--dataset-uri",
        "store/artifacts/y",
        "--snapshot-lag",
        "60",
    ];
    let message = place.refused(&measured, "InvalidParameters");
    assert!(message.contains("--other-data"), "{message}");
}
