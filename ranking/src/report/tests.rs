//! The page as a whole: what is in it, that nothing foreign becomes markup, and that it needs
//! nothing from anywhere.

use super::*;
use crate::counterfactual::{ChoiceLog, EstimationOptions, LoggedChoice, estimate};
use crate::metrics::statistics::{Bootstrap, Interval};
use crate::metrics::{QueryValue, compare};

/// Values for queries 0.. that differ from `base` by `lift`, with their texts.
fn values(texts: &[String], base: f64, lift: f64) -> Vec<QueryValue<'_>> {
    texts
        .iter()
        .enumerate()
        .map(|(place, text)| QueryValue {
            query: text,
            text,
            value: Some(base + lift * (place % 5) as f64 + 0.01 * (place % 7) as f64),
        })
        .collect()
}

fn lift(against: &str, base: f64, lift: f64) -> Lift {
    let texts: Vec<String> = (0..200).map(|text| format!("text {text}")).collect();
    let (first, second) = (values(&texts, 0.4, 0.02), values(&texts, base, lift));
    Lift {
        against: against.to_owned(),
        comparison: compare(&first, &second, &Bootstrap::seeded(1)).unwrap(),
    }
}

fn figure(value: f64) -> Figure {
    Figure {
        value,
        interval: Some(Interval {
            low: value - 0.01,
            high: value + 0.012,
        }),
        queries: 1_234,
        texts: 456,
    }
}

/// A report with every section; `foreign` stands wherever text of others does.
fn full(foreign: &str) -> Report {
    let items = |labels: [u8; 3]| {
        let item = |label: u8| RankedItem {
            title: format!("{foreign} item"),
            label,
        };
        labels.map(item).to_vec()
    };
    let case = |model_value: f64, other_value: f64| QueryCase {
        query: foreign.to_owned(),
        model_value,
        other_value,
        model: items([3, 1, 0]),
        other: items([0, 1, 3]),
    };
    let lifts = vec![lift("retrieval", 0.38, 0.02), lift(foreign, 0.3, 0.01)];
    let choices: Vec<LoggedChoice> = (0..300_u32)
        .map(|place| LoggedChoice {
            reward: f64::from(u8::from(place % 9 == 0)),
            logged_probability: 0.5,
            target_probability: 0.5,
        })
        .collect();
    let log = ChoiceLog {
        choices: &choices,
        boundaries: None,
    };
    let options = EstimationOptions {
        clip: None,
        bootstrap: Bootstrap::seeded(1),
    };
    Report {
        title: format!("storefront {foreign}"),
        headline_metric: "ndcg@10".into(),
        split: format!("the last fifth {foreign}"),
        conventions: "gain 2^label - 1".into(),
        caution: Some(format!("labels come from clicks {foreign}")),
        metrics: ["ndcg@10", "mrr"]
            .map(|name| MetricFigures {
                name: name.into(),
                model: figure(0.4512),
                others: vec![
                    ("random".into(), Some(figure(0.21))),
                    (foreign.into(), Some(figure(0.43))),
                    ("bm25".into(), None),
                ],
            })
            .to_vec(),
        slices: vec![
            SliceRow {
                slicing: "frequency".into(),
                slice: "head".into(),
                model: figure(0.5),
                lift: Some(lifts[0].clone()),
            },
            SliceRow {
                slicing: foreign.into(),
                slice: foreign.into(),
                model: figure(0.4),
                lift: None,
            },
        ],
        positions: (1..=5)
            .map(|position| PositionClicks {
                position,
                shown: Proportion {
                    hits: 100 / u64::from(position),
                    of: 1_000,
                },
                by_model: Proportion {
                    hits: 130 / u64::from(position),
                    of: 1_000,
                },
            })
            .collect(),
        counterfactual: Some(estimate(&log, &options).unwrap()),
        learning_curve: Some(LearningCurve {
            name: format!("ndcg@10 {foreign}"),
            values: (0..50)
                .map(|tree| 0.5 - 0.2 / f64::from(tree + 1))
                .collect(),
            trees: 30,
        }),
        importance: (0..40_u32)
            .map(|place| FeatureImportance {
                feature: format!("{foreign}{place}"),
                gain: 0.5 / f64::from(place + 1),
                splits: u64::from(40 - place),
                contribution: (place % 2 == 0).then_some(0.1),
            })
            .collect(),
        contributions_over: Some(format!("500 test rows {foreign}")),
        queries: Some(ChangedQueries {
            against: foreign.into(),
            improved: vec![case(0.9, 0.2)],
            hurt: vec![case(0.1, 0.8)],
        }),
        data_card: vec![
            (foreign.into(), foreign.into()),
            ("rows".into(), "12,345".into()),
        ],
        notes: vec![format!("3 events left out {foreign}")],
        lifts,
    }
}

/// The elements of a page, each opened one with its attributes' text; checks that they close.
fn elements(page: &str) -> Vec<String> {
    const VOID: [&str; 3] = ["meta", "link", "line"];
    let mut open: Vec<&str> = Vec::new();
    let mut found = Vec::new();
    let mut rest = page;
    while let Some(start) = rest.find('<') {
        let end = start + rest[start..].find('>').expect("every tag ends");
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        let name = tag
            .split([' ', '/'])
            .next()
            .expect("a split has a first part");
        if let Some(closed) = tag.strip_prefix('/') {
            assert_eq!(
                open.pop(),
                Some(closed),
                "</{closed}> closes another element"
            );
        } else if !tag.starts_with('!') {
            if !tag.ends_with('/') && !VOID.contains(&name) {
                open.push(name);
            }
            found.push(tag.to_owned());
        }
    }
    assert!(open.is_empty(), "{open:?} stay open");
    found
}

#[test]
fn every_section_is_there_with_the_verdict_first() {
    let page = render(&full("shop"));
    let mut rest = page.as_str();
    for heading in [
        "<h1>",
        "Better",
        "Better than retrieval, the strongest ranking without it.",
        "ndcg@10 0.4697 against 0.4497: a difference of +0.0200",
        "over 200 queries with 200 distinct texts.",
        "labels come from clicks",
        "<h2>Metrics</h2>",
        "<h2>Lift</h2>",
        "<h2>Slices</h2>",
        "<h2>Clicks by position</h2>",
        "<h2>Counterfactual estimate</h2>",
        "conclusive",
        "<h2>Learning curve</h2>",
        "<h2>Importance</h2>",
        "the mean over 500 test rows",
        "10 features with less gain are not shown",
        "bar shap",
        "<h2>Queries</h2>",
        "Most improved",
        "Most hurt",
        "<h2>Data card</h2>",
        "3 events left out",
    ] {
        let place = rest.find(heading);
        assert!(place.is_some(), "{heading} is missing or out of order");
        rest = &rest[place.unwrap_or_default()..];
    }
    assert_eq!(
        page,
        render(&full("shop")),
        "the same report is the same page"
    );
}

#[test]
fn what_others_wrote_is_text_wherever_it_stands() {
    let plain = elements(&render(&full("shop")));
    for hostile in [
        "</style><script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "' onmouseover='alert(1)",
        "<!--",
        "&lt;&#60;script>",
        "\u{202e}\u{0}\u{1b}]0;",
    ] {
        let page = render(&full(hostile));
        let found = elements(&page);
        let names = |tags: &[String]| -> Vec<String> {
            tags.iter()
                .map(|tag| tag.split(' ').next().unwrap_or_default().to_owned())
                .collect()
        };
        assert_eq!(names(&found), names(&plain), "{hostile}");
        assert!(!page.contains('\u{202e}') && !page.contains('\u{0}'));
        assert!(
            found
                .iter()
                .all(|tag| !tag.contains(" onmouseover") || tag.contains("&#39; onm")),
            "{hostile}"
        );
    }
}

#[test]
fn the_page_loads_and_runs_nothing() {
    let page = render(&full("shop"));
    for forbidden in [
        "http://",
        "https://",
        "src=",
        "<script",
        "@import",
        "url(",
        "javascript:",
    ] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    assert!(page.contains("default-src 'none'"));
    for part in [
        "prefers-color-scheme: dark",
        "@media print",
        "max-width: 40rem",
        "viewport",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(
        !page.contains("NaN") && !page.contains("inf"),
        "every number is one"
    );
}

#[test]
fn a_report_without_test_queries_says_so_and_shows_what_there_is() {
    let report = Report {
        title: "all rows".into(),
        data_card: vec![("rows".into(), "10".into())],
        ..Report::default()
    };
    let page = render(&report);
    elements(&page);
    assert!(page.contains("Not measured"));
    for heading in ["Metrics", "Lift", "Slices", "Queries", "Importance"] {
        assert!(!page.contains(&format!("<h2>{heading}</h2>")), "{heading}");
    }
    assert!(page.contains("Nothing was left out"));
}

#[test]
fn numbers_that_hardly_differ_are_drawn() {
    let mut report = full("shop");
    report.learning_curve = Some(LearningCurve {
        name: "flat".into(),
        values: vec![0.0],
        trees: 1,
    });
    for metric in &mut report.metrics {
        metric.model.value = f64::MIN_POSITIVE;
        metric.model.interval = None;
        metric.others.clear();
    }
    for row in &mut report.positions {
        (row.shown, row.by_model) = (Proportion { hits: 0, of: 3 }, Proportion::default());
    }
    let page = render(&report);
    elements(&page);
    assert!(!page.contains("NaN") && !page.contains("inf\""));
}

#[test]
fn the_verdict_is_over_the_strongest_other_ranking() {
    let of = |lifts: &[Lift]| verdict("ndcg@10", lifts).kind;
    let (weak, strong) = (lift("random", 0.2, 0.02), lift("popularity", 0.5, 0.02));
    assert_eq!(of(std::slice::from_ref(&weak)), VerdictKind::Better);
    assert_eq!(of(&[weak.clone(), strong.clone()]), VerdictKind::Worse);
    assert_eq!(of(&[strong, weak]), VerdictKind::Worse);
    assert_eq!(of(&[lift("bm25", 0.44, 0.0)]), VerdictKind::Unclear);
    assert_eq!(of(&[]), VerdictKind::Unmeasured);
    let mut one_text = lift("bm25", 0.2, 0.02);
    one_text.comparison.interval = None;
    assert_eq!(
        of(&[one_text]),
        VerdictKind::Unclear,
        "no interval, no verdict"
    );
}

/// With `SEARCHOP_REPORT_EXAMPLE` the page of the tests is written there, to be looked at.
#[test]
fn an_example_can_be_written_to_be_looked_at() {
    if let Some(path) = std::env::var_os("SEARCHOP_REPORT_EXAMPLE") {
        std::fs::write(path, render(&full("blue running shoes"))).unwrap();
    }
}
