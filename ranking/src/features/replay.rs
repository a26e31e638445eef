//! The journal again as it happened: one behaviour table after another, and what each person had
//! done before a search.

use std::collections::HashMap;

use crate::catalogue::{Catalogue, ItemIndex};
use crate::events::Action;
use crate::features::behaviour::{BehaviourTable, MAXIMUM_PAIRS, MINIMUM_PAIR_IMPRESSIONS};
use crate::features::journal::{Journal, JournalSearch, Outcome};
use crate::features::recent::{MAXIMUM_RECENT_SECONDS, RecentEvent};
use crate::features::schedule::SnapshotSchedule;
use crate::features::tally::{GrowingTally, Tally, day_of};

/// Counts the journal up to one moment after another.
pub(super) struct Replay<'a> {
    journal: &'a Journal,
    snapshots: SnapshotSchedule,
    /// Places of the outcomes, in time order.
    by_time: Vec<u32>,
    next_search: usize,
    next_outcome: usize,
    counter: BehaviourCounter,
}

impl<'a> Replay<'a> {
    pub(super) fn new(
        journal: &'a Journal,
        catalogue: &Catalogue,
        snapshots: SnapshotSchedule,
    ) -> Self {
        assert_eq!(
            catalogue.len(),
            journal.products,
            "a journal is replayed with its own catalogue"
        );
        let mut by_time = places(journal);
        by_time.sort_by_key(|place| journal.outcomes[*place as usize].timestamp);
        Self {
            journal,
            snapshots,
            by_time,
            next_search: 0,
            next_outcome: 0,
            counter: BehaviourCounter::new(catalogue.len()),
        }
    }

    /// The table of all before `snapshot`, which may not be earlier than in the call before.
    pub(super) fn table_before(&mut self, snapshot: i64) -> BehaviourTable {
        loop {
            let search = self.next_search().filter(|it| it.timestamp() < snapshot);
            let outcome = self.next_outcome().filter(|it| it.timestamp < snapshot);
            let is_next = |search: &JournalSearch<'_>| {
                outcome.is_none_or(|outcome| search.timestamp() <= outcome.timestamp)
            };
            if let Some(search) = search.filter(is_next) {
                let day = day_of(search.timestamp(), self.snapshots);
                for item in search.items() {
                    self.counter
                        .add(search.query_key(), *item, Action::Impression, day);
                }
                self.next_search += 1;
                continue;
            }
            let Some(outcome) = outcome else { break };
            let day = day_of(outcome.timestamp, self.snapshots);
            let key = self.journal.search(outcome.search).query_key();
            self.counter.add(key, outcome.item, outcome.action, day);
            self.next_outcome += 1;
        }
        let day = day_of(snapshot - 1, self.snapshots);
        self.counter.freeze(snapshot, day, &self.journal.query_keys)
    }

    fn next_search(&self) -> Option<JournalSearch<'a>> {
        let place = self.next_search;
        (place < self.journal.records.len()).then(|| {
            self.journal
                .search(u32::try_from(place).expect("numbers of searches are 32 bits"))
        })
    }

    fn next_outcome(&self) -> Option<Outcome> {
        let place = self.by_time.get(self.next_outcome)?;
        Some(self.journal.outcomes[*place as usize])
    }
}

fn places(journal: &Journal) -> Vec<u32> {
    let outcomes = u32::try_from(journal.outcomes.len()).expect("fewer than 2^32 outcomes fit");
    (0..outcomes).collect()
}

/// What each person did, for what a caller would have sent with a search.
pub(super) struct RecentReplay<'a> {
    journal: &'a Journal,
    /// Places of the outcomes of known people, by person and time.
    by_client: Vec<u32>,
}

impl<'a> RecentReplay<'a> {
    pub(super) fn new(journal: &'a Journal) -> Self {
        let client = |place: &u32| {
            let outcome = &journal.outcomes[*place as usize];
            journal.search(outcome.search).client()
        };
        let mut by_client = places(journal);
        by_client.retain(|place| client(place).is_some());
        by_client.sort_by_key(|place| {
            let outcome = &journal.outcomes[*place as usize];
            let order = (outcome.timestamp, outcome.item, outcome.action);
            (client(place), order)
        });
        Self { journal, by_client }
    }

    /// The newest `most` events of who searched, from before the search, newest first.
    pub(super) fn before(&self, search: JournalSearch<'_>, most: usize) -> Vec<RecentEvent> {
        let Some(client) = search.client() else {
            return Vec::new();
        };
        let outcome = |place: &u32| &self.journal.outcomes[*place as usize];
        let client_of = |place: &u32| self.journal.search(outcome(place).search).client();
        let end = self.by_client.partition_point(|place| {
            let other = client_of(place);
            other < Some(client)
                || (other == Some(client) && outcome(place).timestamp < search.timestamp())
        });
        self.by_client[..end]
            .iter()
            .rev()
            .take_while(|&place| client_of(place) == Some(client))
            .map_while(|place| {
                let outcome = outcome(place);
                let seconds = (search.timestamp() - outcome.timestamp) / 1_000;
                let seconds_ago = u32::try_from(seconds).ok()?;
                (seconds_ago <= MAXIMUM_RECENT_SECONDS).then_some(RecentEvent {
                    item: outcome.item,
                    action: outcome.action,
                    seconds_ago,
                })
            })
            .take(most)
            .collect()
    }
}

/// Counts that grow as time goes on.
pub(super) struct BehaviourCounter {
    totals: GrowingTally,
    items: Vec<GrowingTally>,
    /// Places in `pairs`, by number of the query key and item.
    places: HashMap<(u32, ItemIndex), u32>,
    pairs: Vec<(u32, ItemIndex, GrowingTally)>,
}

impl BehaviourCounter {
    pub(super) fn new(products: usize) -> Self {
        Self {
            totals: GrowingTally::default(),
            items: vec![GrowingTally::default(); products],
            places: HashMap::new(),
            pairs: Vec::new(),
        }
    }

    /// Counts an event of a day, which is none before the last one.
    pub(super) fn add(&mut self, query_key: u32, item: ItemIndex, action: Action, day: i64) {
        self.totals.add(day, action);
        self.items[item.as_usize()].add(day, action);
        let next = self.pairs.len();
        let place = *self
            .places
            .entry((query_key, item))
            .or_insert_with(|| u32::try_from(next).expect("fewer than 2^32 pairs fit into memory"));
        if place as usize == next {
            self.pairs.push((query_key, item, GrowingTally::default()));
        }
        self.pairs[place as usize].2.add(day, action);
    }

    /// The table of all that was added, as of `day`; `snapshot` is only written on it.
    pub(super) fn freeze(&self, snapshot: i64, day: i64, query_keys: &[String]) -> BehaviourTable {
        self.freeze_bounded(snapshot, day, query_keys, MAXIMUM_PAIRS)
    }

    pub(super) fn freeze_bounded(
        &self,
        snapshot: i64,
        day: i64,
        query_keys: &[String],
        maximum_pairs: usize,
    ) -> BehaviourTable {
        let minimum = self.minimum_impressions(maximum_pairs);
        let mut by_key: HashMap<u32, Vec<(ItemIndex, Tally)>> = HashMap::new();
        for (key, item, tally) in &self.pairs {
            if tally.impressions() >= minimum {
                let list = by_key.entry(*key).or_default();
                list.push((*item, tally.as_of(day)));
            }
        }
        let pairs = by_key
            .into_iter()
            .map(|(key, mut list)| {
                list.sort_unstable_by_key(|pair| pair.0);
                (query_keys[key as usize].clone(), list)
            })
            .collect();
        let shown = |tally: &GrowingTally| (tally.impressions() > 0).then(|| tally.as_of(day));
        BehaviourTable::new(
            snapshot,
            self.totals.as_of(day),
            minimum,
            self.items.iter().map(shown),
            pairs,
        )
    }

    /// The bar of impressions, raised until the pairs fit.
    fn minimum_impressions(&self, maximum_pairs: usize) -> u32 {
        let impressions = self.pairs.iter().map(|pair| pair.2.impressions());
        let mut enough: Vec<u32> = impressions
            .filter(|impressions| *impressions >= MINIMUM_PAIR_IMPRESSIONS)
            .collect();
        if enough.len() <= maximum_pairs {
            return MINIMUM_PAIR_IMPRESSIONS;
        }
        let (_, first_too_many, _) =
            enough.select_nth_unstable_by(maximum_pairs, |left, right| right.cmp(left));
        first_too_many.saturating_add(1)
    }
}
