//! That figures cannot flatter: shuffled labels, planted leaks, folds, and stated gains.

use serde_json::Value;

use crate::place::{Place, svmlight, train};

/// Numbers from 0 up to `below`.
fn numbers(mut state: u64) -> impl FnMut(u64) -> u64 {
    move |below| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    }
}

/// Queries of ten rows whose label is told by the first of four features, with noise. `label` may
/// make another of it, `planted` is the fourth feature.
fn rows(queries: usize, mut label: impl FnMut(u64) -> u64, planted: impl Fn(u64) -> u64) -> String {
    let mut random = numbers(11);
    let mut text = String::new();
    for query in 0..queries {
        for _ in 0..10 {
            let tells = random(1_000);
            let label = label((tells + random(900)) / 633);
            text += &format!(
                "{label} qid:{query} 1:{} 2:{} 3:{} 4:{}\n",
                tells + 1,
                random(100) + 1,
                random(7) + 1,
                planted(label) + 1,
            );
        }
    }
    text
}

fn metric<'a>(result: &'a Value, name: &str) -> &'a Value {
    let metrics = result["metrics"].as_array().unwrap();
    metrics
        .iter()
        .find(|metric| metric["name"] == name)
        .unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_str().unwrap().parse().unwrap()
}

#[test]
fn shuffled_labels_fall_to_the_level_of_chance() {
    let place = Place::new();
    let trained = |text: &str, more: &[&str]| {
        let input = format!("SvmLight={}", place.write("rows", text));
        let arguments = ["--input", &input, "--feature-numbering", "OneBased"];
        place.succeed(&train(&[&arguments[..], more].concat()))
    };
    let mut shuffled = numbers(5);
    let shuffled = rows(600, |_| [0, 0, 1, 2][shuffled(4) as usize], |_| 0);
    for split in [&["--test-fraction", "0.5"][..], &["--split-mode", "KFold"]] {
        let honest = trained(&rows(600, |label| label, |_| 0), split);
        let honest = metric(&honest, "ndcg@10");
        assert!(number(&honest["low"]) > number(&honest["baselines"]["random"]) + 0.1);
        let chance = trained(&shuffled, split);
        let chance = metric(&chance, "ndcg@10");
        let random = number(&chance["baselines"]["random"]);
        let value = number(&chance["value"]);
        assert!((value - random).abs() < 0.03, "{split:?}: {chance}");
    }
}

#[test]
fn a_planted_leak_fails_the_run_by_name_unless_it_is_only_to_warn() {
    let place = Place::new();
    let leaking = rows(60, |label| label, |label| 7 * label);
    let input = format!("SvmLight={}", place.write("rows", &leaking));
    let arguments = ["--input", &input, "--feature-numbering", "OneBased"];
    for split in ["Query", "KFold", "None"] {
        let more = [&arguments[..], &["--split-mode", split]].concat();
        let message = place.refused(&train(&more), "InvalidData");
        assert!(
            message.starts_with("feature f4 alone ranks with an NDCG@10 of 1.0000")
                && message.contains("--leak-guard Warn"),
            "{message}"
        );
    }
    let warned = place.succeed(&train(
        &[&arguments[..], &["--leak-guard", "Warn"]].concat(),
    ));
    let notes = warned["notes"].to_string();
    assert!(notes.contains("feature f4 alone"), "{notes}");
}

#[test]
fn folds_measure_every_query_and_the_model_is_trained_on_all() {
    let place = Place::new();
    let input = format!("SvmLight={}", place.write("rows", &svmlight(40)));
    let arguments = [
        "--input",
        &input,
        "--feature-numbering",
        "OneBased",
        "--parameter",
        "min_data_in_leaf=2",
    ];
    let trained = |more: &[&str]| place.succeed(&train(&[&arguments[..], more].concat()));
    let files = |result: &Value, name: &str| {
        let digest = result["model"]["sha256"].as_str().unwrap();
        let path = place.path(&format!("store/artifacts/{digest}/{name}"));
        std::fs::read_to_string(path).unwrap()
    };
    let folds = trained(&["--split-mode", "KFold", "--folds", "4"]);
    let ndcg = metric(&folds, "ndcg@10");
    assert_eq!(ndcg["queries"], 40);
    assert!(number(&ndcg["low"]) < number(&ndcg["high"]));
    let everything = trained(&["--split-mode", "None"]);
    assert_eq!(
        files(&folds, "files/model.txt"),
        files(&everything, "files/model.txt")
    );
    let report = files(&folds, "files/report.html");
    assert!(report.contains("all queries out of fold: 4 folds by query"));
    let notes = folds["notes"].to_string();
    assert!(
        notes.contains("measured out of fold by 4 models"),
        "{notes}"
    );
    let manifest: Value = serde_json::from_str(&files(&folds, "manifest.json")).unwrap();
    assert_eq!(
        manifest["metadata"]["split"],
        serde_json::json!({"mode": "KFold", "folds": 4})
    );

    let stopped = trained(&[
        "--split-mode",
        "KFold",
        "--early-stopping-metric",
        "ndcg@5",
        "--early-stopping-rounds",
        "3",
    ]);
    let notes = stopped["notes"].to_string();
    assert!(notes.contains("with the median of their trees"), "{notes}");
    assert!(stopped["trees"].as_u64().unwrap() < 20, "{stopped}");

    let bundle = folds["model"]["uri"].as_str().unwrap();
    let evaluate = ["evaluate", "--bundle-uri", bundle];
    let again = [&evaluate[..], &arguments[..4]].concat();
    let message = place.refused(&again, "InvalidParameters");
    assert!(message.contains("measured out of fold"), "{message}");
}
