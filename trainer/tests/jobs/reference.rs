//! LightGBM's own ranking example as a Job.

use searchop_ranking::bundle::Bundle;
use serde_json::Value;

use crate::place::Place;
use crate::test_data::test_data;

#[test]
fn the_reference_example_trained_as_a_job_scores_as_the_python_package() {
    let Some(folder) = test_data("lightgbm-lambdarank") else {
        return;
    };
    let place = Place::new();
    let input = |name: &str, file: &str| format!("{name}={}", folder.join(file).display());
    let inputs = [
        input("SvmLight", "rank.train"),
        input("Groups", "rank.train.query"),
        input("Validation", "rank.test"),
        input("ValidationGroups", "rank.test.query"),
    ];
    let mut arguments = vec!["train", "--feature-numbering", "ZeroBased"];
    inputs
        .iter()
        .for_each(|input| arguments.extend(["--input", input]));
    arguments.extend([
        "--num-iterations",
        "100",
        "--learning-rate",
        "0.1",
        "--seed",
        "42",
    ]);
    for parameter in [
        "min_data_in_leaf=50",
        "min_sum_hessian_in_leaf=5.0",
        "bagging_freq=1",
        "bagging_fraction=0.9",
    ] {
        arguments.extend(["--parameter", parameter]);
    }
    let result = place.succeed(&arguments);
    assert_eq!(result["metrics"][0]["value"], "0.6352");
    assert_eq!(result["metrics"][1]["value"], "0.7315");

    let artifact = place.path(&format!(
        "store/artifacts/{}",
        result["model"]["sha256"].as_str().unwrap()
    ));
    let manifest: Value =
        serde_json::from_slice(&std::fs::read(artifact.join("manifest.json")).unwrap()).unwrap();
    let bundle = Bundle::load(&artifact.join("files"), &manifest["metadata"]).unwrap();
    let reference = std::fs::read_to_string(folder.join("parity_4_7_0.scores")).unwrap();
    let rows = std::fs::read_to_string(folder.join("rank.test")).unwrap();
    let mut compared = 0;
    for (line, expected) in rows.lines().zip(reference.lines()) {
        let mut row = vec![0.0; bundle.model.feature_count()];
        for field in line.split_whitespace().skip(1) {
            let (column, value) = field.split_once(':').unwrap();
            row[column.parse::<usize>().unwrap()] = value.parse().unwrap();
        }
        let expected: f64 = expected.parse().unwrap();
        assert_eq!(bundle.model.score(&row).to_bits(), expected.to_bits());
        compared += 1;
    }
    assert_eq!(compared, 768);
}
