//! Demo data knows the truth behind its clicks: a model that learned from clicks is measured on it.

use serde_json::Value;

use crate::place::Place;

fn number(value: &Value) -> f64 {
    value.as_str().unwrap().parse().unwrap()
}

#[test]
fn on_the_truth_of_demo_data_a_model_of_its_clicks_beats_bm25_and_popularity() {
    let place = Place::new();
    let made = place.succeed(&[
        "generate",
        "--products",
        "1000",
        "--users",
        "1000",
        "--events",
        "40000",
    ]);
    let dataset = made["artifact"]["uri"].as_str().unwrap();
    let trained = place.succeed(&["train", "--dataset-uri", dataset, "--num-iterations", "60"]);
    let held_back = &trained["metrics"][1];
    assert_eq!(held_back["name"], "ndcg@10");
    let observed = number(&held_back["value"]);
    assert!((0.3..0.6).contains(&observed), "{held_back}");

    let digest = made["artifact"]["sha256"].as_str().unwrap();
    let files = place.path(&format!("store/artifacts/{digest}/files"));
    let input = |name: &str, file: &str| format!("{name}={}", files.join(file).display());
    let report = place.path("truth.html");
    let truth = place.succeed(&[
        "evaluate",
        "--bundle-uri",
        trained["model"]["uri"].as_str().unwrap(),
        "--other-data",
        "--input",
        &input("Catalogue", "catalogue.parquet"),
        "--input",
        &input("Judgements", "judgements.parquet"),
        "--input",
        &input("Queries", "queries.parquet"),
        "--input",
        &input("Events", "events.parquet"),
        "--report",
        report.to_str().unwrap(),
    ]);
    let metric = &truth["metrics"][1];
    for (name, baseline) in metric["baselines"].as_object().unwrap() {
        assert!(
            number(&metric["value"]) > number(baseline),
            "{name}: {metric}"
        );
    }
    // The verdict is on the strongest ranking without the model, and its interval is above 0.
    let page = std::fs::read_to_string(&report).unwrap();
    assert!(page.contains("Better than bm25") || page.contains("Better than popularity"));
}
