//! The rows that visits leave, as the shop's feed delivers them: some twice, and some broken.

use crate::events::{Action, Event, EventAttributes, EventObject, EventPosition, Search};
use crate::generate::random::Stream;

/// Share of rows that are delivered twice.
const REPEATED: f64 = 0.005;

/// The rows of one day.
#[derive(Default)]
pub(super) struct Day {
    pub(super) searches: Vec<Search>,
    pub(super) events: Vec<Event>,
}

impl Day {
    /// Puts the rows into time order. Equal times stay in the order of their making.
    pub(super) fn sort(&mut self) {
        self.searches.sort_by_key(|search| search.timestamp);
        self.events.sort_by_key(|event| event.timestamp);
    }
}

/// Where a visit is.
pub(super) struct Visit {
    pub(super) client_id: String,
    pub(super) session_id: String,
    /// In milliseconds since 1970-01-01 UTC.
    pub(super) now: i64,
    /// Its day's last moment.
    pub(super) end: i64,
    /// Rows that it may still make.
    pub(super) left: u64,
    /// Decides what the feed does to its rows.
    pub(super) feed: Stream,
    /// Probability that an event names a search that is not recorded.
    pub(super) lost: f64,
}

impl Visit {
    /// Lets some time pass.
    pub(super) fn wait(&mut self, low_seconds: f64, high_seconds: f64, stream: &mut Stream) {
        let passed = milliseconds(stream.between(low_seconds, high_seconds));
        self.now = (self.now + passed).min(self.end);
    }

    /// Adds the row of a search, if there is room.
    pub(super) fn record_search(&mut self, search: Search, made: &mut Day) {
        self.deliver(search, &mut made.searches);
    }

    /// Adds the row of something done now, if there is room.
    pub(super) fn record(
        &mut self,
        action_name: Action,
        query_id: &str,
        item_id: &str,
        position: u32,
        made: &mut Day,
    ) {
        // Drawn whether it can happen or not: all other rows are the same either way.
        let is_lost = self.feed.uniform() < self.lost;
        let event = Event {
            action_name,
            query_id: if is_lost {
                format!("lost-{query_id}")
            } else {
                query_id.to_owned()
            },
            client_id: self.client_id.clone(),
            session_id: self.session_id.clone(),
            timestamp: self.now,
            event_attributes: EventAttributes {
                object: EventObject {
                    object_id: item_id.to_owned(),
                },
                position: Some(EventPosition { ordinal: position }),
            },
        };
        self.deliver(event, &mut made.events);
    }

    fn deliver<T: Clone>(&mut self, row: T, rows: &mut Vec<T>) {
        let is_repeated = self.feed.chance(REPEATED);
        if is_repeated && self.left > 1 {
            self.left -= 1;
            rows.push(row.clone());
        }
        if self.left > 0 {
            self.left -= 1;
            rows.push(row);
        }
    }
}

pub(super) fn milliseconds(seconds: f64) -> i64 {
    #[allow(clippy::cast_possible_truncation)]
    let whole = (seconds * 1000.0) as i64;
    whole
}
