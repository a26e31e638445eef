//! Reports of small measurements.

use std::collections::BTreeMap;

use searchop_ranking::metrics::slices::Frequency;
use searchop_ranking::svmlight::RankingRows;

use super::*;
use crate::evaluation::{measure_beside_baselines, results};

/// Forty searches for twenty texts of three items; the last item is the relevant one.
fn test_rows(has_lists: bool) -> TestRows {
    let names: Vec<String> = (0..40).map(|query| query.to_string()).collect();
    let rows = RankingRows::from_dense(
        [0, 0, 1].repeat(40),
        &[3; 40],
        names,
        1,
        [0.0, 1.0, 2.0].repeat(40),
    )
    .unwrap();
    let lists = ShownLists {
        queries: (0..40)
            .map(|query| format!("<b>text {}", query % 20))
            .collect(),
        frequencies: (0..40)
            .map(|query| {
                Some(if query % 20 == 0 {
                    Frequency::Head
                } else {
                    Frequency::Tail
                })
            })
            .collect(),
        intents: (0..40)
            .map(|query| (query % 3 > 0).then(|| ["brand", "price"][query % 2].into()))
            .collect(),
        segments: vec![None; 40],
        titles: (0..120).map(|row| format!("item {row}").into()).collect(),
        positions: [1, 2, 3].repeat(40),
    };
    TestRows {
        rows,
        baselines: BTreeMap::from([
            ("bm25".to_owned(), [2.0, 0.0, 1.0].repeat(40)),
            ("retrieval".to_owned(), [3.0, 2.0, 1.0].repeat(40)),
        ]),
        query_keys: (0..40).map(|query| format!("key {}", query % 20)).collect(),
        lists: has_lists.then_some(lists),
        split: "forty searches".into(),
        conventions: searchop_ranking::metrics::Conventions::default(),
    }
}

fn page(test: &TestRows, against: Option<&OtherModel>) -> String {
    let scores = [0.0, 1.0, 2.0].repeat(40);
    let measurement = measure_beside_baselines(test, &scores, 7).unwrap();
    let rows = MeasuredRows {
        test,
        scores: &scores,
        measurement: &measurement,
        against,
        seed: 7,
    };
    evaluation_report("abcdef0123", "fedcba9876", &rows, vec!["one note".into()]).unwrap()
}

#[test]
fn lists_that_were_shown_are_reported_against_the_strongest_baseline() {
    let page = page(&test_rows(true), None);
    for part in [
        "model abcdef01 on data fedcba98",
        "Better than random",
        "labels: 3 bought",
        "forty searches",
        "by frequency",
        "by intent",
        "<bdi>brand</bdi>",
        "<h2>Clicks by position</h2>",
        "changed most against bm25",
        "&lt;b&gt;text 0",
        "item 2",
        "one note",
    ] {
        assert!(page.contains(part), "{part} is missing");
    }
    assert!(!page.contains("by segment"), "no search has a segment");
}

#[test]
fn rows_of_features_are_reported_without_lists() {
    let page = page(&test_rows(false), None);
    assert!(page.contains("<h2>Lift</h2>"));
    for part in [
        "labels: 3 bought",
        "Clicks by position",
        "<h2>Queries</h2>",
        "by frequency",
    ] {
        assert!(!page.contains(part), "{part}");
    }
}

#[test]
fn another_model_stands_beside_the_baselines() {
    let test = test_rows(true);
    let scores = [0.0, 2.0, 1.0].repeat(40);
    let other = OtherModel {
        name: "model 01234567".into(),
        sha256: "01234567".repeat(8),
        results: results(&test, &scores).unwrap(),
        scores,
    };
    let page = page(&test, Some(&other));
    assert!(page.contains("changed most against model 01234567"));
    assert!(page.contains(r#"<th scope="row">model 01234567</th>"#));
}
