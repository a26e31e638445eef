//! Behaviour features: the table that serving has is the one that training saw.

mod demo;

use std::collections::HashSet;

use demo::{bits, demo, event};
use searchop_ranking::events::{Action, Search};
use searchop_ranking::features::{
    BehaviourTable, DAY_MILLISECONDS, FeatureContext, Journal, RecentEvent, SnapshotSchedule,
    TrainingOptions, column, training_rows,
};

#[test]
fn a_bundle_serves_with_the_table_that_training_would_use_then() {
    let data = demo();
    let context = FeatureContext::new(data.catalogue.clone());
    let hour = DAY_MILLISECONDS / 24;
    for lag in [0, hour, DAY_MILLISECONDS, 3 * DAY_MILLISECONDS + 5 * hour] {
        let snapshots = SnapshotSchedule::with_lag(lag);
        let journal = Journal::new(&data.catalogue, &data.searches, &data.events);
        let snapshot = snapshots.holding(journal.end());
        let mut bytes = Vec::new();
        journal
            .behaviour_before(&data.catalogue, snapshots, snapshot)
            .write(&data.catalogue, &mut bytes)
            .expect("written");
        let table = BehaviourTable::read(bytes.as_slice(), &data.catalogue).expect("read");

        // The first search that this table serves, as a later training would see it.
        let last = &data.searches[data.searches.len() - 1];
        let timestamp = snapshot + lag;
        let (mut searches, mut events) = (data.searches.clone(), data.events.clone());
        let clicked = last.query_response_hit_ids[0].clone();
        events.push(event(Action::Click, "served", &clicked, timestamp + 1));
        searches.push(Search {
            query_id: "served".to_owned(),
            timestamp,
            ..last.clone()
        });
        let options = TrainingOptions {
            snapshots,
            ..TrainingOptions::default()
        };
        let later = Journal::new(&data.catalogue, &searches, &events);
        let rows = training_rows(&context, &later, &options);
        let trained = rows.searches.last().expect("a search");
        assert_eq!(
            (trained.query_id.as_str(), trained.snapshot),
            ("served", snapshot)
        );
        let first = rows.len() - trained.rows;
        let items = &rows.items[first..];
        let served = context.compute(&context.analyse(&last.user_query), items, &table);
        for (place, row) in (first..rows.len()).enumerate() {
            let width = served.len() / items.len();
            assert_eq!(
                bits(&served[place * width..(place + 1) * width]),
                bits(rows.row(row)),
                "lag {lag}"
            );
        }
    }
}

#[test]
fn a_sample_of_searches_is_the_same_whatever_their_order_and_has_the_rows_of_all() {
    let data = demo();
    let context = FeatureContext::new(data.catalogue.clone());
    let all = training_rows(
        &context,
        &Journal::new(&data.catalogue, &data.searches, &data.events),
        &TrainingOptions::default(),
    );
    let (mut searches, mut events) = (data.searches.clone(), data.events.clone());
    searches.reverse();
    events.reverse();
    let options = TrainingOptions {
        maximum_searches: Some(100),
        ..TrainingOptions::default()
    };
    let journal = Journal::new(&data.catalogue, &searches, &events);
    let sample = training_rows(&context, &journal, &options);
    assert_eq!(sample.searches.len(), 100);
    assert_eq!(
        sample.left_out.beyond_maximum,
        all.searches.len() as u64 - 100
    );
    let mut first = 0;
    let mut found = 0;
    let mut row_of_sample = 0;
    for search in &all.searches {
        if sample.searches.get(found) == Some(search) {
            for row in first..first + search.rows {
                assert_eq!(bits(all.row(row)), bits(sample.row(row_of_sample)));
                row_of_sample += 1;
            }
            found += 1;
        }
        first += search.rows;
    }
    assert_eq!((found, row_of_sample), (100, sample.len()));
}

#[test]
fn recent_events_are_those_of_the_same_person_before_the_search_the_newest_first() {
    let data = demo();
    let context = FeatureContext::new(data.catalogue.clone());
    let journal = Journal::new(&data.catalogue, &data.searches, &data.events);
    let options = TrainingOptions {
        recent_events: 3,
        ..TrainingOptions::default()
    };
    let rows = training_rows(&context, &journal, &options);
    let counts = column("recent_events").expect("a feature");
    let (mut first, mut with_events) = (0, 0);
    for search in &rows.searches {
        let of_log = data.searches.iter();
        let mut of_log = of_log.filter(|other| other.query_id == search.query_id);
        let client = &of_log.next().expect("it is in the log").client_id;
        let mut before: Vec<_> = data
            .events
            .iter()
            .filter(|event| event.client_id == *client && event.timestamp < search.timestamp)
            .map(|event| {
                let item = data.catalogue.find(event.item_id()).expect("known");
                (event.timestamp, item, event.action_name, &event.query_id)
            })
            .collect();
        before.sort_unstable();
        // Repeats of an action after one search are left out of the log.
        let mut done = HashSet::new();
        before.retain(|(_, item, action, query_id)| done.insert((*item, *action, *query_id)));
        let recent: Vec<RecentEvent> = before
            .iter()
            .rev()
            .take(3)
            .map(|(timestamp, item, action, _)| RecentEvent {
                item: *item,
                action: *action,
                seconds_ago: u32::try_from((search.timestamp - timestamp) / 1_000).expect("short"),
            })
            .collect();
        let row = rows.row(first);
        if recent.is_empty() {
            assert!(row[counts].is_nan());
        } else {
            assert_eq!(row[counts], recent.len() as f64);
            with_events += 1;
        }
        let table = journal.behaviour_before(&data.catalogue, options.snapshots, search.snapshot);
        let items = &rows.items[first..first + search.rows];
        let query = context.analyse(&search.query).with_recent(recent);
        let told = context.compute(&query, items, &table);
        let trained: Vec<u64> = (first..first + search.rows)
            .flat_map(|row| bits(rows.row(row)))
            .collect();
        assert_eq!(bits(&told), trained, "search {}", search.query_id);
        first += search.rows;
    }
    assert!(with_events > 100, "only {with_events} searches have a past");
}

#[test]
fn what_a_person_does_later_and_what_others_do_moves_no_recent_column() {
    let data = demo();
    let context = FeatureContext::new(data.catalogue.clone());
    let options = TrainingOptions {
        recent_events: 20,
        ..TrainingOptions::default()
    };
    let made = |events| {
        let journal = Journal::new(&data.catalogue, &data.searches, events);
        training_rows(&context, &journal, &options)
    };
    let before = made(&data.events);
    // The last search with feedback: more is done after it, and by others.
    let last = before.searches.last().expect("a search");
    let of_log = data.searches.iter();
    let search = of_log
        .clone()
        .find(|search| search.query_id == last.query_id)
        .expect("it is in the log");
    let other = of_log
        .clone()
        .find(|other| other.client_id != search.client_id && other.timestamp < search.timestamp)
        .expect("somebody else");
    let mut events = data.events.clone();
    for (of, moment) in [(search, search.timestamp), (other, search.timestamp - 1)] {
        let item = &of.query_response_hit_ids[0];
        events.push(event(Action::Purchase, &of.query_id, item, moment));
    }
    let after = made(&events);
    let first = before.len() - last.rows;
    let first_after = after.len() - last.rows;
    for row in 0..last.rows {
        assert_eq!(
            bits(before.row(first + row)),
            bits(after.row(first_after + row))
        );
    }
    assert_ne!(before.labels[first..], after.labels[first_after..]);
}
