//! Parity with what others measured and scored, on third-party data that the
//! environment variable `SEARCHOP_TEST_DATA` points to. Without it they are skipped, but
//! where `CI` or `SEARCHOP_REQUIRE_TEST_DATA` is set, they fail.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs::{File, read_to_string};
use std::io::BufReader;
use std::path::PathBuf;

use searchop_ranking::metrics::{
    Conventions, EmptyQueries, Gain, ScoredRows, Ties, evaluate, measure,
};
use searchop_ranking::model::{ModelError, RankingModel, normalise};
use searchop_ranking::svmlight::{
    FeatureNumbering, Queries, RankingRows, ReadOptions, read, read_groups,
};

fn test_data(folder: &str) -> Option<PathBuf> {
    let Some(root) = std::env::var_os("SEARCHOP_TEST_DATA") else {
        let missing = "SEARCHOP_TEST_DATA does not say where the reference data is";
        let is_set = |name: &&str| {
            std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "false")
        };
        if let Some(name) = ["CI", "SEARCHOP_REQUIRE_TEST_DATA"]
            .into_iter()
            .find(is_set)
        {
            panic!("{missing}; {name} is set, so this test may not be skipped");
        }
        eprintln!("skipped: {missing}");
        return None;
    };
    let path = PathBuf::from(root).join(folder);
    assert!(path.is_dir(), "{} is not a folder", path.display());
    Some(path)
}

fn matrix(text: &str, skip: usize) -> Vec<Vec<f64>> {
    text.lines()
        .map(|line| {
            line.split_whitespace()
                .skip(skip)
                .map(|value| value.parse().unwrap())
                .collect()
        })
        .collect()
}

fn score_rows(model: &RankingModel, rows: &[Vec<f64>]) -> Vec<f64> {
    let mut scores = vec![f64::NAN; rows.len()];
    model.score_rows(&rows.concat(), &mut model.scratch(), &mut scores);
    scores
}

#[test]
fn a_dart_model_of_format_v2_gives_the_predictions_of_its_time() {
    let Some(folder) = test_data("lightgbm-models") else {
        return;
    };
    let model =
        RankingModel::parse(&read_to_string(folder.join("lg_dart_breast_cancer.model")).unwrap())
            .unwrap();
    let rows = matrix(
        &read_to_string(folder.join("breast_cancer_test.tsv")).unwrap(),
        0,
    );
    let expected = matrix(
        &read_to_string(folder.join("lg_dart_breast_cancer_true_predictions.txt")).unwrap(),
        0,
    );
    assert_eq!(rows.len(), expected.len());
    let scores = score_rows(&model, &rows);
    for ((row, score), expected) in rows.iter().zip(scores).zip(expected) {
        assert_eq!(model.score(row).to_bits(), score.to_bits());
        let probability = 1.0 / (1.0 + (-score).exp());
        assert!(
            (probability - expected[0]).abs() < 1e-15,
            "{probability} instead of {}",
            expected[0]
        );
    }
}

#[test]
fn a_model_of_format_v3_sums_the_leaves_that_lightgbm_names() {
    let Some(folder) = test_data("lightgbm-models") else {
        return;
    };
    let text = read_to_string(folder.join("lg_breast_cancer.txt")).unwrap();
    let model = RankingModel::parse(&text).unwrap();
    let leaf_values: Vec<Vec<f64>> = text
        .lines()
        .filter_map(|line| line.strip_prefix("leaf_value="))
        .map(|line| {
            line.split(' ')
                .map(|value| value.parse().unwrap())
                .collect()
        })
        .collect();
    let rows = matrix(
        &read_to_string(folder.join("lg_breast_cancer_data.txt")).unwrap(),
        0,
    );
    let leaves = matrix(
        &read_to_string(folder.join("lg_breast_cancer_data_pred_leaves.txt")).unwrap(),
        0,
    );
    let scores = score_rows(&model, &rows);
    for ((row, score), leaves) in rows.iter().zip(scores).zip(leaves) {
        let expected = leaves
            .iter()
            .zip(&leaf_values)
            .fold(0.0, |sum, (leaf, values)| sum + values[*leaf as usize]);
        assert_eq!(model.score(row).to_bits(), expected.to_bits());
        assert_eq!(score.to_bits(), expected.to_bits());
    }
    assert_eq!(RankingModel::parse(&normalise(&text)).unwrap(), model);
}

#[test]
fn a_random_forest_is_read_and_a_multiclass_model_is_refused_by_name() {
    let Some(folder) = test_data("lightgbm-models") else {
        return;
    };
    let forest =
        RankingModel::parse(&read_to_string(folder.join("lg_rf_iris.model")).unwrap()).unwrap();
    assert!(forest.averages_output());
    // What LightGBM 4.7.0 predicts with raw_score=True for these rows.
    assert!((forest.score(&[5.0, 3.0, 1.4, 0.2]) - 3.57608766).abs() < 1e-8);
    assert!((forest.score(&[6.0, 3.0, 4.5, 1.5]) - 26.42391234).abs() < 1e-8);
    let refused = RankingModel::parse(&read_to_string(folder.join("lgmulticlass.model")).unwrap());
    assert_eq!(
        refused,
        Err(ModelError::Multiclass {
            field: "num_class",
            outputs: 5
        })
    );
}

fn ranking_example(folder: &std::path::Path, name: &str) -> RankingRows {
    let open = |name: String| BufReader::new(File::open(folder.join(name)).unwrap());
    let groups = read_groups(open(format!("{name}.query"))).unwrap();
    let options = ReadOptions {
        numbering: FeatureNumbering::ZeroBased,
        queries: Queries::Groups(&groups),
        feature_count: None,
    };
    read(open(name.to_owned()), &options).unwrap()
}

#[test]
fn lightgbms_ranking_example_is_read_and_measured_as_lightgbm_does() {
    let Some(folder) = test_data("lightgbm-lambdarank") else {
        return;
    };
    let train = ranking_example(&folder, "rank.train");
    assert_eq!(
        (
            train.row_count(),
            train.query_count(),
            train.feature_count()
        ),
        (3005, 201, 301)
    );
    let test = ranking_example(&folder, "rank.test");
    assert_eq!(
        (test.row_count(), test.query_count(), test.feature_count()),
        (768, 50, 301)
    );
    let scores = read_to_string(folder.join("parity_4_7_0.scores")).unwrap();
    let scores: Vec<f64> = scores.lines().map(|line| line.parse().unwrap()).collect();
    let conventions = Conventions {
        empty_queries: EmptyQueries::One,
        ..Conventions::default()
    };
    let rows = ScoredRows {
        labels: test.labels(),
        scores: &scores,
        boundaries: test.boundaries(),
        identifiers: None,
    };
    // What LightGBM itself printed, in all its digits; it sums in another order.
    let told = read_to_string(folder.join("parity_4_7_0.txt")).unwrap();
    let by_lightgbm = |after: &str| -> f64 {
        let rest = &told[told.find(after).unwrap() + after.len()..];
        rest.split_whitespace().next().unwrap().parse().unwrap()
    };
    let metrics = ["ndcg@5", "ndcg@10"].map(|name| name.parse().unwrap());
    let results = evaluate(&metrics, &conventions, &rows).unwrap();
    let expected = [by_lightgbm("ndcg@5 by LightGBM "), by_lightgbm("ndcg@10 ")];
    for (result, expected) in results.iter().zip(expected) {
        let value = result.mean().unwrap();
        assert!(
            (value - expected).abs() < 1e-14,
            "{}: {value} instead of {expected}",
            result.metric
        );
    }
}

#[test]
fn metrics_have_the_values_that_trec_eval_expects() {
    let Some(folder) = test_data("trec-eval") else {
        return;
    };
    let fields = |name: &str| -> Vec<Vec<String>> {
        let text = read_to_string(folder.join(name)).unwrap();
        text.lines()
            .map(|line| line.split_whitespace().map(str::to_owned).collect())
            .collect()
    };
    let mut judgements: BTreeMap<String, BTreeMap<String, u8>> = BTreeMap::new();
    for line in fields("qrels.test") {
        let label = line[3].parse::<i32>().unwrap().max(0).try_into().unwrap();
        judgements
            .entry(line[0].clone())
            .or_default()
            .insert(line[2].clone(), label);
    }
    let mut runs: BTreeMap<String, Vec<(f64, String)>> = BTreeMap::new();
    for line in fields("results.test") {
        runs.entry(line[0].clone())
            .or_default()
            .push((line[4].parse().unwrap(), line[2].clone()));
    }
    let conventions = Conventions {
        gain: Gain::Linear,
        ties: Ties::IdentifierDescending,
        ..Conventions::default()
    };
    let mut compared = 0;
    for line in fields("out.test.aq") {
        let [name, topic, expected] = &line[..] else {
            continue;
        };
        let name = match name.split_once('_') {
            None if name == "ndcg" || name == "map" => name.clone(),
            Some(("recip", "rank")) => "mrr".to_owned(),
            Some(("ndcg", cut))
                if ["cut_5", "cut_10", "cut_15", "cut_20", "cut_30", "cut_100"].contains(&cut) =>
            {
                format!("ndcg@{}", &cut["cut_".len()..])
            }
            Some(("P", k @ ("5" | "10" | "20"))) => format!("precision@{k}"),
            Some(("recall", k @ ("5" | "10" | "20"))) => format!("recall@{k}"),
            _ => continue,
        };
        let Some(run) = runs.get(topic) else { continue };
        let judged = &judgements[topic];
        let mut ordered = run.clone();
        ordered.sort_by(|first, second| {
            second
                .0
                .total_cmp(&first.0)
                .then_with(|| second.1.cmp(&first.1))
        });
        let ranked: Vec<u8> = ordered
            .iter()
            .map(|(_, document)| judged.get(document).copied().unwrap_or_default())
            .collect();
        let all: Vec<u8> = judged.values().copied().collect();
        let value = measure(name.parse().unwrap(), &conventions, &ranked, &all).unwrap();
        assert_eq!(format!("{value:.4}"), *expected, "{name} of topic {topic}");
        compared += 1;
    }
    assert_eq!(compared, 45);
}
