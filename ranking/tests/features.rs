//! Features: no future in training rows, and the same bits in training and in serving.

mod demo;

use std::sync::Arc;

use demo::{bits, demo, event};
use searchop_ranking::catalogue::{Catalogue, ItemIndex};
use searchop_ranking::events::{Action, Event, EventPosition, QueryAttributes, Search};
use searchop_ranking::features::{
    BehaviourTable, DAY_MILLISECONDS, FEATURE_COUNT, FeatureContext, Journal, SnapshotSchedule,
    TrainingOptions, column, definitions, training_rows,
};
use searchop_ranking::ubi::{UbiLog, UbiOptions};

fn catalogue_of(lines: &[&str]) -> Arc<Catalogue> {
    Arc::new(Catalogue::read(lines.join("\n").as_bytes()).expect("a catalogue"))
}

fn search(id: &str, timestamp: i64, shown: &[&str]) -> Search {
    Search {
        query_id: id.to_owned(),
        client_id: String::new(),
        user_query: "red lamps".to_owned(),
        query_attributes: QueryAttributes::default(),
        timestamp,
        query_response_hit_ids: shown.iter().map(|&id| id.to_owned()).collect(),
    }
}

fn value(row: &[f64], name: &str) -> f64 {
    row[column(name).expect("a feature")]
}

#[test]
fn what_happens_after_a_snapshot_moves_no_feature_before_it() {
    let data = demo();
    let context = FeatureContext::new(data.catalogue.clone());
    let options = TrainingOptions {
        keep_searches_without_feedback: true,
        ..TrainingOptions::default()
    };
    let before = training_rows(
        &context,
        &Journal::new(&data.catalogue, &data.searches, &data.events),
        &options,
    );

    // From the middle on, everything shown is clicked and bought.
    let planted_at = data.searches[data.searches.len() / 2].timestamp;
    let mut events = data.events.clone();
    for search in data
        .searches
        .iter()
        .filter(|search| search.timestamp >= planted_at)
    {
        for item in &search.query_response_hit_ids {
            for action in [Action::Click, Action::Purchase] {
                events.push(event(action, &search.query_id, item, search.timestamp + 1));
            }
        }
    }
    let after = training_rows(
        &context,
        &Journal::new(&data.catalogue, &data.searches, &events),
        &options,
    );

    let (mut unmoved, mut moved) = (0, 0);
    let mut row = 0;
    for search in &before.searches {
        for _ in 0..search.rows {
            let equal = bits(before.row(row)) == bits(after.row(row));
            if search.snapshot <= planted_at {
                assert!(
                    equal,
                    "search {} at {} knows of {planted_at}",
                    search.query_id, search.timestamp
                );
                unmoved += 1;
            } else if !equal {
                moved += 1;
            }
            row += 1;
        }
    }
    assert_ne!(before.labels, after.labels);
    assert!(unmoved > 1_000, "only {unmoved} rows are before the plant");
    assert!(
        moved > 1_000,
        "only {moved} rows moved: the plant is not seen where it may be"
    );
}

#[test]
fn a_table_is_older_than_its_search_by_the_lag() {
    let data = demo();
    let context = FeatureContext::new(data.catalogue.clone());
    let journal = Journal::new(&data.catalogue, &data.searches, &data.events);
    for days in [0, 1, 3] {
        let options = TrainingOptions {
            snapshots: SnapshotSchedule::with_lag(days * DAY_MILLISECONDS),
            ..TrainingOptions::default()
        };
        for search in &training_rows(&context, &journal, &options).searches {
            let age = search.timestamp - search.snapshot;
            assert!(
                (days * DAY_MILLISECONDS..(days + 1) * DAY_MILLISECONDS).contains(&age),
                "{age} ms"
            );
        }
    }
}

#[test]
fn training_and_serving_compute_the_same_bits() {
    let data = demo();
    let journal = Journal::new(&data.catalogue, &data.searches, &data.events);
    let rows = training_rows(
        &FeatureContext::new(data.catalogue.clone()),
        &journal,
        &TrainingOptions::default(),
    );

    // Serving has only files: the catalogue and the table, each written and read again.
    let mut bytes = Vec::new();
    data.catalogue.write(&mut bytes).expect("written");
    let catalogue = Arc::new(Catalogue::read(bytes.as_slice()).expect("read"));
    let context = FeatureContext::new(catalogue.clone());
    let (mut first_row, mut compared) = (0, 0);
    let mut table: Option<BehaviourTable> = None;
    let snapshots = SnapshotSchedule::default();
    for search in &rows.searches {
        if table
            .as_ref()
            .is_none_or(|table| table.snapshot() != search.snapshot)
        {
            let mut bytes = Vec::new();
            let made = journal.behaviour_before(&data.catalogue, snapshots, search.snapshot);
            made.write(&data.catalogue, &mut bytes).expect("written");
            table = Some(BehaviourTable::read(bytes.as_slice(), &catalogue).expect("read"));
        }
        let table = table.as_ref().expect("set above");
        let items = &rows.items[first_row..first_row + search.rows];
        let served = context.compute(&context.analyse(&search.query), items, table);
        let trained = &rows.values
            [first_row * rows.feature_count..(first_row + search.rows) * rows.feature_count];
        assert_eq!(bits(&served), bits(trained), "search {}", search.query_id);
        compared += search.rows;
        first_row += search.rows;
    }
    assert_eq!(compared, rows.len());
    let clicks = column("query_item_clicks").expect("a feature");
    let seen = (0..rows.len())
        .filter(|row| !rows.row(*row)[clicks].is_nan())
        .count();
    assert!(
        seen * 10 > rows.len(),
        "only {seen} rows have behaviour of their query: little was compared"
    );
}

#[test]
fn labels_are_the_furthest_that_a_shopper_went_within_the_window() {
    let catalogue = catalogue_of(&[
        r#"{"item_id":"a","title":"Red Lamp"}"#,
        r#"{"item_id":"b","title":"Blue Lamp"}"#,
        r#"{"item_id":"c","title":"Lamp"}"#,
        r#"{"item_id":"d","title":"Shade"}"#,
    ]);
    let start = 100 * DAY_MILLISECONDS;
    let events = [
        event(Action::Click, "q", "a", start + 1),
        event(Action::Purchase, "q", "a", start + 3),
        event(Action::AddToCart, "q", "b", start + 2),
        event(Action::Click, "q", "c", start + 2),
        event(Action::Purchase, "q", "d", start + DAY_MILLISECONDS),
    ];
    let journal = Journal::new(
        &catalogue,
        &[search("q", start, &["d", "c", "b", "a"])],
        &events,
    );
    let rows = training_rows(
        &FeatureContext::new(catalogue),
        &journal,
        &TrainingOptions::default(),
    );
    assert_eq!(rows.labels, [0, 1, 2, 3]);
    assert_eq!(rows.positions, [1, 2, 3, 4]);
}

#[test]
fn dirty_rows_are_left_out_and_counted() {
    let catalogue = catalogue_of(&[
        r#"{"item_id":"a","title":"Lamp"}"#,
        r#"{"item_id":"b","title":"Lamp"}"#,
    ]);
    let searches = [
        search("q", 10, &["a", "gone", "a", "b"]),
        search("q", 20, &["b"]),
        search("empty", 30, &["gone"]),
    ];
    let events = [
        event(Action::Click, "q", "a", 12),
        event(Action::Click, "q", "a", 13),
        event(Action::Click, "q", "b", 9),
        event(Action::Click, "q", "gone", 12),
        event(Action::Click, "nobody", "a", 12),
    ];
    let notes = Journal::new(&catalogue, &searches, &events).notes;
    assert_eq!(
        (
            notes.searches,
            notes.repeated_searches,
            notes.searches_without_items
        ),
        (2, 1, 1)
    );
    assert_eq!(notes.unknown_or_repeated_shown_items, 3);
    assert_eq!((notes.outcomes, notes.repeated_events), (1, 1));
    assert_eq!(
        (
            notes.events_before_search,
            notes.events_without_impression,
            notes.events_without_search
        ),
        (1, 1, 1)
    );
}

#[test]
fn a_shown_list_may_come_as_impression_events() {
    let catalogue = catalogue_of(&[
        r#"{"item_id":"a","title":"Lamp"}"#,
        r#"{"item_id":"b","title":"Lamp"}"#,
    ]);
    let mut impressions = [
        event(Action::Impression, "q", "a", 11),
        event(Action::Impression, "q", "b", 11),
    ];
    for (impression, ordinal) in impressions.iter_mut().zip([7, 2]) {
        impression.event_attributes.position =
            Some(searchop_ranking::events::EventPosition { ordinal });
    }
    let journal = Journal::new(&catalogue, &[search("q", 10, &[])], &impressions);
    let search = journal.searches().next().expect("a search");
    assert_eq!(search.items(), [ItemIndex(1), ItemIndex(0)]);
    assert_eq!(search.positions().collect::<Vec<_>>(), [2, 7]);
}

#[test]
fn the_journal_of_a_log_is_that_of_its_searches_and_events() {
    let mut data = demo();
    let mut rows = Vec::new();
    for (number, search) in data.searches.iter_mut().enumerate() {
        let items = &mut search.query_response_hit_ids;
        match number % 5 {
            0 => {
                for (ordinal, item) in (2..).zip(items.drain(..)) {
                    let mut shown = event(
                        Action::Impression,
                        &search.query_id,
                        &item,
                        search.timestamp,
                    );
                    shown.event_attributes.position = Some(EventPosition { ordinal });
                    data.events.push(shown);
                }
            }
            1 => items.insert(0, "unknown".to_owned()),
            2 => items.extend(items.first().cloned()),
            3 => search.client_id.clear(),
            _ => (),
        }
        rows.push(serde_json::to_string(search).expect("written"));
    }
    let events = data.events.iter();
    rows.extend(events.map(|event| serde_json::to_string(event).expect("written")));
    let mut log = UbiLog::new(UbiOptions::default());
    log.read(rows.join("\n").as_bytes()).expect("read");
    let log = log.finish();

    let searches: Vec<Search> = log.searches().collect();
    let events: Vec<Event> = log.events().collect();
    let expected = Journal::new(&data.catalogue, &searches, &events);
    let journal = Journal::of_log(&data.catalogue, log);
    assert!(journal.notes.unknown_or_repeated_shown_items > 100);
    assert!(journal.notes.outcomes > 100, "{:?}", journal.notes);
    assert_eq!(journal.notes, expected.notes);
    assert_eq!(journal.end(), expected.end());
    assert_eq!(journal.searches().len(), expected.searches().len());
    for (search, expected) in journal.searches().zip(expected.searches()) {
        assert_eq!(search.query_id(), expected.query_id());
        assert_eq!(search.query(), expected.query());
        assert_eq!(search.query_key(), expected.query_key());
        assert_eq!(search.timestamp(), expected.timestamp());
        assert_eq!(search.client(), expected.client());
        assert_eq!(search.items(), expected.items());
        assert!(search.positions().eq(expected.positions()));
        assert_eq!(search.outcomes(), expected.outcomes());
    }
}

#[test]
fn what_is_unknown_is_missing_and_not_zero() {
    let catalogue = catalogue_of(&[r#"{"item_id":"a","title":"Red Lamp"}"#]);
    let context = FeatureContext::new(catalogue);
    let row = context.compute(
        &context.analyse("red lamps"),
        &[ItemIndex(0)],
        &BehaviourTable::empty(),
    );
    let missing: Vec<&str> = definitions()
        .iter()
        .filter(|definition| value(&row, definition.name).is_nan())
        .map(|definition| definition.name)
        .collect();
    let expected = [
        "brand_match",
        "category_match",
        "log_price",
        "price_in_category",
        "price_rank",
        "price_z_score",
        "in_stock",
        "popularity",
        "item_impressions",
        "item_clicks",
        "item_click_rate",
        "item_purchase_rate",
        "query_item_clicks",
        "query_item_click_rate",
        "item_decayed_clicks",
        "item_decayed_carts",
        "item_decayed_purchases",
        "item_decayed_click_rate",
        "query_item_decayed_clicks",
        "query_item_decayed_carts",
        "query_item_decayed_purchases",
        "query_item_decayed_click_rate",
        "recent_events",
        "recent_seconds",
        "recent_brand_affinity",
        "recent_category_affinity",
        "recent_price_difference",
        "recent_item_action",
        "recent_item_seconds",
        "discount",
        "age",
        "popularity_z_score",
        "bm25f_z_score",
    ];
    assert_eq!(missing, expected);
    for definition in definitions()
        .iter()
        .filter(|definition| definition.default.is_some())
    {
        assert!(
            !value(&row, definition.name).is_nan(),
            "{} has a default",
            definition.name
        );
    }
}

#[test]
fn text_features_say_what_matches() {
    let catalogue = catalogue_of(&[
        r#"{"item_id":"a","title":"Lumora Red Lamp","brand":"Lumora","category":["Home","Desk Lamps"]}"#,
        r#"{"item_id":"b","title":"Lumora Red Lamp Large","brand":"Lumora","category":["Home","Desk Lamps"]}"#,
        r#"{"item_id":"c","title":"Chair","brand":"Halvik","category":["Home","Chairs"],"description":"goes with a red lamp"}"#,
    ]);
    let context = FeatureContext::new(catalogue);
    let items: Vec<ItemIndex> = (0..3).map(ItemIndex).collect();
    let values = context.compute(
        &context.analyse("lumora RED lamps"),
        &items,
        &BehaviourTable::empty(),
    );
    let of = |name: &str| -> Vec<f64> {
        values
            .chunks_exact(FEATURE_COUNT)
            .map(|row| value(row, name))
            .collect()
    };
    assert_eq!(of("title_exact"), [1.0, 0.0, 0.0]);
    assert_eq!(of("title_prefix"), [1.0, 1.0, 0.0]);
    assert_eq!(of("brand_match"), [1.0, 1.0, 0.0]);
    assert_eq!(of("category_match"), [0.5, 0.5, 0.0]);
    assert_eq!(of("title_coverage"), [1.0, 1.0, 0.0]);
    assert_eq!(of("all_coverage"), [1.0, 1.0, 2.0 / 3.0]);
    let bm25 = of("bm25_title");
    assert!(
        bm25[0] > bm25[1] && bm25[1] > bm25[2] && bm25[2] == 0.0,
        "{bm25:?}"
    );
}

#[test]
fn bm25_is_the_formula_worked_by_hand() {
    // Two titles of 2 and 4 terms; the query's one term is once in the first only.
    let catalogue = catalogue_of(&[
        r#"{"item_id":"a","title":"red lamp"}"#,
        r#"{"item_id":"b","title":"one two three four"}"#,
    ]);
    let context = FeatureContext::new(catalogue);
    let values = context.compute(
        &context.analyse("red"),
        &[ItemIndex(0)],
        &BehaviourTable::empty(),
    );
    let inverse_frequency = (1.0 + (2.0 - 1.0 + 0.5) / (1.0 + 0.5_f64)).ln();
    let expected = inverse_frequency * 2.2 / (1.0 + 1.2 * (0.25 + 0.75 * 2.0 / 3.0));
    assert!((value(&values, "bm25_title") - expected).abs() < 1e-12);
}
