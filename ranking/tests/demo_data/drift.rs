//! Drift: each change does what it says from its day on, and nothing before.

use std::collections::{BTreeMap, HashSet};

use searchop_ranking::events::{Action, Event, Search};
use searchop_ranking::features::DAY_MILLISECONDS;
use searchop_ranking::generate::{Change, Settings};

use crate::{SHOP, Shop, digest, make, small, usual};

/// Midnight before the 16th day.
const CHANGED: i64 = (20_605 + 15) * DAY_MILLISECONDS;

fn drifted(change: &str) -> Shop {
    Shop::new(&Settings {
        drift: vec![change.parse().expect("a change")],
        ..usual()
    })
}

fn searches(shop: &Shop, is_after: bool) -> Vec<&Search> {
    let is_asked_for = |search: &&Search| (search.timestamp >= CHANGED) == is_after;
    shop.searches.iter().filter(is_asked_for).collect()
}

fn events(shop: &Shop, is_after: bool) -> Vec<&Event> {
    let is_asked_for = |event: &&Event| (event.timestamp >= CHANGED) == is_after;
    shop.events.iter().filter(is_asked_for).collect()
}

fn assert_the_same_before(shop: &Shop) {
    assert_eq!(searches(shop, false), searches(&SHOP, false));
    assert_eq!(events(shop, false), events(&SHOP, false));
    assert_ne!(events(shop, true), events(&SHOP, true));
}

fn clicks<'a>(events: &'a [&'a Event]) -> impl Iterator<Item = &'a &'a Event> {
    let is_click = |event: &&&Event| event.action_name == Action::Click;
    events.iter().filter(is_click)
}

#[test]
fn a_change_is_written_as_it_is_read_and_mistakes_are_named() {
    for text in [
        "NewCategory:2:1",
        "PriceShift:30:100",
        "TasteShift:7:20",
        "BrokenFeed:16:5",
    ] {
        assert_eq!(text.parse::<Change>().expect("a change").to_string(), text);
    }
    for (text, expected) in [
        (
            "PriceShift:20",
            r#"drift "PriceShift:20" is not KIND:DAY:PERCENT, such as PriceShift:20:30"#,
        ),
        (
            "PriceShift:20:-3",
            r#"drift "PriceShift:20:-3" is not KIND"#,
        ),
        (
            "Flood:20:30",
            r#"drift "Flood:20:30" is of none of the kinds NewCategory, "#,
        ),
    ] {
        let error = text.parse::<Change>().expect_err("refused").to_string();
        assert!(error.starts_with(expected), "{error}");
    }
    for (changes, expected) in [
        (
            &["PriceShift:1:30"][..],
            "drift PriceShift:1:30: the day is not between 2 and 30",
        ),
        (
            &["PriceShift:31:30"],
            "drift PriceShift:31:30: the day is not between 2 and 30",
        ),
        (
            &["PriceShift:3:0"],
            "drift PriceShift:3:0: the percent is not between 1 and 100",
        ),
        (
            &["TasteShift:3:101"],
            "drift TasteShift:3:101: the percent is not between 1 and 100",
        ),
        (
            &["TasteShift:3:1", "PriceShift:9:1", "TasteShift:5:2"],
            "drift TasteShift:5:2: there is an earlier change of this kind",
        ),
    ] {
        let settings = Settings {
            drift: changes
                .iter()
                .map(|text| text.parse().expect("a change"))
                .collect(),
            ..small(1)
        };
        assert_eq!(settings.check().expect_err("refused").to_string(), expected);
    }
}

#[test]
fn all_changes_at_once_are_the_same_bytes_again() {
    let settings = Settings {
        drift: [
            "NewCategory:10:20",
            "PriceShift:12:30",
            "TasteShift:14:50",
            "BrokenFeed:20:10",
        ]
        .map(|text| text.parse().expect("a change"))
        .to_vec(),
        ..small(42)
    };
    let first = digest(&make(&settings).0);
    assert_eq!(first, digest(&make(&settings).0));
    assert_ne!(first, digest(&make(&small(42)).0));
}

#[test]
fn a_new_category_is_neither_shown_nor_asked_for_before_its_day() {
    let shop = drifted("NewCategory:16:30");
    let category_of = |id: &String| {
        let item = shop.catalogue.find(id).expect("of the catalogue");
        shop.catalogue.product(item).category.as_slice()
    };
    let shown = |is_after: bool| {
        let mut shown = HashSet::new();
        for search in searches(&shop, is_after) {
            shown.extend(search.query_response_hit_ids.iter().map(category_of));
        }
        shown
    };
    let (before, after) = (shown(false), shown(true));
    let new: Vec<&&[String]> = after.difference(&before).collect();
    let [new] = new[..] else {
        panic!("new categories {new:?}");
    };
    let is_for_it = |search: &&&Search| {
        let list = &search.query_response_hit_ids;
        2 * list.iter().filter(|id| category_of(id) == *new).count() > list.len()
    };
    let after = searches(&shop, true);
    let share = after.iter().filter(is_for_it).count() as f64 / after.len() as f64;
    assert!(
        (0.15..0.45).contains(&share),
        "{share} of the searches are for {new:?}"
    );
    assert_eq!(shop.catalogue.products(), SHOP.catalogue.products());
}

#[test]
fn higher_prices_are_in_the_catalogue_and_are_clicked_less_from_their_day_on() {
    let shop = drifted("PriceShift:16:50");
    assert_the_same_before(&shop);
    for (dear, cheap) in shop
        .catalogue
        .products()
        .iter()
        .zip(SHOP.catalogue.products())
    {
        let ratio = dear
            .price
            .zip(cheap.price)
            .map_or(1.5, |(dear, cheap)| dear / cheap);
        assert!(
            (ratio - 1.5).abs() < 0.01,
            "{ratio} times the price of {}",
            cheap.item_id
        );
    }
    let rate = |shop: &Shop| {
        clicks(&events(shop, true)).count() as f64 / searches(shop, true).len() as f64
    };
    assert!(
        rate(&shop) < 0.9 * rate(&SHOP),
        "{} and {}",
        rate(&shop),
        rate(&SHOP)
    );
}

#[test]
fn other_brands_are_clicked_once_tastes_have_changed() {
    let shop = drifted("TasteShift:16:100");
    assert_the_same_before(&shop);
    let shares = |shop: &Shop, is_after: bool| {
        let events = events(shop, is_after);
        let mut shares: BTreeMap<String, f64> = BTreeMap::new();
        let all = clicks(&events).count() as f64;
        for event in clicks(&events) {
            let item = shop
                .catalogue
                .find(event.item_id())
                .expect("of the catalogue");
            let brand = shop
                .catalogue
                .product(item)
                .brand
                .clone()
                .unwrap_or_default();
            *shares.entry(brand).or_default() += 1.0 / all;
        }
        shares
    };
    let distance = |shop: &Shop| {
        let (before, after) = (shares(shop, false), shares(shop, true));
        let brands: HashSet<&String> = before.keys().chain(after.keys()).collect();
        let share =
            |of: &BTreeMap<String, f64>, brand: &String| of.get(brand).copied().unwrap_or(0.0);
        brands
            .into_iter()
            .map(|brand| (share(&before, brand) - share(&after, brand)).abs() / 2.0)
            .sum::<f64>()
    };
    let (moved, usual) = (distance(&shop), distance(&SHOP));
    assert!(
        moved > 0.2 && usual < 0.1,
        "{moved} moved, {usual} without the change"
    );
}

#[test]
fn a_broken_feed_names_searches_that_nobody_recorded() {
    let shop = drifted("BrokenFeed:16:40");
    assert_the_same_before(&shop);
    assert_eq!(shop.searches, SHOP.searches);
    let recorded: HashSet<&str> = shop
        .searches
        .iter()
        .map(|it| it.query_id.as_str())
        .collect();
    let share = |is_after: bool| {
        let events = events(&shop, is_after);
        let lost = events
            .iter()
            .filter(|it| !recorded.contains(it.query_id.as_str()));
        lost.count() as f64 / events.len() as f64
    };
    assert!(
        (0.36..0.44).contains(&share(true)),
        "{} are lost",
        share(true)
    );
    assert!(share(false).abs() < 1e-9);
    assert_eq!(shop.events.len(), SHOP.events.len());
}
