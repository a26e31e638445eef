//! A small demo dataset, and events to add to it.

use std::sync::Arc;

use searchop_ranking::catalogue::Catalogue;
use searchop_ranking::events::{
    Action, Event, EventAttributes, EventObject, Search, read_events, read_searches,
};
use searchop_ranking::generate::{Outputs, Settings, write_dataset};

pub(crate) struct Data {
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) searches: Vec<Search>,
    pub(crate) events: Vec<Event>,
}

pub(crate) fn demo() -> Data {
    let settings = Settings {
        seed: 3,
        products: 120,
        users: 80,
        events: 6_000,
        ..Settings::default()
    };
    let (mut catalogue, mut queries, mut events) = (Vec::new(), Vec::new(), Vec::new());
    let mut outputs = Outputs {
        catalogue: &mut catalogue,
        queries: &mut queries,
        events: &mut events,
        judgements: &mut std::io::sink(),
    };
    write_dataset(&settings, &mut outputs, &mut |_| ()).expect("made");
    Data {
        catalogue: Arc::new(Catalogue::read(catalogue.as_slice()).expect("read")),
        searches: read_searches(queries.as_slice()).expect("read"),
        events: read_events(events.as_slice()).expect("read"),
    }
}

pub(crate) fn event(action_name: Action, query_id: &str, item_id: &str, timestamp: i64) -> Event {
    Event {
        action_name,
        query_id: query_id.to_owned(),
        client_id: String::new(),
        session_id: String::new(),
        timestamp,
        event_attributes: EventAttributes {
            object: EventObject {
                object_id: item_id.to_owned(),
            },
            position: None,
        },
    }
}

pub(crate) fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}
