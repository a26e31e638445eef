//! Reports of small measurements.

use std::collections::BTreeMap;

use searchop_ranking::metrics::slices::Frequency;
use searchop_ranking::svmlight::RankingRows;

use super::*;
use crate::data::ShownLists;
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
        randomised: None,
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
    page_of(&rows, vec!["one note".into()])
}

/// One split of the only feature at 0.5: a third of the rows it was trained on get 0, the others 3.
const MODEL: &str = "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nlabel_index=0\n\
    max_feature_idx=0\nobjective=lambdarank\nfeature_names=f0\nfeature_infos=[0:2]\n\
    tree_sizes=400\n\nTree=0\nnum_leaves=2\nnum_cat=0\nsplit_feature=0\nsplit_gain=4\nthreshold=0.5\n\
    decision_type=2\nleft_child=-1\nright_child=-2\nleaf_value=0 3\nleaf_weight=1 2\nleaf_count=1 2\n\
    internal_value=0\ninternal_weight=0\ninternal_count=3\nis_linear=0\nshrinkage=1\n\n\nend of trees\n";

fn page_of(rows: &MeasuredRows<'_>, notes: Vec<String>) -> String {
    let published = PublishedModel {
        sha256: "abcdef0123",
        text: MODEL,
        model: &RankingModel::parse(MODEL).unwrap(),
        schema: &FeatureSchema::dense(1),
    };
    evaluation_report(&published, "fedcba9876", rows, notes).unwrap()
}

#[test]
fn a_model_that_is_measured_again_is_explained_over_the_rows_it_is_measured_on() {
    let page = page(&test_rows(false), None);
    let importance = page.split("<h2>Importance</h2>").nth(1).unwrap();
    // The mean is 2: rows are 2 below it or 1 above, which is 4 / 3 in the mean of three.
    for part in ["f0", "1.3333", "all 120 test rows"] {
        assert!(importance.contains(part), "{part} is not in {importance}");
    }
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
fn the_table_has_the_figures_that_the_page_shows_of_each_slice() {
    let test = test_rows(true);
    // Half of the searches for brands are ranked badly.
    let scores: Vec<f64> = (0..40)
        .flat_map(|query| {
            if query % 4 == 0 {
                [2.0, 1.0, 0.0]
            } else {
                [0.0, 1.0, 2.0]
            }
        })
        .collect();
    let measurement = measure_beside_baselines(&test, &scores, 7).unwrap();
    let slices = &measurement.table.slices;
    let names: Vec<(&str, &str)> = slices.iter().map(|it| (&*it.slicing, &*it.slice)).collect();
    let expected = [
        ("frequency", "head"),
        ("frequency", "tail"),
        ("intent", "brand"),
        ("intent", "price"),
    ];
    let (mut sorted, mut wanted) = (names.clone(), expected.to_vec());
    sorted.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(sorted, wanted);
    let rows = MeasuredRows {
        test: &test,
        scores: &scores,
        measurement: &measurement,
        against: None,
        seed: 7,
    };
    let page = page_of(&rows, Vec::new());
    for slice in slices {
        let headline = HEADLINE.to_string();
        let figure = slice.metrics.iter().find(|it| it.name == headline).unwrap();
        let value = format!("{:.4}", figure.model.value);
        let row = page.split("<bdi>").find(|it| it.starts_with(&slice.slice));
        assert!(row.unwrap().contains(&value), "{} {value}", slice.slice);
    }
    let brand = slices.iter().find(|it| it.slice == "brand").unwrap();
    let price = slices.iter().find(|it| it.slice == "price").unwrap();
    assert!(brand.metrics[0].model.value < price.metrics[0].model.value);
    assert_eq!(price.metrics[0].model.value, 1.0);
    let without = measure_beside_baselines(&test_rows(false), &scores, 7).unwrap();
    assert!(without.table.slices.is_empty());
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
