//! Visits to the demo shop: who comes when, searches for what, looks at what and buys it.

use crate::events::{Action, Event, EventAttributes, EventObject, EventPosition, Search};
use crate::features::DAY_MILLISECONDS;
use crate::generate::queries::{Wishes, typed};
use crate::generate::random::{Stream, cumulative};
use crate::generate::relevance::{Taste, appeal, attraction, logistic};
use crate::generate::search::ShopSearch;
use crate::generate::world::World;

/// Days of demo data.
pub(super) const DAYS: u32 = 30;
/// Midnight UTC of the first day, Monday 1 June 2026, in milliseconds since 1970-01-01.
pub(super) const FIRST_DAY: i64 = 20_605 * DAY_MILLISECONDS;

/// Visits by hour of the day. None begins in the last hour, so that a day's visits end on it.
const HOURS: [f64; 23] = [
    1.2, 0.7, 0.4, 0.3, 0.3, 0.5, 1.0, 2.0, 3.0, 3.5, 4.0, 4.2, 4.5, 4.2, 3.8, 3.8, 4.0, 4.5, 5.5,
    6.5, 7.0, 6.0, 4.0,
];
/// Visits by day of the week, from Monday.
const WEEKDAYS: [f64; 7] = [1.0, 0.95, 0.95, 1.0, 1.05, 1.25, 1.3];
/// Share and activity of segments of shoppers: high, medium, low.
const SEGMENTS: [(f64, f64); 3] = [(0.1, 10.0), (0.3, 3.0), (0.6, 1.0)];
/// Most searches of one visit.
const MAXIMUM_SEARCHES: u32 = 6;
/// Probability that a visit goes on to another search.
const NEXT_SEARCH: f64 = 0.45;
/// How fast attention falls: a position is looked at with its reciprocal to this power.
const EXAMINATION_EXPONENT: f64 = 0.4;
/// Probability of opening by mistake what is looked at.
const MISTAKE: f64 = 0.004;

/// Everything that a visit needs and none changes, but the kept answers of the search.
pub(super) struct Shop {
    pub(super) seed: u64,
    pub(super) world: World,
    pub(super) wishes: Wishes,
    pub(super) search: ShopSearch,
    /// Running sums of the shoppers' activities.
    activities: Vec<f64>,
    hours: Vec<f64>,
}

/// The rows of one day in time order.
#[derive(Default)]
pub(super) struct Day {
    pub(super) searches: Vec<Search>,
    pub(super) events: Vec<Event>,
}

impl Shop {
    pub(super) fn new(seed: u64, products: u32, users: u32) -> Self {
        let world = World::new(seed, products);
        let wishes = Wishes::new(seed, &world);
        let search = ShopSearch::new(&world.catalogue);
        let segment_shares = cumulative(SEGMENTS.iter().map(|segment| segment.0));
        let activities = cumulative((0..users).map(|user| {
            let mut stream = Stream::new(seed, "activity", u64::from(user));
            SEGMENTS[stream.weighted(&segment_shares)].1
        }));
        Self {
            seed,
            world,
            wishes,
            search,
            activities,
            hours: cumulative(HOURS),
        }
    }

    /// The visits of one day until they fill `rows` rows, searches and events together.
    pub(super) fn day(&mut self, day: u32, rows: u64) -> Day {
        let mut made = Day::default();
        let mut visit = 0_u64;
        let mut left = rows;
        while left > 0 {
            left -= self.visit(day, visit, left, &mut made);
            visit += 1;
        }
        // Ids of one visit and of later visits sort by their making: equal times keep a fixed order.
        made.searches.sort_by_key(|search| search.timestamp);
        made.events.sort_by_key(|event| event.timestamp);
        made
    }

    /// One visit of at most `limit` rows; the number of its rows.
    fn visit(&mut self, day: u32, number: u64, limit: u64, made: &mut Day) -> u64 {
        let mut stream = Stream::new(self.seed, "visit", (u64::from(day) << 40) | number);
        let user = stream.weighted(&self.activities) as u64;
        let taste = Taste::of(self.seed, user);
        let start = FIRST_DAY + i64::from(day) * DAY_MILLISECONDS;
        let hour = stream.weighted(&self.hours) as f64;
        let mut visit = Visit {
            client_id: format!("U{:06}", user + 1),
            session_id: format!("S{:02}-{number:06}", day + 1),
            now: start + milliseconds((hour + stream.uniform()) * 3600.0),
            end: start + DAY_MILLISECONDS - 1,
            left: limit,
        };
        for turn in 1..=MAXIMUM_SEARCHES {
            self.one_search(turn, &taste, &mut visit, &mut stream, made);
            visit.wait(15.0, 120.0, &mut stream);
            if visit.left == 0 || !stream.chance(NEXT_SEARCH) {
                break;
            }
        }
        limit - visit.left
    }

    fn one_search(
        &mut self,
        turn: u32,
        taste: &Taste,
        visit: &mut Visit,
        stream: &mut Stream,
        made: &mut Day,
    ) {
        let wish_number = stream.weighted(&self.wishes.cumulative);
        let wish = &self.wishes.list[wish_number];
        let text = typed(&wish.text, stream);
        let shown = self.search.show(&text, stream);
        let ids = shown
            .iter()
            .map(|item| self.world.catalogue.product(*item).item_id.clone());
        let query_id = format!("{}-{turn}", visit.session_id.replacen('S', "Q", 1));
        made.searches.push(Search {
            query_id: query_id.clone(),
            client_id: visit.client_id.clone(),
            user_query: text,
            timestamp: visit.now,
            query_response_hit_ids: ids.collect(),
        });
        visit.left -= 1;
        for (position, item) in (1_u32..).zip(shown) {
            let looked_at = libm::pow(f64::from(position), -EXAMINATION_EXPONENT);
            if !stream.chance(looked_at) {
                continue;
            }
            let hidden = &self.world.hidden[item.as_usize()];
            let appeal = appeal(self.seed, wish_number, wish, item.as_usize(), &self.world);
            let attraction = attraction(appeal, taste, hidden);
            if !stream.chance(MISTAKE + (1.0 - MISTAKE) * attraction) {
                continue;
            }
            let id = &self.world.catalogue.product(item).item_id;
            let mut record = |action: Action, stream: &mut Stream| {
                visit.wait(3.0, 45.0, stream);
                if visit.left > 0 {
                    visit.left -= 1;
                    made.events
                        .push(visit.event(action, &query_id, id, position));
                }
            };
            record(Action::Click, stream);
            // Who opens a thing that suits is likelier to want it; others only look.
            let wanted = logistic(-1.6 + 0.5 * appeal + 0.4 * hidden.quality);
            if hidden.in_stock && stream.chance(wanted) {
                record(Action::AddToCart, stream);
                if stream.chance(logistic(-0.4 + 0.3 * hidden.quality)) {
                    record(Action::Purchase, stream);
                }
            }
        }
    }
}

/// Where a visit is.
struct Visit {
    client_id: String,
    session_id: String,
    now: i64,
    end: i64,
    /// Rows that it may still make.
    left: u64,
}

impl Visit {
    fn wait(&mut self, low_seconds: f64, high_seconds: f64, stream: &mut Stream) {
        self.now =
            (self.now + milliseconds(stream.between(low_seconds, high_seconds))).min(self.end);
    }

    fn event(&self, action_name: Action, query_id: &str, item_id: &str, position: u32) -> Event {
        Event {
            action_name,
            query_id: query_id.to_owned(),
            client_id: self.client_id.clone(),
            session_id: self.session_id.clone(),
            timestamp: self.now,
            event_attributes: EventAttributes {
                object: EventObject {
                    object_id: item_id.to_owned(),
                },
                position: Some(EventPosition { ordinal: position }),
            },
        }
    }
}

fn milliseconds(seconds: f64) -> i64 {
    #[allow(clippy::cast_possible_truncation)]
    let whole = (seconds * 1000.0) as i64;
    whole
}

/// The number of rows of each day: the week's rhythm, and exactly `events` in all.
pub(super) fn rows_by_day(events: u64) -> Vec<u64> {
    let weight =
        |day: u32| WEEKDAYS[day as usize % WEEKDAYS.len()] * (1.0 + 0.004 * f64::from(day));
    let sums = cumulative((0..DAYS).map(weight));
    let total = sums[sums.len() - 1];
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let until = |sum: f64| libm::floor(events as f64 * (sum / total) + 0.5) as u64;
    let ends: Vec<u64> = sums.iter().map(|sum| until(*sum)).collect();
    (0..ends.len())
        .map(|day| ends[day] - if day == 0 { 0 } else { ends[day - 1] })
        .collect()
}
