//! Makes a journal of searches and events as they come, one at a time, without keeping them whole.

use std::collections::{HashMap, HashSet};

use sha2::{Digest as _, Sha256};

use crate::catalogue::{Catalogue, ItemIndex};
use crate::events::{Action, Event, Search};
use crate::features::journal::{Journal, JournalNotes, Names, Outcome, SearchRecord};
use crate::text::{Analyser, Language};
use crate::ubi::CleanLog;

/// Takes all searches first, in any order, then all events, in any order: an event whose search was
/// not there before it is one without a search.
pub struct JournalBuilder<'a> {
    catalogue: &'a Catalogue,
    notes: JournalNotes,
    queries: Queries,
    ids: Names,
    clients: HashMap<Box<str>, u32>,
    /// In the order of their ids' numbers.
    records: Vec<SearchRecord>,
    /// Whether the list is the search's own, and how many of its items were left out; by id.
    lists: Vec<(bool, u32)>,
    items: Vec<ItemIndex>,
    positions: Vec<u32>,
    /// Numbers of ids, by the start of the id's SHA-256: ids are not kept twice.
    numbers: HashMap<[u8; 16], u32>,
    impressions: Vec<Impression>,
    outcomes: Vec<Outcome>,
    seen: HashSet<ItemIndex>,
}

/// An item shown, recorded as an event.
struct Impression {
    search: u32,
    /// Where it stood, if that is said.
    position: Option<u32>,
    /// `None` is an item that the catalogue does not have.
    item: Option<ItemIndex>,
}

impl<'a> JournalBuilder<'a> {
    /// A journal of nothing yet.
    #[must_use]
    pub fn new(catalogue: &'a Catalogue) -> Self {
        Self {
            catalogue,
            notes: JournalNotes::default(),
            queries: Queries::new(catalogue.language()),
            ids: Names::default(),
            clients: HashMap::new(),
            records: Vec::new(),
            lists: Vec::new(),
            items: Vec::new(),
            positions: Vec::new(),
            numbers: HashMap::new(),
            impressions: Vec::new(),
            outcomes: Vec::new(),
            seen: HashSet::new(),
        }
    }

    /// Number of searches with different ids so far.
    #[must_use]
    pub fn searches(&self) -> usize {
        self.records.len()
    }

    /// Adds a search, and says whether its id is new. Of several with one id the earliest is kept, of
    /// those of one time the first.
    pub fn add_search(&mut self, search: &Search) -> bool {
        let key = digest(&search.query_id);
        let known = self.numbers.get(&key).copied();
        if let Some(number) = known {
            self.notes.repeated_searches += 1;
            if self.records[number as usize].timestamp <= search.timestamp {
                return false;
            }
        }
        let id = known.unwrap_or_else(|| self.ids.push(&search.query_id));
        let first_item = self.items.len();
        let listed = search.query_response_hit_ids.iter().map(String::as_str);
        let listed = (1..).zip(listed.map(|item| self.catalogue.find(item)));
        let list = take_list(listed, &mut self.seen, &mut self.items, &mut self.positions);
        let record = SearchRecord {
            timestamp: search.timestamp,
            first_item,
            first_position: list.first_position,
            item_count: list.items,
            first_outcome: 0,
            outcome_count: 0,
            id,
            text: self.queries.number(&search.user_query),
            client: self.client(&search.client_id),
        };
        let list = (!search.query_response_hit_ids.is_empty(), list.left_out);
        match known {
            Some(number) => {
                self.records[number as usize] = record;
                self.lists[number as usize] = list;
            }
            None => {
                self.numbers.insert(key, id);
                self.records.push(record);
                self.lists.push(list);
            }
        }
        known.is_none()
    }

    /// Adds an event.
    pub fn add_event(&mut self, event: &Event) {
        let Some(search) = self.numbers.get(&digest(&event.query_id)).copied() else {
            self.notes.events_without_search += 1;
            return;
        };
        let item = self.catalogue.find(event.item_id());
        let position = event.event_attributes.position;
        let position = position.map(|position| position.ordinal);
        self.add_outcome(search, item, position, event.action_name, event.timestamp);
    }

    fn add_outcome(
        &mut self,
        search: u32,
        item: Option<ItemIndex>,
        position: Option<u32>,
        action: Action,
        timestamp: i64,
    ) {
        match item {
            _ if action == Action::Impression => {
                if !self.lists[search as usize].0 {
                    self.impressions.push(Impression {
                        search,
                        position,
                        item,
                    });
                }
            }
            None => self.notes.events_without_impression += 1,
            Some(item) => self.outcomes.push(Outcome {
                timestamp,
                item,
                search,
                action,
            }),
        }
    }

    /// The journal of a log. Lists and ids are taken over as they are: of a log of millions of rows
    /// there is no room for them twice.
    pub(super) fn of_log(catalogue: &'a Catalogue, log: CleanLog) -> Journal {
        const UNSEEN: u32 = u32::MAX;
        let mut builder = Self::new(catalogue);
        let items: Vec<Option<ItemIndex>> =
            log.items.iter().map(|item| catalogue.find(item)).collect();
        let mut texts = vec![UNSEEN; log.texts.len()];
        let mut clients = vec![UNSEEN; log.people.len()];
        let mut searches = vec![UNSEEN; log.query_ids.len()];
        let mut shown = log.shown;
        let mut taken = Vec::new();
        builder.records.reserve_exact(log.searches.len());
        for row in log.searches {
            let id = builder.ids.push(&log.query_ids[row.query_id as usize]);
            searches[row.query_id as usize] = id;
            let range = row.list.range();
            let listed = shown[range.clone()].iter();
            let listed = (1..).zip(listed.map(|item| items[*item as usize]));
            taken.clear();
            let list = take_list(
                listed,
                &mut builder.seen,
                &mut taken,
                &mut builder.positions,
            );
            for (place, item) in shown[range.clone()].iter_mut().zip(&taken) {
                *place = item.0;
            }
            let text = &mut texts[row.text as usize];
            if *text == UNSEEN {
                *text = builder.queries.number(&log.texts[row.text as usize]);
            }
            let client = &mut clients[row.client as usize];
            if *client == UNSEEN {
                *client = builder.client(&log.people[row.client as usize]);
            }
            builder.records.push(SearchRecord {
                timestamp: row.timestamp,
                first_item: range.start,
                first_position: list.first_position,
                item_count: list.items,
                first_outcome: 0,
                outcome_count: 0,
                id,
                text: *text,
                client: *client,
            });
            builder.lists.push((!range.is_empty(), list.left_out));
        }
        drop((log.query_ids, log.texts, log.people));
        builder.items = shown.into_iter().map(ItemIndex).collect();
        for row in log.events {
            let search = searches[row.query_id as usize];
            let item = items[row.item as usize];
            builder.add_outcome(search, item, row.position, row.action, row.timestamp);
        }
        builder.finish()
    }

    /// Joins all that was added.
    #[must_use]
    pub fn finish(mut self) -> Journal {
        self.numbers = HashMap::new();
        self.clients = HashMap::new();
        self.take_impressions();
        let left_out = self.lists.iter().map(|list| u64::from(list.1));
        self.notes.unknown_or_repeated_shown_items = left_out.sum();
        let empty = self.records.iter().filter(|record| record.item_count == 0);
        self.notes.searches_without_items = empty.count() as u64;
        self.notes.searches = self.records.len() as u64;

        let ids = &self.ids;
        self.records.sort_unstable_by(|left, right| {
            let times = left.timestamp.cmp(&right.timestamp);
            times.then_with(|| ids.get(left.id).cmp(ids.get(right.id)))
        });
        self.join_outcomes();
        self.outcomes.shrink_to_fit();
        self.items.shrink_to_fit();
        Journal {
            records: self.records,
            ids: self.ids,
            texts: self.queries.texts,
            keys_of_texts: self.queries.keys_of_texts,
            query_keys: self.queries.keys,
            items: self.items,
            positions: self.positions,
            outcomes: self.outcomes,
            products: self.catalogue.len(),
            notes: self.notes,
        }
    }

    /// The lists that were recorded as events.
    fn take_impressions(&mut self) {
        let mut impressions = std::mem::take(&mut self.impressions);
        // Stable: what has no position stands in the order of the log.
        impressions.sort_by_key(|impression| impression.search);
        for of_search in impressions.chunk_by(|left, right| left.search == right.search) {
            let search = of_search[0].search as usize;
            let mut list: Vec<(u32, Option<ItemIndex>)> = (1..)
                .zip(of_search)
                .map(|(unsaid, shown)| (shown.position.unwrap_or(unsaid), shown.item))
                .collect();
            list.sort_by_key(|shown| shown.0);
            let first_item = self.items.len();
            let listed = list.into_iter();
            let taken = take_list(listed, &mut self.seen, &mut self.items, &mut self.positions);
            let record = &mut self.records[search];
            record.first_item = first_item;
            record.first_position = taken.first_position;
            record.item_count = taken.items;
            self.lists[search].1 = taken.left_out;
        }
    }

    /// Gives each search its outcomes; the searches are in their order.
    fn join_outcomes(&mut self) {
        let mut places = vec![0_u32; self.records.len()];
        for (place, record) in (0_u32..).zip(&self.records) {
            places[record.id as usize] = place;
        }
        let mut outcomes = std::mem::take(&mut self.outcomes);
        for outcome in &mut outcomes {
            outcome.search = places[outcome.search as usize];
        }
        outcomes.sort_unstable_by_key(|outcome| {
            (
                outcome.search,
                outcome.timestamp,
                outcome.item,
                outcome.action,
            )
        });
        let notes = &mut self.notes;
        let mut current = u32::MAX;
        let mut done: HashSet<(ItemIndex, Action)> = HashSet::new();
        let (records, items) = (&self.records, &self.items);
        outcomes.retain(|outcome| {
            let record = &records[outcome.search as usize];
            let shown = &items[record.first_item..record.first_item + record.item_count as usize];
            if outcome.search != current {
                current = outcome.search;
                done.clear();
            }
            if !shown.contains(&outcome.item) {
                notes.events_without_impression += 1;
            } else if outcome.timestamp < record.timestamp {
                notes.events_before_search += 1;
            } else if !done.insert((outcome.item, outcome.action)) {
                // The earliest of several equal actions is the one that counts.
                notes.repeated_events += 1;
            } else {
                notes.outcomes += 1;
                return true;
            }
            false
        });
        let mut first = 0_u32;
        for of_search in outcomes.chunk_by(|left, right| left.search == right.search) {
            let record = &mut self.records[of_search[0].search as usize];
            record.first_outcome = first;
            record.outcome_count =
                u32::try_from(of_search.len()).expect("bounded by the items of a list");
            first += record.outcome_count;
        }
        self.outcomes = outcomes;
    }

    fn client(&mut self, client_id: &str) -> u32 {
        if client_id.trim().is_empty() {
            return 0;
        }
        if let Some(number) = self.clients.get(client_id) {
            return *number;
        }
        let next = self.clients.len() + 1;
        let number = u32::try_from(next).expect("fewer than 2^32 clients fit into memory");
        self.clients.insert(client_id.into(), number);
        number
    }
}

/// What was taken of a list.
struct TakenList {
    items: u32,
    left_out: u32,
    /// Where its positions start, unless they are 1, 2, 3 and so on.
    first_position: Option<u32>,
}

/// Takes a list's items and positions over: the first of equal items that the catalogue has.
fn take_list(
    listed: impl Iterator<Item = (u32, Option<ItemIndex>)>,
    seen: &mut HashSet<ItemIndex>,
    items: &mut Vec<ItemIndex>,
    positions: &mut Vec<u32>,
) -> TakenList {
    seen.clear();
    let first = positions.len();
    let (mut taken, mut left_out) = (0_u32, 0_u32);
    let mut is_usual = true;
    for (position, item) in listed {
        match item {
            Some(item) if seen.insert(item) => {
                taken += 1;
                items.push(item);
                positions.push(position);
                is_usual &= position == taken;
            }
            _ => left_out += 1,
        }
    }
    let first_position = if is_usual {
        positions.truncate(first);
        None
    } else {
        Some(u32::try_from(first).expect("fewer than 2^32 positions fit into memory"))
    };
    TakenList {
        items: taken,
        left_out,
        first_position,
    }
}

fn digest(id: &str) -> [u8; 16] {
    let digest = Sha256::digest(id.as_bytes());
    let mut start = [0; 16];
    start.copy_from_slice(&digest[..16]);
    start
}

/// Numbers for texts and their query keys; the same text is analysed once.
struct Queries {
    analyser: Analyser,
    by_text: HashMap<Box<str>, u32>,
    texts: Names,
    keys_of_texts: Vec<u32>,
    by_key: HashMap<String, u32>,
    keys: Vec<String>,
}

impl Queries {
    fn new(language: Language) -> Self {
        Self {
            analyser: Analyser::new(language),
            by_text: HashMap::new(),
            texts: Names::default(),
            keys_of_texts: Vec::new(),
            by_key: HashMap::new(),
            keys: Vec::new(),
        }
    }

    fn number(&mut self, text: &str) -> u32 {
        if let Some(number) = self.by_text.get(text) {
            return *number;
        }
        let key = self.analyser.query_key(text);
        let next = u32::try_from(self.keys.len()).expect("fewer than 2^32 queries fit into memory");
        let of_key = *self.by_key.entry(key.clone()).or_insert(next);
        if of_key == next {
            self.keys.push(key);
        }
        let number = self.texts.push(text);
        self.keys_of_texts.push(of_key);
        self.by_text.insert(text.into(), number);
        number
    }
}
