//! Demo data: the same bytes for a seed, and a shop that could be real.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::LazyLock;

use searchop_ranking::catalogue::Catalogue;
use searchop_ranking::events::{
    Action, Event, Judgement, Search, read_events, read_judgements, read_searches,
};
use searchop_ranking::features::DAY_MILLISECONDS;
use searchop_ranking::generate::{Counts, Outputs, Settings, write_dataset};
use sha2::{Digest as _, Sha256};

#[derive(Default)]
struct Files {
    catalogue: Vec<u8>,
    queries: Vec<u8>,
    events: Vec<u8>,
    judgements: Vec<u8>,
}

fn make(settings: Settings) -> (Files, Counts) {
    let mut files = Files::default();
    let mut outputs = Outputs {
        catalogue: &mut files.catalogue,
        queries: &mut files.queries,
        events: &mut files.events,
        judgements: &mut files.judgements,
    };
    let mut shares = Vec::new();
    let counts =
        write_dataset(&settings, &mut outputs, &mut |share| shares.push(share)).expect("made");
    assert!(
        shares.is_sorted() && shares.last() == Some(&1.0),
        "progress: {shares:?}"
    );
    (files, counts)
}

fn small(seed: u64) -> Settings {
    Settings {
        seed,
        products: 100,
        users: 50,
        events: 1_000,
    }
}

fn digest(files: &Files) -> String {
    let mut hasher = Sha256::new();
    for file in [
        &files.catalogue,
        &files.queries,
        &files.events,
        &files.judgements,
    ] {
        hasher.update(file);
    }
    hex::encode(hasher.finalize())
}

struct Shop {
    catalogue: Catalogue,
    searches: Vec<Search>,
    events: Vec<Event>,
    judgements: Vec<Judgement>,
    counts: Counts,
}

/// The shop of most tests, made once.
static SHOP: LazyLock<Shop> = LazyLock::new(|| {
    let (files, counts) = make(Settings {
        seed: 7,
        products: 1_000,
        users: 1_000,
        events: 40_000,
    });
    Shop {
        catalogue: Catalogue::read(files.catalogue.as_slice()).expect("read"),
        searches: read_searches(files.queries.as_slice()).expect("read"),
        events: read_events(files.events.as_slice()).expect("read"),
        judgements: read_judgements(files.judgements.as_slice()).expect("read"),
        counts,
    }
});

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
fn a_seed_means_the_same_bytes_on_every_machine_and_in_every_release() {
    let (files, _) = make(small(42));
    assert_eq!(
        digest(&files),
        "70508ff6a51985f945932054787296b65bbbd8d013f8da7aaeda2d3eb0c24d35",
        "the demo data changed"
    );
    assert_eq!(digest(&files), digest(&make(small(42)).0));
    assert_ne!(digest(&files), digest(&make(small(43)).0));
}

#[test]
fn more_events_change_no_product_and_no_judgement() {
    let (less, _) = make(small(42));
    let (more, _) = make(Settings {
        events: 3_000,
        ..small(42)
    });
    assert_eq!(less.catalogue, more.catalogue);
    assert_eq!(less.judgements, more.judgements);
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    for (settings, expected) in [
        (
            Settings {
                products: 19,
                ..small(1)
            },
            "products: 19 is not between 20 and 1000000",
        ),
        (
            Settings {
                users: 0,
                ..small(1)
            },
            "users: 0 is not between 1 and 10000000",
        ),
        (
            Settings {
                events: 99,
                ..small(1)
            },
            "events: 99 is not between 100 and 1000000000",
        ),
    ] {
        assert_eq!(settings.check().expect_err("refused").to_string(), expected);
    }
}

#[test]
fn the_smallest_settings_make_data() {
    let (_, counts) = make(Settings {
        seed: 0,
        products: 20,
        users: 1,
        events: 100,
    });
    assert_eq!((counts.products, counts.events), (20, 100));
}

#[test]
fn a_full_disk_is_reported_with_the_file() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut outputs = Outputs {
        catalogue: &mut std::io::sink(),
        queries: &mut Full,
        events: &mut std::io::sink(),
        judgements: &mut std::io::sink(),
    };
    let error = write_dataset(&small(1), &mut outputs, &mut |_| ())
        .expect_err("refused")
        .to_string();
    assert_eq!(error, "queries.jsonl: line 1: no storage space");
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
    assert_eq!(ids.len(), shop.searches.len());
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
