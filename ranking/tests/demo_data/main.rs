//! Demo data: the same bytes for a seed, and a shop that could be real.

mod drift;
mod shop;

use std::sync::LazyLock;

use searchop_ranking::catalogue::Catalogue;
use searchop_ranking::events::{
    Event, Judgement, Search, read_events, read_judgements, read_searches,
};
use searchop_ranking::generate::{Counts, Outputs, Settings, write_dataset};
use sha2::{Digest as _, Sha256};

#[derive(Default)]
struct Files {
    catalogue: Vec<u8>,
    queries: Vec<u8>,
    events: Vec<u8>,
    judgements: Vec<u8>,
}

fn make(settings: &Settings) -> (Files, Counts) {
    let mut files = Files::default();
    let mut outputs = Outputs {
        catalogue: &mut files.catalogue,
        queries: &mut files.queries,
        events: &mut files.events,
        judgements: &mut files.judgements,
    };
    let mut shares = Vec::new();
    let counts =
        write_dataset(settings, &mut outputs, &mut |share| shares.push(share)).expect("made");
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
        drift: Vec::new(),
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

impl Shop {
    fn new(settings: &Settings) -> Self {
        let (files, counts) = make(settings);
        Self {
            catalogue: Catalogue::read(files.catalogue.as_slice()).expect("read"),
            searches: read_searches(files.queries.as_slice()).expect("read"),
            events: read_events(files.events.as_slice()).expect("read"),
            judgements: read_judgements(files.judgements.as_slice()).expect("read"),
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
fn a_seed_means_the_same_bytes_on_every_machine_and_in_every_release() {
    let (files, _) = make(&small(42));
    assert_eq!(
        digest(&files),
        "33c87e9069e7850999decdd411d0d38ac41170add59ba793dad85633459553ec",
        "the demo data changed"
    );
    assert_eq!(digest(&files), digest(&make(&small(42)).0));
    assert_ne!(digest(&files), digest(&make(&small(43)).0));
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
