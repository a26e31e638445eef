//! Demo data: the same bytes for a seed, and a shop that could be real.

mod drift;
mod shop;

use std::io;
use std::sync::LazyLock;

use searchop_ranking::catalogue::{AttributeValue, Catalogue, Product};
use searchop_ranking::events::{Event, Judgement, Search};
use searchop_ranking::generate::{ATTRIBUTES, Counts, RowWriter, Settings, write_dataset};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

#[derive(Debug, Default, PartialEq)]
struct Rows {
    catalogue: Vec<Product>,
    searches: Vec<Search>,
    events: Vec<Event>,
    judgements: Vec<Judgement>,
}

impl RowWriter for Rows {
    fn product(&mut self, product: &Product) -> io::Result<()> {
        self.catalogue.push(product.clone());
        Ok(())
    }
    fn search(&mut self, search: &Search) -> io::Result<()> {
        self.searches.push(search.clone());
        Ok(())
    }
    fn event(&mut self, event: &Event) -> io::Result<()> {
        self.events.push(event.clone());
        Ok(())
    }
    fn judgement(&mut self, judgement: &Judgement) -> io::Result<()> {
        self.judgements.push(judgement.clone());
        Ok(())
    }
}

fn make(settings: &Settings) -> (Rows, Counts) {
    let mut rows = Rows::default();
    let mut shares = Vec::new();
    let counts = write_dataset(settings, &mut rows, &mut |share| shares.push(share)).expect("made");
    assert!(
        shares.is_sorted() && shares.last() == Some(&1.0),
        "progress: {shares:?}"
    );
    (rows, counts)
}

fn small(seed: u64) -> Settings {
    Settings {
        seed,
        products: 100,
        users: 50,
        events: 1_000,
        drift: Vec::new(),
    }
}

/// The digest of all rows as lines of JSON.
fn digest(rows: &Rows) -> String {
    fn add(hasher: &mut Sha256, rows: &[impl Serialize]) {
        for row in rows {
            hasher.update(serde_json::to_vec(row).expect("written"));
            hasher.update(b"\n");
        }
    }
    let mut hasher = Sha256::new();
    add(&mut hasher, &rows.catalogue);
    add(&mut hasher, &rows.searches);
    add(&mut hasher, &rows.events);
    add(&mut hasher, &rows.judgements);
    hex::encode(hasher.finalize())
}

struct Shop {
    catalogue: Catalogue,
    searches: Vec<Search>,
    events: Vec<Event>,
    judgements: Vec<Judgement>,
    counts: Counts,
}

impl Shop {
    fn new(settings: &Settings) -> Self {
        let (rows, counts) = make(settings);
        let mut catalogue = Catalogue::new();
        for product in rows.catalogue {
            catalogue.insert(product).expect("a new id");
        }
        Self {
            catalogue,
            searches: rows.searches,
            events: rows.events,
            judgements: rows.judgements,
            counts,
        }
    }
}

/// The settings of most tests.
fn usual() -> Settings {
    Settings {
        seed: 7,
        products: 1_000,
        users: 1_000,
        events: 40_000,
        drift: Vec::new(),
    }
}

/// The shop of most tests, made once.
static SHOP: LazyLock<Shop> = LazyLock::new(|| Shop::new(&usual()));

#[test]
fn a_seed_means_the_same_rows_on_every_machine_and_in_every_release() {
    let (rows, _) = make(&small(42));
    assert_eq!(
        digest(&rows),
        "33c87e9069e7850999decdd411d0d38ac41170add59ba793dad85633459553ec",
        "the demo data changed"
    );
    assert_eq!(digest(&rows), digest(&make(&small(42)).0));
    assert_ne!(digest(&rows), digest(&make(&small(43)).0));
}

#[test]
fn more_events_change_no_product_and_no_judgement() {
    let (less, _) = make(&small(42));
    let (more, _) = make(&Settings {
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
    let (_, counts) = make(&Settings {
        seed: 0,
        products: 20,
        users: 1,
        events: 100,
        drift: Vec::new(),
    });
    assert_eq!((counts.products, counts.events), (20, 100));
}

#[test]
fn attributes_are_texts_of_known_names() {
    for product in SHOP.catalogue.products() {
        for (name, value) in &product.attributes {
            assert!(ATTRIBUTES.contains(&name.as_str()), "{name}");
            assert!(matches!(value, AttributeValue::Text(_)), "{value:?}");
        }
    }
}

#[test]
fn a_full_disk_is_reported_with_the_table_and_the_row() {
    struct Full(u32);
    impl RowWriter for Full {
        fn product(&mut self, _: &Product) -> io::Result<()> {
            Ok(())
        }
        fn search(&mut self, _: &Search) -> io::Result<()> {
            self.0 -= 1;
            if self.0 > 0 {
                return Ok(());
            }
            Err(io::ErrorKind::StorageFull.into())
        }
        fn event(&mut self, _: &Event) -> io::Result<()> {
            Ok(())
        }
        fn judgement(&mut self, _: &Judgement) -> io::Result<()> {
            Ok(())
        }
    }
    let error = write_dataset(&small(1), &mut Full(3), &mut |_| ())
        .expect_err("refused")
        .to_string();
    assert_eq!(error, "queries, row 3: no storage space");
}
