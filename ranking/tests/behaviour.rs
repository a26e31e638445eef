//! Behaviour features: the table that serving has is the one that training saw.

mod demo;

use demo::{bits, demo, event};
use searchop_ranking::events::{Action, Search};
use searchop_ranking::features::{
    BehaviourTable, DAY_MILLISECONDS, FeatureContext, Journal, SnapshotSchedule, TrainingOptions,
    training_rows,
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
            .behaviour_before(&data.catalogue, snapshot)
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
        sample.searches_beyond_maximum,
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
