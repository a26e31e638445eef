//! Tests with values worked out by hand; the reference files are in `tests/reference_data.rs`.

use std::num::NonZeroUsize;

use proptest::prelude::*;

use super::statistics::{Bootstrap, Interval, clusters_of};
use super::{
    Conventions, EmptyQueries, Gain, Metric, MetricsError, ScoredRows, Ties, evaluate, measure,
};

fn metric(name: &str) -> Metric {
    name.parse().unwrap()
}

fn of(name: &str, ranked: &[u8]) -> Option<f64> {
    measure(metric(name), &Conventions::default(), ranked, ranked)
}

#[test]
fn metrics_have_the_values_of_a_worked_example() {
    let ranked = [0, 2, 1, 0];
    let dcg = 3.0 / 3.0_f64.log2() + 1.0 / 2.0;
    let ideal = 3.0 + 1.0 / 3.0_f64.log2();
    for (name, expected) in [
        ("ndcg", dcg / ideal),
        ("ndcg@1", 0.0),
        ("ndcg@2", (dcg - 0.5) / ideal),
        ("map", (1.0 / 2.0 + 2.0 / 3.0) / 2.0),
        ("mrr", 0.5),
        ("recall@2", 0.5),
        ("precision@2", 0.5),
        ("precision@8", 0.25),
        ("auc", 0.5),
    ] {
        let value = of(name, &ranked).unwrap();
        assert!(
            (value - expected).abs() < 1e-15,
            "{name}: {value} instead of {expected}"
        );
    }
    let linear = Conventions {
        gain: Gain::Linear,
        ..Conventions::default()
    };
    let value = measure(metric("ndcg@1"), &linear, &[1, 2], &[1, 2]).unwrap();
    assert_eq!(value, 0.5);
}

#[test]
fn judged_documents_that_are_not_ranked_lower_ndcg_map_and_recall() {
    for name in ["ndcg", "map", "recall@5"] {
        let value = measure(metric(name), &Conventions::default(), &[1], &[1, 1]).unwrap();
        assert!(value < 1.0, "{name} is {value}");
    }
}

#[test]
fn a_query_without_a_relevant_document_counts_as_the_convention_says() {
    for (empty_queries, expected) in [
        (EmptyQueries::Skip, None),
        (EmptyQueries::One, Some(1.0)),
        (EmptyQueries::Zero, Some(0.0)),
    ] {
        let conventions = Conventions {
            empty_queries,
            ..Conventions::default()
        };
        for name in ["ndcg@10", "map", "mrr", "recall@1", "precision@1"] {
            assert_eq!(
                measure(metric(name), &conventions, &[0, 0], &[0, 0]),
                expected
            );
        }
    }
}

#[test]
fn the_area_under_the_curve_takes_scores_and_leaves_out_queries_without_a_pair() {
    let rows = ScoredRows {
        labels: &[2, 0, 1, 1, 0, 0],
        scores: &[0.5, 0.5, 0.1, 0.2, 0.3, 0.4],
        boundaries: &[0, 2, 4, 6],
        identifiers: None,
    };
    for empty_queries in [EmptyQueries::Skip, EmptyQueries::One, EmptyQueries::Zero] {
        let conventions = Conventions {
            empty_queries,
            ..Conventions::default()
        };
        let result = &evaluate(&[metric("auc")], &conventions, &rows).unwrap()[0];
        assert_eq!(result.per_query, [Some(0.5), None, None]);
    }
    assert_eq!(of("auc", &[1, 0, 0]), Some(1.0));
}

#[test]
fn metric_names_round_trip_and_others_are_refused() {
    for name in [
        "ndcg",
        "ndcg@10",
        "map",
        "mrr",
        "recall@3",
        "precision@100",
        "auc",
    ] {
        assert_eq!(metric(name).to_string(), name);
    }
    for name in [
        "", "ndcg@", "ndcg@0", "ndcg@-1", "NDCG@10", "map@5", "recall", "auc@5",
    ] {
        assert!(name.parse::<Metric>().is_err(), "{name}");
    }
}

#[test]
fn conventions_are_printed_in_words() {
    assert_eq!(
        Conventions::default().to_string(),
        "gain 2^label - 1, discount log2(rank + 1), ties in input order, relevant from label 1, queries without a relevant document left out"
    );
}

#[test]
fn rows_are_measured_query_by_query_with_ties_in_the_order_asked_for() {
    let identifiers = ["a", "b", "x", "y"].map(str::to_owned);
    let rows = ScoredRows {
        labels: &[1, 0, 0, 0],
        scores: &[0.5, 0.5, f64::INFINITY, -0.0],
        boundaries: &[0, 2, 4],
        identifiers: Some(&identifiers),
    };
    let mut conventions = Conventions::default();
    let result = |conventions: &Conventions| {
        evaluate(&[metric("mrr")], conventions, &rows)
            .unwrap()
            .remove(0)
    };
    assert_eq!(result(&conventions).per_query, [Some(1.0), None]);
    assert_eq!(
        (
            result(&conventions).mean(),
            result(&conventions).query_count()
        ),
        (Some(1.0), 1)
    );
    conventions.ties = Ties::IdentifierDescending;
    assert_eq!(result(&conventions).per_query, [Some(0.5), None]);
}

#[test]
fn rows_that_cannot_be_measured_are_refused() {
    let rows = ScoredRows {
        labels: &[1, 0],
        scores: &[0.5, 0.1],
        boundaries: &[0, 2],
        identifiers: None,
    };
    let refusal = |rows: ScoredRows<'_>, ties: Ties| {
        evaluate(
            &[metric("mrr")],
            &Conventions {
                ties,
                ..Conventions::default()
            },
            &rows,
        )
        .unwrap_err()
    };
    assert_eq!(
        refusal(
            ScoredRows {
                scores: &[0.5, f64::NAN],
                ..rows
            },
            Ties::InputOrder
        ),
        MetricsError::ScoreNotANumber { row: 1 }
    );
    assert_eq!(
        refusal(
            ScoredRows {
                scores: &[0.5],
                ..rows
            },
            Ties::InputOrder
        ),
        MetricsError::LengthMismatch {
            what: "scores",
            found: 1,
            rows: 2
        }
    );
    for boundaries in [
        &[][..],
        &[0, 1][..],
        &[0, 3][..],
        &[1, 2][..],
        &[0, 2, 1, 2][..],
    ] {
        assert_eq!(
            refusal(ScoredRows { boundaries, ..rows }, Ties::InputOrder),
            MetricsError::Boundaries { rows: 2 }
        );
    }
    assert_eq!(
        refusal(rows, Ties::IdentifierDescending),
        MetricsError::IdentifiersMissing
    );
}

#[test]
fn intervals_are_deterministic_and_about_as_wide_as_theory_says() {
    // 400 values, half 0 and half 1: the mean's standard error is 0.5 / 20.
    let values: Vec<f64> = (0..400).map(|index| f64::from(index % 2)).collect();
    let each: Vec<usize> = (0..400).collect();
    let interval = Bootstrap::seeded(7)
        .interval_of_mean(&values, &each)
        .unwrap();
    assert_eq!(
        Some(interval),
        Bootstrap::seeded(7).interval_of_mean(&values, &each)
    );
    assert_ne!(
        Some(interval),
        Bootstrap::seeded(8).interval_of_mean(&values, &each)
    );
    assert!(
        (interval.low - (0.5 - 1.96 * 0.025)).abs() < 0.01,
        "{interval:?}"
    );
    assert!(
        (interval.high - (0.5 + 1.96 * 0.025)).abs() < 0.01,
        "{interval:?}"
    );
    let narrower = Bootstrap::seeded(7)
        .with(1_000, 0.5)
        .interval_of_mean(&values, &each)
        .unwrap();
    assert!(narrower.low > interval.low && narrower.high < interval.high);
    assert_eq!(
        Bootstrap::seeded(7).interval_of_mean(&[0.25], &[0]),
        Some(Interval {
            low: 0.25,
            high: 0.25
        })
    );
    assert_eq!(Bootstrap::seeded(7).interval_of_mean(&[], &[]), None);
}

#[test]
fn searches_of_one_query_are_drawn_together() {
    // Ten queries, each searched 40 times with the same outcome: ten values, not 400.
    let values: Vec<f64> = (0..400).map(|index| f64::from(index / 40 % 2)).collect();
    let keys: Vec<String> = (0..400).map(|index| (index / 40).to_string()).collect();
    let clusters = clusters_of(&keys);
    assert_eq!((clusters[0], clusters[39], clusters[40]), (0, 0, 1));
    let bootstrap = Bootstrap::seeded(7);
    let together = bootstrap.interval_of_mean(&values, &clusters).unwrap();
    let ten: Vec<f64> = (0..10).map(|index| f64::from(index % 2)).collect();
    let of_ten = bootstrap
        .interval_of_mean(&ten, &(0..10).collect::<Vec<_>>())
        .unwrap();
    assert!(
        (together.low - of_ten.low).abs() < 1e-12 && (together.high - of_ten.high).abs() < 1e-12,
        "{together:?} {of_ten:?}"
    );
    let each = bootstrap
        .interval_of_mean(&values, &(0..400).collect::<Vec<_>>())
        .unwrap();
    assert!(together.high - together.low > 4.0 * (each.high - each.low));
    // Clusters weigh by their values: a large and a small one.
    let uneven = bootstrap
        .interval_of_mean(&[1.0, 1.0, 1.0, 0.0], &[5, 5, 5, 2])
        .unwrap();
    assert_eq!((uneven.low, uneven.high), (0.0, 1.0));
}

proptest! {
    #[test]
    fn metrics_are_shares_and_an_ideal_ranking_has_ndcg_one(
        labels in prop::collection::vec(0_u8..5, 1..12), k in 1_usize..15,
    ) {
        let k = NonZeroUsize::new(k).unwrap();
        let conventions = Conventions::default();
        for metric in [
            Metric::Ndcg(Some(k)), Metric::Ndcg(None), Metric::AveragePrecision, Metric::ReciprocalRank,
            Metric::Recall(k), Metric::Precision(k), Metric::AreaUnderCurve,
        ] {
            if let Some(value) = measure(metric, &conventions, &labels, &labels) {
                prop_assert!((0.0..=1.0).contains(&value), "{} is {}", metric, value);
            }
        }
        let mut ideal = labels;
        ideal.sort_unstable_by(|first, second| second.cmp(first));
        if ideal[0] > 0 {
            prop_assert_eq!(measure(Metric::Ndcg(Some(k)), &conventions, &ideal, &ideal), Some(1.0));
        }
    }
}

#[test]
fn stated_gains_decide_what_a_label_is_worth() {
    let stated = Conventions {
        gain: Gain::Stated(vec![0.0, 0.01, 0.1, 1.0]),
        ..Conventions::default()
    };
    // (0.1 + 1 / log2(3)) / (1 + 0.1 / log2(3)), by hand.
    let value = measure(metric("ndcg@2"), &stated, &[2, 3, 0], &[2, 3, 0]).unwrap();
    let second = std::f64::consts::LN_2 / 3.0_f64.ln();
    assert!((value - (0.1 + second) / (1.0 + 0.1 * second)).abs() < 1e-12);
    assert!(
        value
            < measure(
                metric("ndcg@2"),
                &Conventions::default(),
                &[2, 3, 0],
                &[2, 3, 0]
            )
            .unwrap()
    );
    assert_eq!(
        [0, 2, 3, 9].map(|label| stated.gain.of(label)),
        [0.0, 0.1, 1.0, 1.0]
    );
    let text = stated.to_string();
    let gains = "gain as stated (0, 0.01, 0.1, 1 for labels from 0), discount";
    assert!(text.starts_with(gains), "{text}");
    let written = serde_json::to_string(&stated).unwrap();
    assert!(
        written.contains(r#""gain":{"Stated":[0.0,0.01,0.1,1.0]}"#),
        "{written}"
    );
    assert_eq!(
        serde_json::from_str::<Conventions>(&written).unwrap(),
        stated
    );
}
