//! Visits to the demo shop: who comes when, searches for what, looks at what and buys it.

use crate::events::{Action, QueryAttributes, Search};
use crate::features::DAY_MILLISECONDS;
use crate::generate::Settings;
use crate::generate::drift::{Change, Launch, Today};
use crate::generate::queries::{Wishes, typed};
use crate::generate::random::{Stream, cumulative};
use crate::generate::relevance::{Taste, appeal, attraction, logistic};
use crate::generate::rows::{Day, Visit, milliseconds};
use crate::generate::search::ShopSearch;
use crate::generate::shoppers::{Segment, Shoppers};
use crate::generate::world::World;

/// Days of demo data.
pub(super) const DAYS: u32 = 30;
/// Midnight UTC of the first day, Monday 1 June 2026, in milliseconds since 1970-01-01.
const FIRST_DAY: i64 = 20_605 * DAY_MILLISECONDS;

/// Visits by hour of the day. None begins in the last hour, so that a day's visits end on it.
const HOURS: [f64; 23] = [
    1.2, 0.7, 0.4, 0.3, 0.3, 0.5, 1.0, 2.0, 3.0, 3.5, 4.0, 4.2, 4.5, 4.2, 3.8, 3.8, 4.0, 4.5, 5.5,
    6.5, 7.0, 6.0, 4.0,
];
/// Visits by day of the week, from Monday.
const WEEKDAYS: [f64; 7] = [1.0, 0.95, 0.95, 1.0, 1.05, 1.25, 1.3];
/// Most searches of one visit.
const MAXIMUM_SEARCHES: u32 = 6;
/// Probability that a visit goes on to another search.
const NEXT_SEARCH: f64 = 0.45;
/// How fast attention falls: a position is looked at with its reciprocal to this power.
const EXAMINATION_EXPONENT: f64 = 0.4;
/// Probability of opening by mistake what is looked at.
const MISTAKE: f64 = 0.004;
/// Share of visits by robots. They make many searches, so some 2 % of all rows are theirs.
const ROBOT_VISITS: f64 = 0.0015;
/// Searches of a robot's visit.
const ROBOT_SEARCHES: u32 = 20;
/// Probability that a robot opens an item, wherever it stands.
const ROBOT_CLICK: f64 = 0.06;

/// Everything that a visit needs and none changes, but the kept answers of the search.
pub(super) struct Shop {
    pub(super) seed: u64,
    pub(super) world: World,
    pub(super) wishes: Wishes,
    pub(super) search: ShopSearch,
    shoppers: Shoppers,
    drift: Vec<Change>,
    launch: Option<Launch>,
    hours: Vec<f64>,
}

/// One search of a visit.
struct Turn {
    number: u32,
    wish: usize,
    text: String,
    segment: Option<Segment>,
}

impl Shop {
    pub(super) fn new(settings: &Settings) -> Self {
        let seed = settings.seed;
        let world = World::new(seed, settings.products, &Today::last(&settings.drift));
        let wishes = Wishes::new(seed, &world);
        let search = ShopSearch::new(&world.catalogue);
        let launch = Launch::among(&settings.drift, seed, &wishes, &world);
        Self {
            seed,
            world,
            wishes,
            search,
            shoppers: Shoppers::new(seed, settings.users),
            drift: settings.drift.clone(),
            launch,
            hours: cumulative(HOURS),
        }
    }

    /// The visits of one day until they fill `rows` rows, searches and events together.
    pub(super) fn day(&mut self, day: u32, rows: u64) -> Day {
        let today = Today::of(day, &self.drift);
        let mut made = Day::default();
        let mut visit = 0_u64;
        let mut left = rows;
        while left > 0 {
            left -= self.visit(&today, visit, left, &mut made);
            visit += 1;
        }
        made.sort();
        made
    }

    /// One visit of at most `limit` rows; the number of its rows.
    fn visit(&mut self, today: &Today, number: u64, limit: u64, made: &mut Day) -> u64 {
        let visit_number = (u64::from(today.day) << 40) | number;
        let mut stream = Stream::new(self.seed, "visit", visit_number);
        let is_robot = stream.chance(ROBOT_VISITS);
        let user = self.shoppers.draw(&mut stream);
        let start = FIRST_DAY + i64::from(today.day) * DAY_MILLISECONDS;
        let hour = stream.weighted(&self.hours) as f64;
        let mut visit = Visit {
            client_id: Shoppers::name(user),
            session_id: format!("S{:02}-{number:06}", today.day + 1),
            now: start + milliseconds((hour + stream.uniform()) * 3600.0),
            end: start + DAY_MILLISECONDS - 1,
            left: limit,
            feed: Stream::new(self.seed, "feed", visit_number),
            lost: today.lost,
        };
        if is_robot {
            visit.client_id = self.shoppers.robot_name(&mut stream);
            self.robot(today, &mut visit, &mut stream, made);
        } else {
            let taste = Taste::of(self.seed, user);
            let segment = self.shoppers.segment(user);
            for number in 1..=MAXIMUM_SEARCHES {
                let wish = self.draw_wish(today, &mut stream);
                let turn = Turn {
                    number,
                    wish,
                    text: typed(&self.wishes.list[wish].text, &mut stream),
                    segment: Some(segment),
                };
                self.one_search(today, &turn, &taste, &mut visit, &mut stream, made);
                visit.wait(15.0, 120.0, &mut stream);
                if visit.left == 0 || !stream.chance(NEXT_SEARCH) {
                    break;
                }
            }
        }
        limit - visit.left
    }

    fn draw_wish(&self, today: &Today, stream: &mut Stream) -> usize {
        match &self.launch {
            Some(launch) => launch.draw(today.day, stream),
            None => stream.weighted(&self.wishes.cumulative),
        }
    }

    /// A robot searches for what shoppers search for, as most write it, and opens items without a look at them.
    fn robot(&mut self, today: &Today, visit: &mut Visit, stream: &mut Stream, made: &mut Day) {
        for number in 1..=ROBOT_SEARCHES {
            if visit.left == 0 {
                break;
            }
            let wish = self.draw_wish(today, stream);
            let turn = Turn {
                number,
                wish,
                text: self.wishes.list[wish].text.clone(),
                segment: None,
            };
            let (query_id, shown) = self.make_search(today, &turn, visit, stream, made);
            for (position, item) in (1_u32..).zip(shown) {
                if stream.chance(ROBOT_CLICK) {
                    visit.wait(0.2, 1.0, stream);
                    let id = &self.world.catalogue.products()[item].item_id;
                    visit.record(Action::Click, &query_id, id, position, made);
                }
            }
            visit.wait(0.5, 2.0, stream);
        }
    }

    /// Makes the row of a search; its id and the items that it shows.
    fn make_search(
        &mut self,
        today: &Today,
        turn: &Turn,
        visit: &mut Visit,
        stream: &mut Stream,
        made: &mut Day,
    ) -> (String, Vec<usize>) {
        let (launch, hidden) = (&self.launch, &self.world.hidden);
        let is_sold = |item: usize| {
            launch
                .as_ref()
                .is_none_or(|launch| launch.sells(hidden[item].leaf, today.day))
        };
        let shown = self.search.show(&turn.text, is_sold, stream);
        let products = self.world.catalogue.products();
        let query_id = format!("{}-{}", visit.session_id.replacen('S', "Q", 1), turn.number);
        let search = Search {
            query_id: query_id.clone(),
            client_id: visit.client_id.clone(),
            user_query: turn.text.clone(),
            query_attributes: QueryAttributes {
                intent: Some(self.wishes.list[turn.wish].intent.name().to_owned()),
                segment: turn.segment.map(|segment| segment.name().to_owned()),
                propensities: Vec::new(),
            },
            timestamp: visit.now,
            query_response_hit_ids: shown
                .iter()
                .map(|item| products[*item].item_id.clone())
                .collect(),
        };
        visit.record_search(search, made);
        (query_id, shown)
    }

    fn one_search(
        &mut self,
        today: &Today,
        turn: &Turn,
        taste: &Taste,
        visit: &mut Visit,
        stream: &mut Stream,
        made: &mut Day,
    ) {
        let (query_id, shown) = self.make_search(today, turn, visit, stream, made);
        let wish = &self.wishes.list[turn.wish];
        for (position, item) in (1_u32..).zip(shown) {
            let looked_at = libm::pow(f64::from(position), -EXAMINATION_EXPONENT);
            if !stream.chance(looked_at) {
                continue;
            }
            let hidden = &self.world.hidden[item];
            let appeal = appeal(self.seed, turn.wish, wish, item, &self.world, today);
            let attraction = attraction(appeal, taste, hidden, today);
            if !stream.chance(MISTAKE + (1.0 - MISTAKE) * attraction) {
                continue;
            }
            let id = &self.world.catalogue.products()[item].item_id;
            let mut record = |action: Action, stream: &mut Stream| {
                visit.wait(3.0, 45.0, stream);
                visit.record(action, &query_id, id, position, made);
            };
            record(Action::Click, stream);
            // Who opens a thing that suits is likelier to want it; others only look.
            let wanted = logistic(-1.6 + 0.5 * appeal + 0.4 * hidden.quality);
            if hidden.stock.has(today.day) && stream.chance(wanted) {
                record(Action::AddToCart, stream);
                if stream.chance(logistic(-0.4 + 0.3 * hidden.quality)) {
                    record(Action::Purchase, stream);
                }
            }
        }
    }
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
