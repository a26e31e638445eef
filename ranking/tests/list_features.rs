//! What is relative to the list: the same in the short lists of a log and in the long ones of requests.

use std::sync::Arc;

use searchop_ranking::catalogue::{Catalogue, ItemIndex};
use searchop_ranking::events::{Event, Search};
use searchop_ranking::features::{
    BehaviourTable, DAY_MILLISECONDS, FEATURE_COUNT, FeatureContext, Journal, SnapshotSchedule,
    TrainingOptions, column, training_rows,
};
use serde_json::json;

fn catalogue_of(lines: &[&str]) -> Arc<Catalogue> {
    Arc::new(Catalogue::read(lines.join("\n").as_bytes()).expect("a catalogue"))
}

fn value(row: &[f64], name: &str) -> f64 {
    row[column(name).expect("a feature")]
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().copied().map(f64::to_bits).collect()
}

#[test]
fn prices_are_measured_within_the_list() {
    let lines: Vec<String> = [1.0, 3.0, 9.0]
        .iter()
        .map(|price| format!(r#"{{"item_id":"{price}","title":"x","price":{price}}}"#))
        .collect();
    let catalogue = catalogue_of(&lines.iter().map(String::as_str).collect::<Vec<_>>());
    let context = FeatureContext::new(catalogue);
    let query = context.analyse("x");
    let items: Vec<ItemIndex> = [2, 0, 1].map(ItemIndex).to_vec();
    let values = context.compute(&query, &items, &BehaviourTable::empty());
    let ranks: Vec<f64> = values
        .chunks_exact(FEATURE_COUNT)
        .map(|row| value(row, "price_rank"))
        .collect();
    assert_eq!(ranks, [1.0, 0.0, 0.5]);
    let scores: Vec<f64> = values
        .chunks_exact(FEATURE_COUNT)
        .map(|row| value(row, "price_z_score"))
        .collect();
    assert!(
        scores.iter().sum::<f64>().abs() < 1e-12 && scores[0] > 1.0,
        "{scores:?}"
    );
    let alone = context.compute(&query, &items[..1], &BehaviourTable::empty());
    assert!(value(&alone, "price_rank").is_nan() && value(&alone, "price_z_score").is_nan());
}

/// A catalogue of `count` lamps with other prices, popularities and texts, and a log in which the
/// first 16 were shown.
fn lamps(count: u32) -> (Arc<Catalogue>, Journal) {
    let lines: Vec<String> = (0..count)
        .map(|number| {
            // 37 is prime to 100: the prices stand in no order.
            let price = 5 + (number * 37) % 100;
            let title = if number % 3 == 0 {
                "red lamp"
            } else {
                "a lamp"
            };
            format!(
                r#"{{"item_id":"{number:03}","title":"{title}","price":{price},"popularity":{}}}"#,
                (number * 53) % 100
            )
        })
        .collect();
    let catalogue = catalogue_of(&lines.iter().map(String::as_str).collect::<Vec<_>>());
    let shown: Vec<String> = (0..16).map(|number| format!("{number:03}")).collect();
    let start = 100 * DAY_MILLISECONDS;
    let search = json!({
        "query_id": "q", "client_id": "", "user_query": "red lamps", "timestamp": start,
        "query_response_hit_ids": shown,
    });
    let click = json!({
        "action_name": "click", "query_id": "q", "client_id": "", "session_id": "", "timestamp": start + 1,
        "event_attributes": {"object": {"object_id": "003"}},
    });
    let search: Search = serde_json::from_value(search).expect("a search");
    let click: Event = serde_json::from_value(click).expect("an event");
    let journal = Journal::new(&catalogue, &[search], &[click]);
    (catalogue, journal)
}

#[test]
fn a_long_request_that_begins_with_the_shown_list_has_the_rows_of_training() {
    let (catalogue, journal) = lamps(100);
    let context = FeatureContext::new(catalogue.clone());
    let rows = training_rows(&context, &journal, &TrainingOptions::default());
    let snapshot = rows.searches[0].snapshot;
    let table = journal.behaviour_before(&catalogue, SnapshotSchedule::default(), snapshot);
    let query = context.analyse("red lamps");
    let request: Vec<ItemIndex> = (0..100).map(ItemIndex).collect();
    let served = context.compute(&query, &request, &table);
    let trained = &rows.values;
    assert_eq!(trained.len(), 16 * FEATURE_COUNT);
    assert_eq!(bits(&served[..trained.len()]), bits(trained));
    // They could differ: of the shorter list that ends before the sixteenth they do.
    let shorter = context.compute(&query, &request[..15], &table);
    assert_ne!(bits(&served[..shorter.len()]), bits(&shorter));
    for name in LIST_FEATURES {
        let column = column(name).expect("a feature");
        let mut rows = served.chunks_exact(FEATURE_COUNT);
        assert!(rows.all(|row| !row[column].is_nan()), "{name}");
    }
}

const LIST_FEATURES: [&str; 4] = [
    "price_rank",
    "price_z_score",
    "popularity_z_score",
    "bm25f_z_score",
];

#[test]
fn candidates_beyond_the_first_sixteen_change_nothing_for_each_other() {
    let (catalogue, _) = lamps(100);
    let context = FeatureContext::new(catalogue);
    let query = context.analyse("red lamps");
    let request: Vec<ItemIndex> = (0..100).map(ItemIndex).collect();
    let mut reversed = request.clone();
    reversed[16..].reverse();
    let rows = |items: &[ItemIndex]| {
        let values = context.compute(&query, items, &BehaviourTable::empty());
        let rows = values.chunks_exact(FEATURE_COUNT).map(bits);
        let mut rows: Vec<_> = items.iter().copied().zip(rows).collect();
        rows.sort_unstable();
        rows
    };
    let all = rows(&request);
    assert_eq!(all, rows(&reversed));
    let alone: Vec<ItemIndex> = (0..16).chain([70]).map(ItemIndex).collect();
    assert_eq!(rows(&alone)[16], all[70]);
    // Among the first it does matter who they are.
    let mut swapped = request.clone();
    swapped.swap(3, 50);
    assert_ne!(all, rows(&swapped));
}

#[test]
fn a_candidate_beyond_the_first_sixteen_is_ranked_among_them() {
    let lines: Vec<String> = (1..=18)
        .map(|price| format!(r#"{{"item_id":"{price:02}","title":"x","price":{price}}}"#))
        .collect();
    let catalogue = catalogue_of(&lines.iter().map(String::as_str).collect::<Vec<_>>());
    let context = FeatureContext::new(catalogue);
    // The first 16 cost 2 to 17, those after them 1 and 18.
    let items: Vec<ItemIndex> = (1..=16).chain([0, 17]).map(ItemIndex).collect();
    let values = context.compute(&context.analyse("x"), &items, &BehaviourTable::empty());
    let ranks: Vec<f64> = values
        .chunks_exact(FEATURE_COUNT)
        .map(|row| value(row, "price_rank"))
        .collect();
    let mut expected: Vec<f64> = (0..16).map(|less| f64::from(less) / 15.0).collect();
    expected.extend([0.0, 1.0]);
    assert_eq!(ranks, expected);
}
