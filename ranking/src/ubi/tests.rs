use std::collections::HashSet;
use std::io::BufReader;
use std::path::PathBuf;

use flate2::bufread::MultiGzDecoder;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::events::{Action, Event, Search};

fn read(lines: &[Value]) -> CleanLog {
    let text: Vec<String> = lines.iter().map(Value::to_string).collect();
    let mut log = UbiLog::new(UbiOptions::default());
    log.read(text.join("\n").as_bytes()).expect("a log");
    log.finish()
}

fn search(id: &str, text: &str, timestamp: i64, list: &[&str]) -> Value {
    json!({"query_id": id, "client_id": "me", "user_query": text, "timestamp": timestamp, "query_response_hit_ids": list})
}

fn event(action: &str, id: &str, item: &str, timestamp: i64) -> Value {
    json!({"action_name": action, "query_id": id, "client_id": "me", "user_query": "shoe", "timestamp": timestamp,
           "event_attributes": {"object": {"object_id": item}, "position": {"ordinal": 1}}})
}

/// Any time that can be no other unit.
const NOON: i64 = 1_737_720_000_000;

fn told(log: &CleanLog) -> Vec<String> {
    log.events()
        .map(|event| {
            format!(
                "{:?} {} {} {}",
                event.action_name,
                event.query_id,
                event.item_id(),
                event.timestamp - NOON
            )
        })
        .collect()
}

fn found(log: &CleanLog, kind: Dirt) -> (u64, u64, u64) {
    let count = log.dirt.of(kind);
    (count.searches, count.events, count.left_out)
}

#[test]
fn a_clean_log_comes_out_as_it_went_in() {
    let lines = [
        search("1", "shoe", NOON, &["a", "b"]),
        event("impression", "1", "a", NOON),
        event("click", "1", "a", NOON + 5),
        event("purchase", "1", "a", NOON + 9),
    ];
    let log = read(&lines);
    let events: Vec<Event> = log.events().collect();
    let expected: Vec<Event> = lines[1..]
        .iter()
        .map(|line| serde_json::from_value(line.clone()).expect("an event"))
        .collect();
    assert_eq!(events, expected);
    let searches: Vec<Search> = log.searches().collect();
    assert_eq!(
        searches,
        [serde_json::from_value(lines[0].clone()).expect("a search")]
    );
    let kinds: Vec<Dirt> = log.dirt.found().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, [Dirt::TimestampAsNumber]);
}

#[test]
fn intent_and_segment_are_read_and_other_attributes_passed_over() {
    let with = |id: &str, attributes: Value| {
        let mut row = search(id, "shoe", NOON, &["a"]);
        row["query_attributes"] = attributes;
        row
    };
    let log = read(&[
        with(
            "1",
            json!({"intent": "brand", "segment": 7, "experiment": {"name": "x"}}),
        ),
        with("2", json!({"intent": ["brand"], "segment": " "})),
        with("3", json!("none")),
        with("4", json!({"segment": "new"})),
        with("4", json!({"intent": "price", "segment": "old"})),
    ]);
    let searches: Vec<Search> = log.searches().collect();
    let names: Vec<_> = searches
        .iter()
        .map(|search| &search.query_attributes)
        .map(|it| (it.intent.as_deref(), it.segment.as_deref()))
        .collect();
    assert_eq!(
        names,
        [
            (Some("brand"), Some("7")),
            (None, None),
            (None, None),
            (Some("price"), Some("new")),
        ]
    );
}

#[test]
fn propensities_are_those_of_the_list_that_is_used() {
    let with = |id: &str, list: &[&str], propensities: Value| {
        let mut row = search(id, "shoe", NOON, list);
        row["query_attributes"] = json!({ "propensities": propensities });
        row
    };
    let log = read(&[
        with("1", &["a", "b"], json!([0.25, 1])),
        with("2", &[], json!([])),
        with("2", &["a"], json!([0.5])),
        with("3", &["a"], json!([0.5])),
        event("impression", "3", "b", NOON),
        with("4", &["a"], Value::Null),
        with("5", &["a", "b"], json!([0.5, 0.5])),
        with("5", &["b", "a"], json!([0.5, 0.5])),
    ]);
    let of_searches = log.searches();
    let propensities: Vec<Vec<f64>> = of_searches
        .map(|search| search.query_attributes.propensities)
        .collect();
    assert_eq!(propensities, [&[0.25, 1.0][..], &[0.5], &[], &[], &[]]);
    let known: Vec<(&str, &[f64])> = log.propensities().collect();
    assert_eq!(known, [("1", &[0.25, 1.0][..]), ("2", &[0.5])]);
    for (propensities, expected) in [
        (json!("0.5"), "query_attributes.propensities: is no array"),
        (json!([0.5]), "propensities: has 1 numbers for 2 items"),
        (json!([0.5, "x"]), "propensities[1]: is no number"),
        (json!([0, 0.5]), "propensities[0]: 0 is not above 0"),
        (json!([0.5, 1.5]), "propensities[1]: 1.5 is not above 0"),
    ] {
        let line = with("1", &["a", "b"], propensities).to_string();
        let error = UbiLog::new(UbiOptions::default())
            .read(line.as_bytes())
            .expect_err("no propensities");
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn events_without_a_search_are_left_out_and_told() {
    let mut anonymous = event("click", "", "a", NOON);
    anonymous["query_id"] = Value::Null;
    let log = read(&[
        search("1", "shoe", NOON, &["a"]),
        event("click", "2", "a", NOON),
        event("page_exit", "2", "a", NOON),
        event("click", "3", "a", NOON),
        anonymous,
    ]);
    assert_eq!(told(&log), Vec::<String>::new());
    assert_eq!(found(&log, Dirt::EventOfUnrecordedSearch), (0, 3, 2));
    assert_eq!(found(&log, Dirt::UnrecordedSearch), (0, 2, 0));
    assert_eq!(found(&log, Dirt::EventWithoutQueryId), (0, 1, 1));
    assert_eq!(found(&log, Dirt::OtherAction), (0, 1, 1));
    assert_eq!(log.dirt.actions.get("page_exit"), Some(&1));
}

#[test]
fn a_little_skew_is_put_right_and_more_is_not_believed() {
    let log = read(&[
        event("click", "1", "a", NOON - 13_138),
        event("click", "1", "b", NOON - 60_001),
        search("1", "shoe", NOON, &["a", "b"]),
    ]);
    assert_eq!(told(&log), ["Click 1 a 0"]);
    assert_eq!(found(&log, Dirt::ClockSkew), (0, 1, 0));
    assert_eq!(found(&log, Dirt::EventBeforeSearch), (0, 1, 1));
}

#[test]
fn repeats_are_left_out() {
    let twice = event("click", "1", "a", NOON + 1);
    let log = read(&[
        search("1", "shoe", NOON, &["a"]),
        search("1", "shoe", NOON, &["a"]),
        twice.clone(),
        twice,
        event("click", "1", "a", NOON + 7),
    ]);
    assert_eq!(told(&log), ["Click 1 a 1"]);
    assert_eq!(found(&log, Dirt::RepeatedRow), (1, 1, 2));
    assert_eq!(found(&log, Dirt::RepeatedAction), (0, 1, 1));
}

#[test]
fn rows_of_one_query_id_are_one_search() {
    let log = read(&[
        search("1", "printe", NOON + 30, &[]),
        search("1", "printer", NOON + 20, &["a"]),
        search("1", "printer t", NOON + 10, &[]),
        search("1", "printer", NOON + 40, &["b"]),
    ]);
    assert_eq!(log.searches().len(), 1);
    let search = log.searches().next().expect("a search");
    assert_eq!(
        (search.user_query.as_str(), search.timestamp - NOON),
        ("printer", 10)
    );
    assert_eq!(search.query_response_hit_ids, ["a"]);
    assert_eq!(found(&log, Dirt::RepeatedSearch), (3, 0, 3));
    assert_eq!(found(&log, Dirt::SearchOfSeveralTexts), (1, 0, 0));
}

#[test]
fn what_was_not_shown_cannot_have_been_clicked() {
    let log = read(&[
        search("1", "shoe", NOON, &["a"]),
        event("click", "1", "a", NOON),
        event("click", "1", "b", NOON),
        event("impression", "1", "c", NOON),
        event("add_to_cart", "1", "c", NOON),
        event("purchase", "1", "d", NOON),
        search("2", "shoe", NOON, &[]),
        event("impression", "2", "x", NOON - 99_999),
        event("click", "2", "x", NOON),
    ]);
    assert_eq!(
        told(&log),
        ["Click 1 a 0", "Impression 1 c 0", "AddToCart 1 c 0"]
    );
    assert_eq!(found(&log, Dirt::ClickWithoutImpression), (0, 2, 1));
    assert_eq!(found(&log, Dirt::PurchaseWithoutImpression), (0, 1, 1));
    assert_eq!(found(&log, Dirt::ImpressionOutsideList), (0, 1, 0));
    let search = log.searches().next().expect("a search");
    assert_eq!(search.query_response_hit_ids, ["a", "c"]);
}

#[test]
fn positions_from_0_are_moved_query_by_query() {
    let at = |id: &str, item: &str, ordinal: Value| {
        let mut event = event("impression", id, item, NOON);
        event["event_attributes"]["position"]["ordinal"] = ordinal;
        event
    };
    let log = read(&[
        search("1", "shoe", NOON, &[]),
        search("2", "shoe", NOON, &[]),
        at("1", "a", json!(0)),
        at("1", "b", json!("1")),
        at("2", "a", json!(1)),
        at("2", "b", Value::Null),
    ]);
    let positions: Vec<Option<u32>> = log
        .events()
        .map(|event| event.event_attributes.position.map(|place| place.ordinal))
        .collect();
    assert_eq!(positions, [Some(1), Some(2), Some(1), None]);
    assert_eq!(found(&log, Dirt::PositionsFromZero), (1, 0, 0));
    assert_eq!(found(&log, Dirt::EventWithoutPosition), (0, 1, 0));
}

#[test]
fn bulk_actions_and_hits_are_taken_apart() {
    let index = |index: &str| json!({"index": {"_index": index, "_id": "7"}});
    let log = read(&[
        index("ubi_queries"),
        search("1", "shoe", NOON, &["a"]),
        json!({"create": {"_index": "shop.ubi_events-2025"}}),
        event("click", "1", "a", NOON),
        index("ubi_queries"),
        event("purchase", "1", "a", NOON),
        json!({"delete": {"_index": "ubi_events", "_id": "8"}}),
        json!({"_index": "ubi_queries", "_id": "2", "_source": search("2", "boot", NOON, &["b"])}),
    ]);
    assert_eq!(told(&log), ["Click 1 a 0", "Purchase 1 a 0"]);
    assert_eq!(log.searches().len(), 2);
    assert_eq!(found(&log, Dirt::MislabelledRow), (0, 1, 0));
    assert_eq!(found(&log, Dirt::DeletedRow), (0, 1, 0));
}

#[test]
fn rows_that_cannot_be_understood_name_line_and_field() {
    let error = |line: &str| {
        UbiLog::new(UbiOptions::default())
            .read(format!("\n{line}\n").as_bytes())
            .expect_err("refused")
            .to_string()
    };
    assert_eq!(
        error(r#"{"query_id":"1","user_query":"x","timestamp":"soon"}"#),
        "line 2, field timestamp: \"soon\" is not a time from 1970 to 9999, such as 2025-01-31T12:00:00.000Z"
    );
    assert_eq!(
        error(r#"{"query_id":["1"],"user_query":"x"}"#),
        "line 2, field query_id: is neither a text nor a whole number"
    );
    assert_eq!(
        error(r#"{"query_id":"1","query_response_hit_ids":["a",{}]}"#),
        "line 2, field query_response_hit_ids[1]: is neither a text nor a whole number"
    );
    assert_eq!(
        error(r#"{"action_name":"click","event_attributes":{"position":{"ordinal":-1}}}"#),
        "line 2, field event_attributes.position.ordinal: is no whole number of at least 0"
    );
    assert_eq!(
        error(r#"{"item":"x"}"#),
        "line 2, field .: is no row of ubi_queries or ubi_events and no bulk action"
    );
    assert_eq!(
        error(r#"{"update":{"_index":"ubi_events"}}"#),
        "line 2, field update: changes a row in part, which a log should not; export the rows instead"
    );
    let long = error(&format!(r#"{{"query_id":"{}"}}"#, "x".repeat(300)));
    assert_eq!(
        long,
        "line 2, field query_id: 300 bytes, at most 256 are allowed"
    );
    let broken = error("{");
    assert!(broken.contains("EOF while parsing"), "{broken}");
}

#[test]
fn bad_rows_are_tolerated_over_all_files_together() {
    let mut log = UbiLog::new(UbiOptions {
        allowed_bad_lines: 2,
        ..UbiOptions::default()
    });
    log.read("x\n".as_bytes()).expect("one");
    log.read("{}\n".as_bytes()).expect("two");
    assert_eq!(log.bad_lines().total(), 2);
    log.read("[]\n".as_bytes()).expect_err("three");
}

#[test]
fn all_dirt_of_the_esci_log_is_counted_under_its_name() {
    let Some(folder) = std::env::var_os("SEARCHOP_TEST_DATA") else {
        println!("skipped: SEARCHOP_TEST_DATA names no folder");
        return;
    };
    let path = PathBuf::from(folder).join("esci-us-150/ubi_queries_events.ndjson.gz");
    let file = std::fs::File::open(path).expect("the log");
    let mut log = UbiLog::new(UbiOptions::default());
    log.read(BufReader::new(MultiGzDecoder::new(BufReader::new(file))))
        .expect("no bad line");
    assert_eq!(log.bulk_actions(), 3921);
    let log = log.finish();
    let dirt = &log.dirt;
    assert_eq!((dirt.search_rows, dirt.event_rows), (473, 3448));
    let counted: Vec<(Dirt, (u64, u64, u64))> = dirt
        .found()
        .map(|(kind, _)| (kind, found(&log, kind)))
        .collect();
    // Counted once more by a Python script over the same file, independently of this code.
    let expected = [
        (Dirt::RepeatedRow, (0, 1, 1)),
        (Dirt::SearchWithoutText, (6, 0, 6)),
        (Dirt::RepeatedSearch, (183, 0, 183)),
        (Dirt::SearchOfSeveralTexts, (5, 0, 0)),
        (Dirt::EventWithoutQueryId, (0, 2, 0)),
        (Dirt::EventOfUnrecordedSearch, (0, 944, 120)),
        (Dirt::UnrecordedSearch, (0, 480, 0)),
        (Dirt::EventWithoutUserQuery, (0, 1044, 0)),
        (Dirt::EventOfOtherText, (0, 37, 0)),
        (Dirt::EventWithoutAttributes, (0, 506, 0)),
        (Dirt::EventWithoutPosition, (0, 582, 0)),
        (Dirt::OtherAction, (0, 922, 921)),
        (Dirt::TimestampAsText, (473, 3019, 0)),
        (Dirt::TimestampAsNumber, (0, 429, 0)),
        (Dirt::ClockSkew, (0, 39, 0)),
        (Dirt::RepeatedAction, (0, 162, 162)),
        (Dirt::PositionsFromZero, (200, 0, 0)),
        (Dirt::ImpressionOutsideList, (0, 67, 0)),
        (Dirt::ClickWithoutImpression, (0, 41, 0)),
        (Dirt::CartWithoutImpression, (0, 48, 0)),
        (Dirt::PurchaseWithoutImpression, (0, 6, 0)),
    ];
    assert_eq!(counted, expected);
    assert_eq!(dirt.actions.len(), 16);
    assert_eq!(dirt.actions.get("impression"), Some(&1999));
    assert_eq!(dirt.actions.get("404_redirect"), Some(&1));
    assert_eq!((dirt.searches, dirt.events), (284, 2244));
}

/// A value out of a few, most of them usable.
fn some(values: &[Value]) -> impl Strategy<Value = Value> + use<> {
    prop::sample::select(values.to_vec())
}

fn any_row() -> impl Strategy<Value = Value> {
    let times = [
        json!(NOON),
        json!(NOON + 1),
        json!(NOON - 50_000),
        json!(NOON - 70_000),
        json!(NOON / 1000),
        json!("2025-01-24T12:00:00Z"),
        json!("2025-01-24T12:00:00"),
        json!("never"),
        Value::Null,
    ];
    let ids = [
        json!("1"),
        json!("2"),
        json!(1),
        json!(""),
        Value::Null,
        json!([]),
    ];
    let items = [json!("a"), json!("b"), json!(7), Value::Null, json!({})];
    let actions = [
        json!("impression"),
        json!("impression"),
        json!("click"),
        json!("purchase"),
        json!("scroll"),
        Value::Null,
        json!(3),
    ];
    let lists = [
        json!([]),
        json!(["a"]),
        json!(["b", "a", "b"]),
        Value::Null,
        json!("a"),
        json!([null]),
    ];
    let ordinals = [
        json!(0),
        json!(1),
        json!(4_294_967_295_u64),
        json!("2"),
        Value::Null,
        json!(0.5),
    ];
    let texts = [json!("shoe"), json!("boot"), json!(" "), Value::Null];
    (
        some(&actions),
        some(&ids),
        some(&times),
        some(&items),
        some(&lists),
        some(&ordinals),
        some(&texts),
        0..9_u8,
    )
        .prop_map(|(action, id, time, item, list, ordinal, text, shape)| match shape {
            0 => json!({"index": {"_index": "ubi_events"}}),
            1 => json!([action, id]),
            2 => json!({"action_name": action, "query_id": id, "timestamp": time, "event_attributes": item}),
            3..=4 => json!({"query_id": id, "user_query": text, "timestamp": time, "query_response_hit_ids": list}),
            _ => json!({"action_name": action, "query_id": id, "user_query": text, "timestamp": time,
                        "event_attributes": {"object": {"object_id": item}, "position": {"ordinal": ordinal}}}),
        })
}

proptest! {
    #[test]
    fn every_row_is_used_or_left_out_for_one_kind(rows in prop::collection::vec(any_row(), 0..40)) {
        let text: Vec<String> = rows.iter().map(Value::to_string).collect();
        let mut log = UbiLog::new(UbiOptions { allowed_bad_lines: 1_000, ..UbiOptions::default() });
        log.read(text.join("\n").as_bytes()).expect("tolerated");
        let (bulk, bad) = (log.bulk_actions(), log.bad_lines().total());
        let log = log.finish();
        let dirt = &log.dirt;
        let left_out: u64 = dirt.found().map(|(_, count)| count.left_out).sum();
        prop_assert_eq!(dirt.search_rows + dirt.event_rows, dirt.searches + dirt.events + left_out);
        prop_assert_eq!(rows.len() as u64, dirt.search_rows + dirt.event_rows + bulk + bad);
        prop_assert_eq!(log.searches().len() as u64, dirt.searches);

        // What comes out passes the checks of the clean format, and every event was shown after its search.
        let mut shown: HashSet<(String, String)> = HashSet::new();
        let searches: Vec<Search> = log.searches().collect();
        for search in &searches {
            crate::json_lines::Record::check(search).map_err(|error| TestCaseError::fail(format!("{error:?}")))?;
            shown.extend(search.query_response_hit_ids.iter().map(|item| (search.query_id.clone(), item.clone())));
        }
        let events: Vec<Event> = log.events().collect();
        shown.extend(events.iter().filter(|event| event.action_name == Action::Impression).map(|event| (event.query_id.clone(), event.item_id().to_owned())));
        for event in &events {
            crate::json_lines::Record::check(event).map_err(|error| TestCaseError::fail(format!("{error:?}")))?;
            let search = searches.iter().find(|search| search.query_id == event.query_id).expect("its search");
            prop_assert!(event.timestamp >= search.timestamp);
            prop_assert!(shown.contains(&(event.query_id.clone(), event.item_id().to_owned())));
        }
    }

    #[test]
    fn any_text_is_read_or_refused_but_never_a_panic(text in "[\\[\\]{}a\":,\n0-9é]{0,120}") {
        let mut log = UbiLog::new(UbiOptions { allowed_bad_lines: 5, ..UbiOptions::default() });
        let _refused = log.read(text.as_bytes());
        let _clean = log.finish();
    }
}
