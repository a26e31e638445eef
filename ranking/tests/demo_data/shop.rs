//! What is in demo data: a shop that could be real.

use std::collections::{BTreeMap, HashMap, HashSet};

use searchop_ranking::events::{Action, Event, Search};
use searchop_ranking::features::DAY_MILLISECONDS;

use crate::SHOP;

/// The slope of the least-squares line through points.
fn slope(points: &[(f64, f64)]) -> f64 {
    let count = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let covariance: f64 = points
        .iter()
        .map(|point| (point.0 - x) * (point.1 - y))
        .sum();
    covariance
        / points
            .iter()
            .map(|point| (point.0 - x) * (point.0 - x))
            .sum::<f64>()
}

#[test]
fn every_row_counts_and_rows_are_in_time_order_over_thirty_days() {
    let shop = &*SHOP;
    assert_eq!(shop.counts.queries, shop.searches.len() as u64);
    assert_eq!(
        shop.counts.events,
        (shop.searches.len() + shop.events.len()) as u64
    );
    assert_eq!(shop.counts.events, 40_000);
    assert_eq!(shop.counts.judgements, shop.judgements.len() as u64);
    assert!(shop.searches.is_sorted_by_key(|search| search.timestamp));
    assert!(shop.events.is_sorted_by_key(|event| event.timestamp));
    let days: HashSet<i64> = shop
        .searches
        .iter()
        .map(|search| search.timestamp / DAY_MILLISECONDS)
        .collect();
    assert_eq!(days.len(), 30);
    let ids: HashSet<&str> = shop
        .searches
        .iter()
        .map(|search| search.query_id.as_str())
        .collect();
    let repeated = shop.searches.len() - ids.len();
    assert!(repeated < shop.searches.len() / 50, "{repeated} repeats");
}

#[test]
fn every_event_follows_its_search_and_is_of_an_item_at_its_position() {
    let shop = &*SHOP;
    let searches: HashMap<&str, &Search> = shop
        .searches
        .iter()
        .map(|search| (search.query_id.as_str(), search))
        .collect();
    for event in &shop.events {
        let search = searches[event.query_id.as_str()];
        let position = event
            .event_attributes
            .position
            .expect("always written")
            .ordinal as usize;
        assert_eq!(search.query_response_hit_ids[position - 1], event.item_id());
        assert_eq!(search.client_id, event.client_id);
        assert!(event.timestamp >= search.timestamp);
        assert!(shop.catalogue.find(event.item_id()).is_some());
    }
}

#[test]
fn query_frequencies_follow_a_power_law() {
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for search in &SHOP.searches {
        *counts.entry(&search.user_query).or_default() += 1;
    }
    let mut sorted: Vec<u32> = counts.into_values().collect();
    sorted.sort_unstable_by(|left, right| right.cmp(left));
    let points: Vec<(f64, f64)> = (10..200)
        .map(|rank| {
            (
                f64::from(rank).ln(),
                f64::from(sorted[rank as usize - 1]).ln(),
            )
        })
        .collect();
    let slope = slope(&points);
    assert!((-1.5..=-1.1).contains(&slope), "slope {slope}");
    let share = f64::from(sorted[0]) / f64::from(sorted.iter().sum::<u32>());
    assert!(
        (0.01..0.15).contains(&share),
        "the commonest text is {share} of all"
    );
}

#[test]
fn attention_falls_with_the_position() {
    let shop = &*SHOP;
    let mut clicks = [0_u32; 16];
    for event in shop
        .events
        .iter()
        .filter(|event| event.action_name == Action::Click)
    {
        clicks[event
            .event_attributes
            .position
            .expect("always written")
            .ordinal as usize
            - 1] += 1;
    }
    let shown = |position: usize| {
        shop.searches
            .iter()
            .filter(|search| search.query_response_hit_ids.len() > position)
            .count() as f64
    };
    let rates: Vec<f64> = (0..16)
        .map(|position| f64::from(clicks[position]) / shown(position))
        .collect();
    let quarters: Vec<f64> = rates
        .chunks(4)
        .map(|quarter| quarter.iter().sum::<f64>() / 4.0)
        .collect();
    assert!(
        quarters.is_sorted_by(|left, right| left > right),
        "click rates {quarters:?}"
    );
    assert!(
        rates[0] > 2.0 * rates[15] && rates[0] < 0.4,
        "click rates {rates:?}"
    );
}

#[test]
fn carts_and_purchases_are_a_funnel() {
    let shop = &*SHOP;
    let count = |action: Action| {
        shop.events
            .iter()
            .filter(|event| event.action_name == action)
            .count() as f64
    };
    let searches = shop.searches.len() as f64;
    let (clicks, carts, purchases) = (
        count(Action::Click),
        count(Action::AddToCart),
        count(Action::Purchase),
    );
    assert!(
        (0.2..0.8).contains(&(clicks / searches)),
        "{clicks} clicks after {searches} searches"
    );
    assert!(
        (0.03..0.25).contains(&(carts / clicks)),
        "{carts} carts after {clicks} clicks"
    );
    assert!(
        (0.2..0.8).contains(&(purchases / carts)),
        "{purchases} purchases after {carts} carts"
    );
}

#[test]
fn clicks_follow_the_hidden_truth_with_noise() {
    let shop = &*SHOP;
    let grades: HashMap<(&str, &str), u32> = shop
        .judgements
        .iter()
        .map(|judgement| {
            (
                (judgement.query.as_str(), judgement.item_id.as_str()),
                judgement.grade,
            )
        })
        .collect();
    let mut clicked: HashSet<(&str, &str)> = HashSet::new();
    for event in shop
        .events
        .iter()
        .filter(|event| event.action_name == Action::Click)
    {
        clicked.insert((&event.query_id, event.item_id()));
    }
    let mut by_grade = [(0_u32, 0_u32); 4];
    for search in &shop.searches {
        for item in &search.query_response_hit_ids {
            if let Some(grade) = grades.get(&(search.user_query.as_str(), item.as_str())) {
                let (shown, clicks) = &mut by_grade[*grade as usize];
                *shown += 1;
                *clicks += u32::from(clicked.contains(&(search.query_id.as_str(), item.as_str())));
            }
        }
    }
    let rates = by_grade.map(|(shown, clicks)| f64::from(clicks) / f64::from(shown));
    assert!(
        rates.is_sorted_by(|left, right| left < right),
        "click rates by grade {rates:?}"
    );
    assert!(
        rates[0] > 0.002,
        "nothing useless is ever clicked: {rates:?}"
    );
    assert!(
        rates[3] < 0.5,
        "the best is nearly always clicked: {rates:?}"
    );
}

#[test]
fn prices_are_log_normal_within_a_category_and_data_has_holes() {
    let shop = &*SHOP;
    let mut deviations = Vec::new();
    let mut by_category: BTreeMap<&[String], Vec<f64>> = BTreeMap::new();
    for product in shop.catalogue.products() {
        if let Some(price) = product.price {
            by_category
                .entry(&product.category)
                .or_default()
                .push(price.ln());
        }
    }
    assert!(by_category.len() >= 25);
    for logs in by_category.values() {
        let mean = logs.iter().sum::<f64>() / logs.len() as f64;
        deviations.extend(logs.iter().map(|log| log - mean));
    }
    let count = deviations.len() as f64;
    let moment = |power: i32| {
        deviations
            .iter()
            .map(|deviation| deviation.powi(power))
            .sum::<f64>()
            / count
    };
    let skewness = moment(3) / moment(2).powf(1.5);
    assert!(skewness.abs() < 0.3, "skewness of the logarithm {skewness}");
    let share = |has: fn(&searchop_ranking::catalogue::Product) -> bool| {
        shop.catalogue
            .products()
            .iter()
            .filter(|product| has(product))
            .count() as f64
            / shop.catalogue.len() as f64
    };
    assert!((0.88..0.98).contains(&share(|product| product.in_stock == Some(true))));
    assert!((0.9..0.995).contains(&share(|product| product.description.is_some())));
    assert!((0.9..0.995).contains(&share(|product| product.popularity.is_some())));
}

#[test]
fn some_shoppers_come_often_and_some_queries_are_misspelt() {
    let shop = &*SHOP;
    let mut visits: HashMap<&str, u32> = HashMap::new();
    for search in &shop.searches {
        *visits.entry(&search.client_id).or_default() += 1;
    }
    let mut counts: Vec<u32> = visits.values().copied().collect();
    counts.sort_unstable_by(|left, right| right.cmp(left));
    let tenth: u32 = counts.iter().take(100).sum();
    let share = f64::from(tenth) / shop.searches.len() as f64;
    assert!(
        (0.3..0.6).contains(&share),
        "the most active tenth makes {share} of the searches"
    );
    let known: HashSet<&str> = shop
        .judgements
        .iter()
        .map(|judgement| judgement.query.as_str())
        .collect();
    let varied = shop
        .searches
        .iter()
        .filter(|search| !known.contains(search.user_query.as_str()))
        .count();
    let share = varied as f64 / shop.searches.len() as f64;
    assert!(
        (0.1..0.3).contains(&share),
        "{share} of the searches are not spelt as most are"
    );
}

/// Robots are named after the last shopper.
fn is_robot(client_id: &str) -> bool {
    let number: u64 = client_id[1..].parse().expect("a number");
    number > SHOP.counts.users
}

fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole as f64
}

#[test]
fn a_few_rows_come_twice_and_a_few_are_of_robots_that_never_buy() {
    let shop = &*SHOP;
    let twice = |rows: &[(&str, Option<Action>, &str)]| {
        rows.len() - rows.iter().collect::<HashSet<_>>().len()
    };
    let searches: Vec<_> = shop
        .searches
        .iter()
        .map(|search| (search.query_id.as_str(), None, ""))
        .collect();
    let events: Vec<_> = shop
        .events
        .iter()
        .map(|event| {
            (
                event.query_id.as_str(),
                Some(event.action_name),
                event.item_id(),
            )
        })
        .collect();
    for rows in [&searches, &events] {
        let share = share(twice(rows), rows.len());
        assert!(
            (0.002..0.01).contains(&share),
            "{share} of the rows come twice"
        );
    }
    let clients = shop.searches.iter().map(|search| &search.client_id);
    let of_events = shop.events.iter().map(|event| &event.client_id);
    let of_robots = clients.chain(of_events).filter(|id| is_robot(id)).count();
    let share = share(of_robots, searches.len() + events.len());
    assert!(
        (0.005..0.04).contains(&share),
        "{share} of the rows are of robots"
    );
    let bought = |event: &&Event| event.action_name != Action::Click && is_robot(&event.client_id);
    assert_eq!(shop.events.iter().find(bought), None);
}

#[test]
fn searches_say_what_they_are_for_and_how_active_the_shopper_is() {
    let shop = &*SHOP;
    let counts = |name: fn(&Search) -> Option<&str>| {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for search in shop
            .searches
            .iter()
            .filter(|search| !is_robot(&search.client_id))
        {
            *counts.entry(name(search).expect("named")).or_default() += 1;
        }
        let all: usize = counts.values().sum();
        counts
            .into_iter()
            .map(|(name, count)| (name, share(count, all)))
            .collect::<Vec<_>>()
    };
    let intents = counts(|search| search.query_attributes.intent.as_deref());
    let names: Vec<&str> = intents.iter().map(|(name, _)| *name).collect();
    assert_eq!(
        names,
        ["attribute", "brand", "category", "price", "product"]
    );
    assert!(
        intents.iter().all(|(_, share)| *share > 0.01),
        "{intents:?}"
    );
    let segments = counts(|search| search.query_attributes.segment.as_deref());
    for ((name, share), (expected, about)) in
        segments
            .iter()
            .zip([("high", 0.4), ("low", 0.24), ("medium", 0.36)])
    {
        assert_eq!(*name, expected);
        assert!((share - about).abs() < 0.06, "{segments:?}");
    }
    let robots = shop
        .searches
        .iter()
        .filter(|search| is_robot(&search.client_id));
    assert!(robots.clone().count() > 0);
    assert!(
        robots
            .clone()
            .all(|search| search.query_attributes.segment.is_none())
    );
}

#[test]
fn evenings_and_weekends_are_busy() {
    let mut hours = [0_usize; 24];
    let mut days = [0_usize; 7];
    for search in &SHOP.searches {
        let hour = search.timestamp / (DAY_MILLISECONDS / 24);
        hours[usize::try_from(hour % 24).expect("an hour")] += 1;
        // 1 January 1970 was a Thursday.
        let day = search.timestamp / DAY_MILLISECONDS + 3;
        // Four of each weekday: the last two days are a fifth Monday and Tuesday.
        if search.timestamp / DAY_MILLISECONDS < 20_605 + 28 {
            days[usize::try_from(day % 7).expect("a day")] += 1;
        }
    }
    assert!(hours[20] > 10 * hours[3], "{hours:?}");
    assert!(
        days[5] > days[1] + days[1] / 10 && days[6] > days[1] + days[1] / 10,
        "{days:?}"
    );
}
