//! Tests of the table of metrics and of its slices.

use super::*;
use crate::metrics::{ScoredRows, evaluate};

#[test]
fn the_metrics_table_shows_model_and_baselines_with_four_decimals() {
    let metrics = ["ndcg@10", "mrr"].map(|name| name.parse().unwrap());
    let results = |scores: &[f64]| {
        let rows = ScoredRows {
            labels: &[1, 0, 0, 0],
            scores,
            boundaries: &[0, 2, 4],
            identifiers: None,
        };
        evaluate(&metrics, &Conventions::default(), &rows).unwrap()
    };
    let baselines = BTreeMap::from([("random".to_owned(), results(&[0.0, 1.0, 0.0, 0.0]))]);
    let queries = vec!["q1".to_owned(), "q2".to_owned()];
    let model = results(&[1.0, 0.0, 0.0, 0.0]);
    let table = MetricsTable::new(
        Conventions::default(),
        "test",
        queries.clone(),
        &queries,
        &model,
        &baselines,
        &Bootstrap::seeded(1),
    );
    let headline = table.headline();
    assert_eq!(
        (
            headline[1].name.as_str(),
            headline[1].value.as_str(),
            headline[1].queries
        ),
        ("mrr", "1.0000", 1)
    );
    assert_eq!(headline[1].baselines["random"], "0.5000");
    assert_eq!(table.metrics[0].per_query, [Some(1.0), None]);
    let text = table.to_canonical_json();
    assert_eq!(serde_json::from_str::<MetricsTable>(&text).unwrap(), table);
}

#[test]
fn a_slice_of_the_metrics_table_is_the_table_of_its_queries() {
    let metrics = ["ndcg@10", "mrr"].map(|name| name.parse().unwrap());
    let count = 12;
    let results = |queries: &[usize], relevant: &dyn Fn(usize) -> usize| {
        let labels: Vec<u8> = queries
            .iter()
            .flat_map(|query| (0..3).map(|place| u8::from(place == relevant(*query))))
            .collect();
        let boundaries: Vec<usize> = (0..=queries.len()).map(|query| query * 3).collect();
        let rows = ScoredRows {
            labels: &labels,
            scores: &[3.0, 2.0, 1.0].repeat(queries.len()),
            boundaries: &boundaries,
            identifiers: None,
        };
        evaluate(&metrics, &Conventions::default(), &rows).unwrap()
    };
    // A relevant row at place 3 is none: of three rows there is no such place.
    let model = |query: usize| query % 4;
    let baseline = |query: usize| (query + 1) % 3;
    let table = |queries: &[usize], slicings: &[Slicing]| {
        let keys: Vec<String> = queries
            .iter()
            .map(|query| (query / 2).to_string())
            .collect();
        let baselines = BTreeMap::from([("bm25".to_owned(), results(queries, &baseline))]);
        let model = results(queries, &model);
        let bootstrap = Bootstrap::seeded(1);
        let names = queries.iter().map(ToString::to_string).collect();
        let conventions = Conventions::default();
        MetricsTable::new(
            conventions,
            "test",
            names,
            &keys,
            &model,
            &baselines,
            &bootstrap,
        )
        .with_slices(slicings, &keys, &model, &baselines, &bootstrap)
    };
    let slicing = Slicing {
        name: "intent".to_owned(),
        of_query: (0..count)
            .map(|query| match query {
                0..5 => Some("brand".to_owned()),
                // Nothing is relevant in it.
                7 => Some("nothing".to_owned()),
                8.. => Some("price".to_owned()),
                _ => None,
            })
            .collect(),
        first: Vec::new(),
    };
    let every: Vec<usize> = (0..count).collect();
    let whole = table(&every, &[slicing]);
    let slices: Vec<(&str, &str, &[usize], usize)> = whole
        .slices
        .iter()
        .map(|it| (&*it.slicing, &*it.slice, &it.queries[..], it.texts))
        .collect();
    let expected: [(&str, &str, &[usize], usize); 2] = [
        ("intent", "brand", &[0, 1, 2, 3, 4], 3),
        ("intent", "price", &[8, 9, 10, 11], 2),
    ];
    assert_eq!(slices, expected);
    for slice in &whole.slices {
        let alone = table(&slice.queries, &[]);
        assert_eq!(slice.metrics.len(), 2);
        for (sliced, alone) in slice.metrics.iter().zip(&alone.metrics) {
            assert_eq!(sliced.name, alone.name);
            assert_eq!(sliced.model, alone.model);
            assert_eq!(sliced.baselines, alone.baselines);
            assert_ne!(sliced.model, sliced.baselines["bm25"]);
        }
    }
    let text = whole.to_canonical_json();
    assert_eq!(serde_json::from_str::<MetricsTable>(&text).unwrap(), whole);
    // Tables of earlier bundles have none, and say nothing of them.
    let without = table(&every, &[]).to_canonical_json();
    assert!(!without.contains("slices"), "{without}");
    let read: MetricsTable = serde_json::from_str(&without).unwrap();
    assert_eq!(read.slices, []);
}
