//! The journal: searches joined with what followed them, in time order, in the catalogue's item numbers.
//!
//! It says what it left out and why. It counts nothing that features use and computes no feature.
//! Millions of searches fit: names are kept once, and lists stand one after the other.

use crate::catalogue::{Catalogue, ItemIndex};
use crate::events::{Action, Event, Search};
use crate::features::behaviour::BehaviourTable;
use crate::features::journal_builder::JournalBuilder;
use crate::features::replay::Replay;
use crate::features::schedule::SnapshotSchedule;
use crate::ubi::CleanLog;

/// Something done after a search with one of its items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// When, in milliseconds since 1970-01-01 UTC.
    pub timestamp: i64,
    /// With what.
    pub item: ItemIndex,
    /// Place of its search in the journal.
    pub(super) search: u32,
    /// What; never an impression.
    pub action: Action,
}

/// What the join found and left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JournalNotes {
    /// Searches kept.
    pub searches: u64,
    /// Searches whose id was there before: left out.
    pub repeated_searches: u64,
    /// Searches that showed nothing of the catalogue: kept without a list.
    pub searches_without_items: u64,
    /// Shown items that the catalogue does not have, or that are twice in one list: left out.
    pub unknown_or_repeated_shown_items: u64,
    /// Clicks, carts and purchases kept.
    pub outcomes: u64,
    /// Events of a search that nobody recorded: left out.
    pub events_without_search: u64,
    /// Clicks, carts and purchases of an item that its search did not show: left out.
    pub events_without_impression: u64,
    /// Events from before their search: left out.
    pub events_before_search: u64,
    /// Repeats of the same action on the same item after the same search: left out.
    pub repeated_events: u64,
}

/// One search as the journal keeps it.
#[derive(Debug, Clone, Copy)]
pub(super) struct SearchRecord {
    pub(super) timestamp: i64,
    /// Where its list starts.
    pub(super) first_item: usize,
    /// Where its positions start; `None` if they are 1, 2, 3 and so on.
    pub(super) first_position: Option<u32>,
    pub(super) item_count: u32,
    /// Where its outcomes start.
    pub(super) first_outcome: u32,
    pub(super) outcome_count: u32,
    /// Number of its id.
    pub(super) id: u32,
    /// Number of its text.
    pub(super) text: u32,
    /// Number of who searched; 0 is nobody known.
    pub(super) client: u32,
}

/// All searches in time order; equal times by id.
#[derive(Debug)]
pub struct Journal {
    pub(super) records: Vec<SearchRecord>,
    pub(super) ids: Names,
    /// Texts by number.
    pub(super) texts: Names,
    /// Numbers of query keys, by the text's number.
    pub(super) keys_of_texts: Vec<u32>,
    pub(super) query_keys: Vec<String>,
    pub(super) items: Vec<ItemIndex>,
    pub(super) positions: Vec<u32>,
    /// By search; of one search in time order.
    pub(super) outcomes: Vec<Outcome>,
    pub(super) products: usize,
    /// Notes of the join.
    pub notes: JournalNotes,
}

/// One search, its shown list, and what followed.
#[derive(Debug, Clone, Copy)]
pub struct JournalSearch<'a> {
    journal: &'a Journal,
    record: &'a SearchRecord,
}

impl<'a> JournalSearch<'a> {
    /// The search's id.
    #[must_use]
    pub fn query_id(&self) -> &'a str {
        self.journal.ids.get(self.record.id)
    }

    /// What was typed.
    #[must_use]
    pub fn query(&self) -> &'a str {
        self.journal.texts.get(self.record.text)
    }

    /// Number of its query key; see [`Journal::query_key`].
    #[must_use]
    pub fn query_key(&self) -> u32 {
        self.journal.keys_of_texts[self.record.text as usize]
    }

    /// When, in milliseconds since 1970-01-01 UTC.
    #[must_use]
    pub fn timestamp(&self) -> i64 {
        self.record.timestamp
    }

    /// Number of who searched; `None` if that is not known.
    #[must_use]
    pub fn client(&self) -> Option<u32> {
        (self.record.client > 0).then_some(self.record.client)
    }

    /// The items shown, best first.
    #[must_use]
    pub fn items(&self) -> &'a [ItemIndex] {
        let first = self.record.first_item;
        &self.journal.items[first..first + self.record.item_count as usize]
    }

    /// The positions of the items, from 1.
    pub fn positions(&self) -> impl Iterator<Item = u32> + use<'a> {
        let positions = &self.journal.positions;
        let first = self.record.first_position;
        (0..self.record.item_count).map(move |place| match first {
            Some(first) => positions[first as usize + place as usize],
            None => place + 1,
        })
    }

    /// What was done with the items, in time order.
    #[must_use]
    pub fn outcomes(&self) -> &'a [Outcome] {
        let first = self.record.first_outcome as usize;
        &self.journal.outcomes[first..first + self.record.outcome_count as usize]
    }
}

impl Journal {
    /// Joins searches and events. The order of the inputs does not matter.
    #[must_use]
    pub fn new(catalogue: &Catalogue, searches: &[Search], events: &[Event]) -> Self {
        let mut builder = JournalBuilder::new(catalogue);
        for search in searches {
            builder.add_search(search);
        }
        for event in events {
            builder.add_event(event);
        }
        builder.finish()
    }

    /// Joins a log.
    #[must_use]
    pub fn of_log(catalogue: &Catalogue, log: CleanLog) -> Self {
        JournalBuilder::of_log(catalogue, log)
    }

    /// All searches in time order.
    pub fn searches(&self) -> impl ExactSizeIterator<Item = JournalSearch<'_>> {
        self.records.iter().map(|record| JournalSearch {
            journal: self,
            record,
        })
    }

    /// The search at a place.
    pub(super) fn search(&self, place: u32) -> JournalSearch<'_> {
        JournalSearch {
            journal: self,
            record: &self.records[place as usize],
        }
    }

    /// The text of a query key: sorted distinct terms.
    #[must_use]
    pub fn query_key(&self, number: u32) -> &str {
        &self.query_keys[number as usize]
    }

    /// The moment right after the last thing that happened; 0 for an empty journal.
    #[must_use]
    pub fn end(&self) -> i64 {
        let searches = self.records.iter().map(|record| record.timestamp);
        let outcomes = self.outcomes.iter().map(|outcome| outcome.timestamp);
        let last = searches.chain(outcomes).max();
        last.map_or(0, |timestamp| timestamp + 1)
    }

    /// The behaviour table of all that happened before `snapshot` (milliseconds since 1970-01-01
    /// UTC), one of the schedule's.
    #[must_use]
    pub fn behaviour_before(
        &self,
        catalogue: &Catalogue,
        snapshots: SnapshotSchedule,
        snapshot: i64,
    ) -> BehaviourTable {
        Replay::new(self, catalogue, snapshots).table_before(snapshot)
    }
}

/// Texts one after the other, by number.
#[derive(Debug, Default)]
pub(super) struct Names {
    bytes: String,
    ends: Vec<usize>,
}

impl Names {
    /// Adds a text and gives its number.
    pub(super) fn push(&mut self, text: &str) -> u32 {
        let number = u32::try_from(self.ends.len()).expect("fewer than 2^32 names fit into memory");
        self.bytes.push_str(text);
        self.ends.push(self.bytes.len());
        number
    }

    /// The text of a number.
    pub(super) fn get(&self, number: u32) -> &str {
        let place = number as usize;
        let start = if place == 0 { 0 } else { self.ends[place - 1] };
        &self.bytes[start..self.ends[place]]
    }
}
