//! A small demo dataset, and events to add to it.

use std::sync::Arc;

use searchop_ranking::catalogue::{Catalogue, Product};
use searchop_ranking::events::{Action, Event, EventAttributes, EventObject, Judgement, Search};
use searchop_ranking::generate::{RowWriter, Settings, write_dataset};

pub(crate) struct Data {
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) searches: Vec<Search>,
    pub(crate) events: Vec<Event>,
}

#[derive(Default)]
struct Rows {
    catalogue: Catalogue,
    searches: Vec<Search>,
    events: Vec<Event>,
}

impl RowWriter for Rows {
    fn product(&mut self, product: &Product) -> std::io::Result<()> {
        self.catalogue.insert(product.clone()).expect("a new id");
        Ok(())
    }
    fn search(&mut self, search: &Search) -> std::io::Result<()> {
        self.searches.push(search.clone());
        Ok(())
    }
    fn event(&mut self, event: &Event) -> std::io::Result<()> {
        self.events.push(event.clone());
        Ok(())
    }
    fn judgement(&mut self, _: &Judgement) -> std::io::Result<()> {
        Ok(())
    }
}

pub(crate) fn demo() -> Data {
    let settings = Settings {
        seed: 3,
        products: 120,
        users: 80,
        events: 6_000,
        ..Settings::default()
    };
    let mut rows = Rows::default();
    write_dataset(&settings, &mut rows, &mut |_| ()).expect("made");
    Data {
        catalogue: Arc::new(rows.catalogue),
        searches: rows.searches,
        events: rows.events,
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
