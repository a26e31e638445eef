//! How good scores are: the headline metrics with intervals, beside the baselines that the data
//! allows, and the table that people read. The metrics themselves are the ranking crate's; how
//! rows are scored is the caller's.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use comfy_table::{Cell, CellAlignment, Table, presets};
use searchop_ranking::baselines::random_scores;
use searchop_ranking::bundle::{MetricsTable, RankingFigure};
use searchop_ranking::metrics::statistics::Bootstrap;
use searchop_ranking::metrics::{
    Comparison, Conventions, Metric, MetricResult, MetricsError, QueryValue, ScoredRows, compare,
    evaluate,
};
use searchop_ranking::svmlight::RankingRows;

use crate::counterfactual::estimates;
use crate::data::{RandomisedRows, ShownLists};
use crate::failure::Failure;
use crate::slicings::slicings;

/// Orders whose mean is the baseline "random": one order of few queries says little.
const RANDOM_ORDERS: u64 = 20;

/// The baselines in the order in which they are shown.
const BASELINES: [&str; 4] = ["random", "popularity", "retrieval", "bm25"];

/// Rows to measure on.
#[derive(Clone, Debug)]
pub struct TestRows {
    /// The rows.
    pub rows: RankingRows,
    /// Scores of simple rankings, one for each row, by name.
    pub baselines: BTreeMap<String, Vec<f64>>,
    /// What each query searched for: searches of one key are drawn together for the intervals.
    pub query_keys: Vec<String>,
    /// How people call what is in the rows, where they are lists that were shown.
    pub lists: Option<ShownLists>,
    /// Held-back lists that chance put in their order.
    pub randomised: Option<RandomisedRows>,
    /// How these rows came to be the test rows.
    pub split: String,
    /// By which conventions they are measured.
    pub conventions: Conventions,
}

const TEN: NonZeroUsize = NonZeroUsize::new(10).expect("ten is not zero");

/// The metric that decides whether a model is better.
pub const HEADLINE: Metric = Metric::Ndcg(Some(TEN));

/// What is measured, in the order in which it is shown.
const METRICS: [Metric; 7] = [
    Metric::Ndcg(NonZeroUsize::new(5)),
    HEADLINE,
    Metric::ReciprocalRank,
    Metric::AveragePrecision,
    Metric::Recall(TEN),
    Metric::Precision(TEN),
    Metric::AreaUnderCurve,
];

/// What people must know of labels that are made from what they did.
pub const LABELS_FROM_ACTIONS: &str = "labels: 3 bought, 2 put in the cart, 1 clicked; people act most \
     on what was shown first, so these labels favour the order that was shown (retrieval)";

/// The model and the rankings beside it, measured on the same rows.
#[derive(Clone, Debug)]
pub struct Measurement {
    /// The table of the bundle.
    pub table: MetricsTable,
    /// The model's results.
    pub model: Vec<MetricResult>,
    /// Those of the baselines by name, in the order in which they are shown.
    pub baselines: Vec<(String, Vec<MetricResult>)>,
}

/// Measures scores of the test rows.
///
/// # Errors
/// No test query has a relevant row, so that there is nothing to measure.
pub fn measure(test: &TestRows, scores: &[f64], seed: u32) -> Result<MetricsTable, Failure> {
    measure_beside_baselines(test, scores, seed).map(|measurement| measurement.table)
}

/// The results of one ranking of the test rows.
///
/// # Errors
/// Scores that are not numbers, or not one for each row.
pub fn results(test: &TestRows, scores: &[f64]) -> Result<Vec<MetricResult>, MetricsError> {
    let rows = ScoredRows {
        labels: test.rows.labels(),
        scores,
        boundaries: test.rows.boundaries(),
        identifiers: None,
    };
    evaluate(&METRICS, &test.conventions, &rows)
}

/// How one ranking of the test rows differs from another by the metric that decides.
///
/// # Errors
/// Queries that cannot be told from each other, or none that counts.
pub fn compare_headline(
    test: &TestRows,
    first: &[MetricResult],
    second: &[MetricResult],
    seed: u32,
) -> Result<Comparison, Failure> {
    let values = |results: &[MetricResult]| -> Vec<QueryValue<'_>> {
        let result = results.iter().find(|result| result.metric == HEADLINE);
        let names = test.rows.query_identifiers().iter().zip(&test.query_keys);
        names
            .zip(result.iter().flat_map(|result| &result.per_query))
            .map(|((query, text), value)| QueryValue {
                query,
                text,
                value: *value,
            })
            .collect()
    };
    let bootstrap = Bootstrap::seeded(u64::from(seed));
    compare(&values(first), &values(second), &bootstrap).map_err(Failure::data)
}

/// Measures scores of the test rows, and the baselines; keeps what each query gave.
///
/// # Errors
/// No test query has a relevant row, so that there is nothing to measure.
pub fn measure_beside_baselines(
    test: &TestRows,
    scores: &[f64],
    seed: u32,
) -> Result<Measurement, Failure> {
    let conventions = test.conventions.clone();
    let relevant_from = conventions.relevant_from;
    let results = |scores: &[f64]| results(test, scores);
    let model = results(scores).map_err(Failure::internal)?;
    let mut baselines = BTreeMap::new();
    for (name, scores) in &test.baselines {
        baselines.insert(name.clone(), results(scores).map_err(Failure::internal)?);
    }
    let random = random(results, test.rows.row_count(), seed).map_err(Failure::internal)?;
    baselines.insert("random".to_owned(), random);
    let bootstrap = Bootstrap::seeded(u64::from(seed));
    let table = MetricsTable::new(
        conventions,
        &test.split,
        test.rows.query_identifiers().to_vec(),
        &test.query_keys,
        &model,
        &baselines,
        &bootstrap,
    );
    let table = match &test.lists {
        Some(lists) => {
            let slicings = slicings(lists);
            table.with_slices(&slicings, &test.query_keys, &model, &baselines, &bootstrap)
        }
        None => table,
    };
    if table.metrics.is_empty() {
        return Err(Failure::data(format!(
            "none of the {} test queries has a row with a label of at least {}: there is nothing to \
             measure; choose the test queries otherwise, or use --split-mode None",
            test.rows.query_count(),
            relevant_from,
        )));
    }
    let in_order = BASELINES
        .iter()
        .filter_map(|name| baselines.remove_entry(*name))
        .collect();
    Ok(Measurement {
        table,
        model,
        baselines: in_order,
    })
}

/// The mean over several random orders, query by query.
fn random(
    results: impl Fn(&[f64]) -> Result<Vec<MetricResult>, MetricsError>,
    rows: usize,
    seed: u32,
) -> Result<Vec<MetricResult>, MetricsError> {
    let order = |number: u64| {
        results(&random_scores(
            rows,
            u64::from(seed) * RANDOM_ORDERS + number,
        ))
    };
    let mut sums = order(0)?;
    for number in 1..RANDOM_ORDERS {
        for (sum, result) in sums.iter_mut().zip(order(number)?) {
            for (sum, value) in sum.per_query.iter_mut().zip(result.per_query) {
                *sum = sum.zip(value).map(|(sum, value)| sum + value);
            }
        }
    }
    for value in sums
        .iter_mut()
        .flat_map(|sum| sum.per_query.iter_mut())
        .flatten()
    {
        *value /= RANDOM_ORDERS as f64;
    }
    Ok(sums)
}

/// The table for people: a row for each metric, the model beside every baseline, each mean with
/// its interval, and below what the figures mean.
#[must_use]
pub fn table(metrics: &MetricsTable) -> String {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    let mut header = vec![Cell::new("metric"), Cell::new("model")];
    header.extend(BASELINES.map(Cell::new));
    header.push(Cell::new("queries"));
    table.set_header(header);
    for report in &metrics.metrics {
        let mut row = vec![Cell::new(&report.name), figure(Some(&report.model))];
        row.extend(BASELINES.map(|name| figure(report.baselines.get(name))));
        row.push(Cell::new(report.model.queries).set_alignment(CellAlignment::Right));
        table.add_row(row);
    }
    // Only data with searches has an order that was shown.
    let has_shown_order = metrics
        .metrics
        .iter()
        .any(|report| report.baselines.contains_key("retrieval"));
    let labels = if has_shown_order {
        format!("\n{LABELS_FROM_ACTIONS}")
    } else {
        String::new()
    };
    let clicks = match &metrics.counterfactual {
        Some(found) => format!(
            "\nclicks by item shown, from lists that chance put in order:\n{}",
            estimates(found)
        ),
        None if has_shown_order => "\nclicks by item shown: not applicable: no list with \
             propensities was held back (with folds none is)"
            .to_owned(),
        None => String::new(),
    };
    format!(
        "{table}\nmeasured on: {}{labels}\nconventions: {}\nintervals: 95 %, bootstrap over distinct \
         queries, the searches of one query drawn together; random: mean of {RANDOM_ORDERS} orders{clicks}",
        metrics.split, metrics.conventions_text,
    )
}

fn figure(figure: Option<&RankingFigure>) -> Cell {
    match figure {
        Some(figure) => Cell::new(format!(
            "{:.4}\n{:.4} to {:.4}",
            figure.value, figure.low, figure.high
        )),
        None => Cell::new("not applicable"),
    }
}

#[cfg(test)]
mod tests {
    use searchop_ranking::metrics::Gain;

    use super::*;

    /// Two queries that can be ranked well or badly, and one without a relevant row.
    fn test_rows() -> TestRows {
        let labels = vec![0, 1, 2, 2, 0, 0, 0];
        let rows = RankingRows::from_dense(
            labels,
            &[3, 2, 2],
            vec!["a".into(), "b".into(), "c".into()],
            1,
            vec![0.0; 7],
        )
        .unwrap();
        let baselines =
            BTreeMap::from([("bm25".to_owned(), vec![2.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0])]);
        TestRows {
            rows,
            baselines,
            query_keys: vec!["a".into(), "b".into(), "c".into()],
            lists: None,
            randomised: None,
            split: "two queries".into(),
            conventions: Conventions::default(),
        }
    }

    #[test]
    fn a_perfect_order_measures_one_and_queries_without_relevant_rows_are_left_out() {
        let metrics = measure(&test_rows(), &[0.0, 1.0, 2.0, 1.0, 0.0, 0.0, 0.0], 42).unwrap();
        let headline = metrics.headline();
        let names: Vec<_> = headline.iter().map(|metric| metric.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "ndcg@5",
                "ndcg@10",
                "mrr",
                "map",
                "recall@10",
                "precision@10",
                "auc"
            ]
        );
        for metric in headline {
            // Three relevant rows in the first ten places of two queries.
            let expected = match metric.name.as_str() {
                "precision@10" => "0.1500",
                _ => "1.0000",
            };
            assert_eq!(
                (metric.value.as_str(), metric.queries),
                (expected, 2),
                "{}",
                metric.name
            );
        }
    }

    #[test]
    fn baselines_that_the_data_does_not_allow_are_not_applicable() {
        let metrics = measure(&test_rows(), &[0.0; 7], 42).unwrap();
        let baselines: Vec<_> = metrics.metrics[0].baselines.keys().cloned().collect();
        assert_eq!(baselines, ["bm25", "random"]);
        let text = table(&metrics);
        assert!(text.contains("not applicable"), "{text}");
        assert!(
            text.contains("gain 2^label - 1") && text.contains("two queries"),
            "{text}"
        );
    }

    #[test]
    fn random_is_the_mean_of_several_orders() {
        let metrics = measure(&test_rows(), &[0.0; 7], 1).unwrap();
        let mrr = metrics
            .metrics
            .iter()
            .find(|report| report.name == "mrr")
            .unwrap();
        // Expected: (1 + 1 + 1/2) / 3 for the first query, 3/4 for the second; one order alone
        // gives one of 3/4, 1 and a few more, 20 orders a mean near the expectation.
        let expected = f64::midpoint((1.0 + 1.0 + 0.5) / 3.0, 0.75);
        assert!((mrr.baselines["random"].value - expected).abs() < 0.1);
        let again = measure(&test_rows(), &[0.0; 7], 1).unwrap();
        assert_eq!(metrics, again);
    }

    #[test]
    fn stated_gains_decide_ndcg_and_are_printed() {
        let mut test = test_rows();
        let scores = [0.0, 2.0, 1.0, 1.0, 0.0, 0.0, 0.0];
        let usual = measure(&test, &scores, 42).unwrap();
        test.conventions.gain = Gain::Stated(vec![0.0, 1.0, 1.0]);
        let stated = measure(&test, &scores, 42).unwrap();
        assert!(usual.metrics[1].model.value < 1.0);
        assert_eq!(stated.metrics[1].model.value, 1.0);
        let text = table(&stated);
        assert!(
            text.contains("gain as stated (0, 1, 1 for labels from 0)"),
            "{text}"
        );
    }

    #[test]
    fn nothing_to_measure_is_an_error() {
        let mut test = test_rows();
        test.rows = test.rows.select_queries(&[2]).unwrap();
        test.query_keys = vec!["c".into()];
        test.baselines.clear();
        let failure = measure(&test, &[0.0; 2], 42).expect_err("no relevant row");
        assert!(
            failure.message.contains("none of the 1 test queries"),
            "{failure}"
        );
    }
}
