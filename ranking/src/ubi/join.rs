//! Joins the rows of a log: one search for each query id, its events after it, all dirt treated.

use std::collections::{HashMap, HashSet};

use crate::events::{
    Action, Event, EventAttributes, EventObject, EventPosition, QueryAttributes, Search,
};

use super::dirt::{Dirt, DirtCounts};
use super::log::UbiLog;
use super::numbered::{EventRow, List, SearchRow};

/// The searches and events of a log, clean: what features read. Names are kept once and rows are
/// numbers, so that logs of millions of rows fit into memory.
#[derive(Debug)]
pub struct CleanLog {
    pub(crate) searches: Vec<SearchRow>,
    /// The items that searches showed.
    pub(crate) shown: Vec<u32>,
    /// By where the list of its search begins: one that impressions made longer begins elsewhere, and was
    /// not put in its order by these.
    propensities: HashMap<usize, Box<[f64]>>,
    /// Those of one search stand together, in time order.
    pub(crate) events: Vec<EventRow>,
    pub(crate) query_ids: Vec<Box<str>>,
    pub(crate) items: Vec<Box<str>>,
    pub(crate) people: Vec<Box<str>>,
    pub(crate) texts: Vec<Box<str>>,
    slices: Vec<Box<str>>,
    /// What was found and what was done with it.
    pub dirt: DirtCounts,
}

impl CleanLog {
    pub(super) fn new(log: UbiLog, maximum_clock_skew: i64) -> Self {
        let mut join = Join {
            dirt: log.dirt,
            maximum_clock_skew,
            shown: log.shown,
            propensities: log.propensities,
            kept: Vec::new(),
        };
        let mut searches = join.merge_searches(log.searches);
        let places: HashMap<u32, usize> = searches
            .iter()
            .enumerate()
            .map(|(place, search)| (search.query_id, place))
            .collect();
        join.count_unrecorded(&places, &log.events, &log.unused_events);

        let mut rows = log.events;
        // Stable: impressions without a position stay in the order of the log.
        rows.sort_by_key(|row| (row.query_id, row.timestamp));
        // What is kept of a query id moves up into the place of what is not: there may be many rows.
        let (mut start, mut kept) = (0, 0);
        while let Some(first) = rows.get(start) {
            let query_id = first.query_id;
            let of_query = rows[start..].partition_point(|row| row.query_id == query_id);
            let search = places.get(&query_id).map(|place| &mut searches[*place]);
            join.add_events(search, &rows[start..start + of_query]);
            rows[kept..kept + join.kept.len()].copy_from_slice(&join.kept);
            kept += join.kept.len();
            start += of_query;
        }
        rows.truncate(kept);
        join.dirt.searches = searches.len() as u64;
        join.dirt.events = rows.len() as u64;

        Self {
            searches,
            shown: join.shown,
            propensities: join.propensities,
            events: rows,
            query_ids: log.query_ids.into_list(),
            items: log.items.into_list(),
            people: log.people.into_list(),
            texts: log.texts.into_list(),
            slices: log.slices.into_list(),
            dirt: join.dirt,
        }
    }

    /// The searches, in time order; equal times in the order in which the log first names them.
    pub fn searches(&self) -> impl ExactSizeIterator<Item = Search> + '_ {
        let slice = |number: Option<u32>| Some(self.slices[number? as usize].to_string());
        self.searches.iter().map(move |row| Search {
            query_id: self.query_ids[row.query_id as usize].to_string(),
            client_id: self.people[row.client as usize].to_string(),
            user_query: self.texts[row.text as usize].to_string(),
            query_attributes: QueryAttributes {
                intent: slice(row.slices[0]),
                segment: slice(row.slices[1]),
                propensities: self.propensities_of(row).to_vec(),
            },
            timestamp: row.timestamp,
            query_response_hit_ids: self.shown[row.list.range()]
                .iter()
                .map(|item| self.items[*item as usize].to_string())
                .collect(),
        })
    }

    /// The id of each search with its intent and segment, in the order of searches.
    pub fn slices(&self) -> impl Iterator<Item = (&str, [Option<&str>; 2])> {
        self.searches.iter().map(|row| {
            let names = row
                .slices
                .map(|number| Some(&*self.slices[number? as usize]));
            (&*self.query_ids[row.query_id as usize], names)
        })
    }

    /// The id of each search whose propensities are known, with one for each item of its list.
    pub fn propensities(&self) -> impl Iterator<Item = (&str, &[f64])> {
        let all = self.searches.iter().map(|row| {
            let query_id = &*self.query_ids[row.query_id as usize];
            (query_id, self.propensities_of(row))
        });
        all.filter(|(_, propensities)| !propensities.is_empty())
    }

    fn propensities_of(&self, row: &SearchRow) -> &[f64] {
        self.propensities
            .get(&row.list.first())
            .filter(|propensities| propensities.len() == row.list.range().len())
            .map_or(&[], |propensities| propensities)
    }

    /// The events. Each has a search, and an item that its search showed.
    pub fn events(&self) -> impl ExactSizeIterator<Item = Event> + '_ {
        self.events.iter().map(|row| Event {
            action_name: row.action,
            query_id: self.query_ids[row.query_id as usize].to_string(),
            client_id: self.people[row.client as usize].to_string(),
            session_id: self.people[row.session as usize].to_string(),
            timestamp: row.timestamp,
            event_attributes: EventAttributes {
                object: EventObject {
                    object_id: self.items[row.item as usize].to_string(),
                },
                position: row.position.map(|ordinal| EventPosition { ordinal }),
            },
        })
    }
}

/// What the join makes.
struct Join {
    dirt: DirtCounts,
    maximum_clock_skew: i64,
    /// The items that searches showed.
    shown: Vec<u32>,
    propensities: HashMap<usize, Box<[f64]>>,
    /// The events of one query id.
    kept: Vec<EventRow>,
}

impl Join {
    /// One row for each query id, in time order.
    fn merge_searches(&mut self, mut rows: Vec<SearchRow>) -> Vec<SearchRow> {
        rows.sort_by_key(|row| (row.query_id, row.timestamp));
        let mut has_several_texts = false;
        // In place: there may be many rows.
        rows.dedup_by(|row, search| {
            if search.query_id != row.query_id {
                has_several_texts = false;
                return false;
            }
            self.dirt.in_search(Dirt::RepeatedSearch);
            self.dirt.leave_out(Dirt::RepeatedSearch);
            if search.text != row.text && !has_several_texts {
                has_several_texts = true;
                self.dirt.in_search(Dirt::SearchOfSeveralTexts);
            }
            for (known, more) in search.slices.iter_mut().zip(row.slices) {
                *known = known.or(more);
            }
            if !search.list.is_empty() && !row.list.is_empty() {
                // Which of the two what follows is about is not known.
                self.propensities.remove(&search.list.first());
            }
            if search.list.is_empty() && !row.list.is_empty() {
                search.list = row.list;
                search.text = row.text;
            }
            true
        });
        rows.sort_by_key(|search| search.timestamp);
        rows
    }

    fn count_unrecorded(
        &mut self,
        recorded: &HashMap<u32, usize>,
        events: &[EventRow],
        unused: &HashMap<u32, u64>,
    ) {
        let mut ids = HashSet::new();
        let named = events.iter().map(|event| (event.query_id, 1));
        for (query_id, times) in named.chain(unused.iter().map(|(id, times)| (*id, *times))) {
            if !recorded.contains_key(&query_id) {
                self.dirt.in_events(Dirt::EventOfUnrecordedSearch, times);
                ids.insert(query_id);
            }
        }
        self.dirt
            .in_events(Dirt::UnrecordedSearch, ids.len() as u64);
    }

    /// Keeps what can be used of the events of one query id, which come in time order.
    fn add_events(&mut self, search: Option<&mut SearchRow>, rows: &[EventRow]) {
        self.kept.clear();
        let impressions: HashSet<u32> = rows
            .iter()
            .filter(|row| row.action == Action::Impression)
            .map(|row| row.item)
            .collect();
        let without_impression = |row: &EventRow| {
            let kind = match row.action {
                Action::Impression => return None,
                Action::Click => Dirt::ClickWithoutImpression,
                Action::AddToCart => Dirt::CartWithoutImpression,
                Action::Purchase => Dirt::PurchaseWithoutImpression,
            };
            (!impressions.contains(&row.item)).then_some(kind)
        };
        for kind in rows.iter().filter_map(without_impression) {
            self.dirt.in_event(kind);
        }
        let Some(search) = search else {
            for _ in rows {
                self.dirt.leave_out(Dirt::EventOfUnrecordedSearch);
            }
            return;
        };
        let first_position = u32::from(rows.iter().any(|row| row.position == Some(0)));
        if first_position == 1 {
            self.dirt.in_search(Dirt::PositionsFromZero);
        }
        let listed: HashSet<u32> = self.shown[search.list.range()].iter().copied().collect();
        let is_too_early =
            |row: &EventRow| search.timestamp - row.timestamp > self.maximum_clock_skew;
        let seen = rows
            .iter()
            .filter(|row| row.action == Action::Impression && !is_too_early(row));
        let shown: HashSet<u32> = seen
            .map(|row| row.item)
            .chain(listed.iter().copied())
            .collect();
        let mut appended = Vec::new();
        let mut done = HashSet::new();
        for row in rows {
            let mut row = *row;
            if row.text.is_some_and(|text| text != search.text) {
                self.dirt.in_event(Dirt::EventOfOtherText);
            }
            let early = search.timestamp - row.timestamp;
            if early > self.maximum_clock_skew {
                self.dirt.in_event(Dirt::EventBeforeSearch);
                self.dirt.leave_out(Dirt::EventBeforeSearch);
                continue;
            }
            if early > 0 {
                self.dirt.in_event(Dirt::ClockSkew);
                row.timestamp = search.timestamp;
            }
            if !done.insert((row.action, row.item)) {
                self.dirt.in_event(Dirt::RepeatedAction);
                self.dirt.leave_out(Dirt::RepeatedAction);
                continue;
            }
            if !shown.contains(&row.item) {
                // Its impression, if there is one, is from long before the search.
                let kind = without_impression(&row).unwrap_or(Dirt::EventBeforeSearch);
                self.dirt.leave_out(kind);
                continue;
            }
            if row.action == Action::Impression && !listed.is_empty() && !listed.contains(&row.item)
            {
                self.dirt.in_event(Dirt::ImpressionOutsideList);
                appended.push((row.position, row.item));
            }
            row.position = row.position.map(|position| position + first_position);
            self.kept.push(row);
        }
        if !appended.is_empty() {
            appended.sort_by_key(|(position, _)| position.unwrap_or(u32::MAX));
            let first = self.shown.len();
            self.shown.extend_from_within(search.list.range());
            self.shown
                .extend(appended.into_iter().map(|(_, item)| item));
            search.list = List::since(first, &self.shown);
        }
    }
}
