//! The journal: searches joined with what followed them, in time order, in the catalogue's item numbers.
//!
//! It says what it left out and why. It counts nothing that features use and computes no feature.

use std::collections::{HashMap, HashSet};

use crate::catalogue::{Catalogue, ItemIndex};
use crate::events::{Action, Event, Search};
use crate::features::behaviour::{BehaviourCounter, BehaviourTable};
use crate::text::Analyser;

/// Something done after a search with one of its items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// With what.
    pub item: ItemIndex,
    /// What; never an impression.
    pub action: Action,
    /// When, in milliseconds since 1970-01-01 UTC.
    pub timestamp: i64,
}

/// One search, its shown list, and what followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalSearch {
    /// The search's id.
    pub query_id: String,
    /// What was typed.
    pub query: String,
    /// Number of its query key; see [`Journal::query_key`].
    pub query_key: u32,
    /// When, in milliseconds since 1970-01-01 UTC.
    pub timestamp: i64,
    /// The items shown with their positions from 1, best first.
    pub shown: Vec<(ItemIndex, u32)>,
    /// What was done with them, in time order.
    pub outcomes: Vec<Outcome>,
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

/// All searches in time order; equal times by id.
#[derive(Debug, Clone)]
pub struct Journal {
    searches: Vec<JournalSearch>,
    query_keys: Vec<String>,
    products: usize,
    /// Notes of the join.
    pub notes: JournalNotes,
}

impl Journal {
    /// Joins searches and events. The order of the inputs does not matter.
    #[must_use]
    pub fn new(catalogue: &Catalogue, searches: &[Search], events: &[Event]) -> Self {
        let mut notes = JournalNotes::default();
        let mut ordered: Vec<&Search> = searches.iter().collect();
        ordered.sort_by(|left, right| {
            (left.timestamp, &left.query_id).cmp(&(right.timestamp, &right.query_id))
        });
        let mut keys = QueryKeys::default();
        let mut joined: Vec<JournalSearch> = Vec::with_capacity(searches.len());
        let mut places: HashMap<&str, usize> = HashMap::with_capacity(searches.len());
        let shown_elsewhere = impressions_by_search(events);
        for search in ordered {
            if places.contains_key(search.query_id.as_str()) {
                notes.repeated_searches += 1;
                continue;
            }
            places.insert(&search.query_id, joined.len());
            let shown = if search.query_response_hit_ids.is_empty() {
                let listed = shown_elsewhere
                    .get(search.query_id.as_str())
                    .map_or(&[][..], Vec::as_slice);
                shown_items(catalogue, listed.iter().copied(), &mut notes)
            } else {
                let ids = search.query_response_hit_ids.iter().map(String::as_str);
                shown_items(catalogue, (1..).zip(ids), &mut notes)
            };
            notes.searches_without_items += u64::from(shown.is_empty());
            joined.push(JournalSearch {
                query_id: search.query_id.clone(),
                query: search.user_query.clone(),
                query_key: keys.number(&search.user_query),
                timestamp: search.timestamp,
                shown,
                outcomes: Vec::new(),
            });
        }
        notes.searches = joined.len() as u64;
        attach_outcomes(catalogue, &places, &mut joined, events, &mut notes);
        Self {
            searches: joined,
            query_keys: keys.keys,
            products: catalogue.len(),
            notes,
        }
    }

    /// All searches in time order.
    #[must_use]
    pub fn searches(&self) -> &[JournalSearch] {
        &self.searches
    }

    /// The text of a query key: sorted distinct terms.
    #[must_use]
    pub fn query_key(&self, number: u32) -> &str {
        &self.query_keys[number as usize]
    }

    /// The moment right after the last thing that happened; 0 for an empty journal.
    #[must_use]
    pub fn end(&self) -> i64 {
        let last = self.searches.iter().flat_map(|search| {
            std::iter::once(search.timestamp)
                .chain(search.outcomes.iter().map(|outcome| outcome.timestamp))
        });
        last.max().map_or(0, |timestamp| timestamp + 1)
    }

    /// The behaviour table of all that happened before `snapshot` (milliseconds since 1970-01-01 UTC).
    #[must_use]
    pub fn behaviour_before(&self, catalogue: &Catalogue, snapshot: i64) -> BehaviourTable {
        self.replay(catalogue).table_before(snapshot)
    }

    /// A replay of the journal, for one table after another.
    pub(super) fn replay(&self, catalogue: &Catalogue) -> Replay<'_> {
        assert_eq!(
            catalogue.len(),
            self.products,
            "a journal is replayed with its own catalogue"
        );
        let mut outcomes: Vec<(u32, Outcome)> = self
            .searches
            .iter()
            .flat_map(|search| {
                search
                    .outcomes
                    .iter()
                    .map(|outcome| (search.query_key, *outcome))
            })
            .collect();
        outcomes.sort_by_key(|(_, outcome)| outcome.timestamp);
        Replay {
            journal: self,
            outcomes,
            next_search: 0,
            next_outcome: 0,
            counter: BehaviourCounter::new(catalogue),
        }
    }
}

/// Counts the journal up to one moment after another.
pub(super) struct Replay<'a> {
    journal: &'a Journal,
    /// In time order, each with the number of its query key.
    outcomes: Vec<(u32, Outcome)>,
    next_search: usize,
    next_outcome: usize,
    counter: BehaviourCounter,
}

impl Replay<'_> {
    /// The table of all before `snapshot`, which may not be earlier than in the call before.
    pub(super) fn table_before(&mut self, snapshot: i64) -> BehaviourTable {
        for search in &self.journal.searches[self.next_search..] {
            if search.timestamp >= snapshot {
                break;
            }
            for (item, _) in &search.shown {
                self.counter
                    .add(search.query_key, *item, Action::Impression);
            }
            self.next_search += 1;
        }
        for (query_key, outcome) in &self.outcomes[self.next_outcome..] {
            if outcome.timestamp >= snapshot {
                break;
            }
            self.counter.add(*query_key, outcome.item, outcome.action);
            self.next_outcome += 1;
        }
        self.counter.freeze(snapshot, &self.journal.query_keys)
    }
}

/// Numbers for query keys; the same text is analysed once.
#[derive(Default)]
struct QueryKeys {
    analyser: Analyser,
    by_text: HashMap<String, u32>,
    by_key: HashMap<String, u32>,
    keys: Vec<String>,
}

impl QueryKeys {
    fn number(&mut self, text: &str) -> u32 {
        if let Some(number) = self.by_text.get(text) {
            return *number;
        }
        let key = self.analyser.query_key(text);
        let next = u32::try_from(self.keys.len()).expect("fewer than 2^32 queries fit into memory");
        let number = *self.by_key.entry(key.clone()).or_insert(next);
        if number == next {
            self.keys.push(key);
        }
        self.by_text.insert(text.to_owned(), number);
        number
    }
}

/// Shown lists that were recorded as events: item ids with positions, by search.
fn impressions_by_search(events: &[Event]) -> HashMap<&str, Vec<(u32, &str)>> {
    let mut lists: HashMap<&str, Vec<(u32, &str)>> = HashMap::new();
    for event in events
        .iter()
        .filter(|event| event.action_name == Action::Impression)
    {
        let list = lists.entry(&event.query_id).or_default();
        let unsaid = u32::try_from(list.len() + 1).unwrap_or(u32::MAX);
        let position = event
            .event_attributes
            .position
            .map_or(unsaid, |position| position.ordinal);
        list.push((position, event.item_id()));
    }
    for list in lists.values_mut() {
        list.sort_by_key(|shown| shown.0);
    }
    lists
}

fn shown_items<'a>(
    catalogue: &Catalogue,
    listed: impl Iterator<Item = (u32, &'a str)>,
    notes: &mut JournalNotes,
) -> Vec<(ItemIndex, u32)> {
    let mut seen = HashSet::new();
    let mut shown = Vec::new();
    for (position, id) in listed {
        match catalogue.find(id) {
            Some(item) if seen.insert(item) => shown.push((item, position)),
            _ => notes.unknown_or_repeated_shown_items += 1,
        }
    }
    shown
}

fn attach_outcomes(
    catalogue: &Catalogue,
    places: &HashMap<&str, usize>,
    searches: &mut [JournalSearch],
    events: &[Event],
    notes: &mut JournalNotes,
) {
    for event in events {
        let Some(place) = places.get(event.query_id.as_str()) else {
            notes.events_without_search += 1;
            continue;
        };
        if event.action_name == Action::Impression {
            continue;
        }
        let search = &mut searches[*place];
        let shown = catalogue
            .find(event.item_id())
            .filter(|item| search.shown.iter().any(|shown| shown.0 == *item));
        match shown {
            None => notes.events_without_impression += 1,
            Some(_) if event.timestamp < search.timestamp => notes.events_before_search += 1,
            Some(item) => {
                search.outcomes.push(Outcome {
                    item,
                    action: event.action_name,
                    timestamp: event.timestamp,
                });
            }
        }
    }
    for search in searches {
        // The earliest of several equal actions is the one that counts.
        search
            .outcomes
            .sort_by_key(|outcome| (outcome.timestamp, outcome.item, outcome.action));
        let before = search.outcomes.len();
        let mut seen = HashSet::new();
        search
            .outcomes
            .retain(|outcome| seen.insert((outcome.item, outcome.action)));
        notes.repeated_events += (before - search.outcomes.len()) as u64;
        notes.outcomes += search.outcomes.len() as u64;
    }
}
