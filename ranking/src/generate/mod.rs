//! Demo data: a shop, its shoppers, and what they did, from a seed, in the fields of own data.
//!
//! Days are made one after another, so memory does not grow with the number of events, and every
//! entity has random numbers of its own, so a seed means the same rows on every machine.
//! The files that rows go into are the caller's.

mod drift;
mod lexicon;
mod queries;
pub(crate) mod random;
mod relevance;
mod rows;
mod search;
mod sessions;
mod shoppers;
mod world;

use std::io;

use serde::{Deserialize, Serialize};

use crate::catalogue::Product;
use crate::events::{Event, Judgement, Search};
use crate::generate::drift::Today;
use crate::generate::sessions::Shop;

pub use drift::{Change, ChangeKind, DriftError};
pub use world::ATTRIBUTES;

/// What to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Decides all that is random.
    pub seed: u64,
    /// Products in the catalogue, 20 to 1,000,000.
    pub products: u32,
    /// Shoppers, 1 to 10,000,000; not all of them need to come.
    pub users: u32,
    /// Rows of searches (with their shown lists), clicks, carts and purchases together, 100 to 1,000,000,000.
    pub events: u64,
    /// Changes of the shop from a day on, each kind once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drift: Vec<Change>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: 42,
            products: 2_000,
            users: 5_000,
            events: 100_000,
            drift: Vec::new(),
        }
    }
}

impl Settings {
    /// Checks the ranges.
    ///
    /// # Errors
    /// The first field that is out of its range, or a change that cannot be made.
    pub fn check(&self) -> Result<(), GenerateError> {
        let ranges = [
            ("products", u64::from(self.products), 20, 1_000_000),
            ("users", u64::from(self.users), 1, 10_000_000),
            ("events", self.events, 100, 1_000_000_000),
        ];
        for (field, value, minimum, maximum) in ranges {
            if !(minimum..=maximum).contains(&value) {
                return Err(GenerateError::OutOfRange {
                    field,
                    value,
                    minimum,
                    maximum,
                });
            }
        }
        drift::check(&self.drift)?;
        Ok(())
    }
}

/// Why demo data could not be made.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// A setting is out of its range.
    #[error("{field}: {value} is not between {minimum} and {maximum}")]
    OutOfRange {
        /// The setting.
        field: &'static str,
        /// Its value.
        value: u64,
        /// Least allowed.
        minimum: u64,
        /// Most allowed.
        maximum: u64,
    },
    /// A change cannot be made.
    #[error(transparent)]
    Drift(#[from] DriftError),
    /// A row could not be written.
    #[error("{table}, row {row}: {source}")]
    Write {
        /// `catalogue`, `queries`, `events` or `judgements`.
        table: &'static str,
        /// Number of the row, from 1.
        row: u64,
        /// What the writer said.
        source: io::Error,
    },
}

/// Takes the rows of a data set as they are made.
pub trait RowWriter {
    /// A product of the catalogue. Its attributes are texts of the names in [`ATTRIBUTES`].
    ///
    /// # Errors
    /// It cannot be written; as for the others.
    fn product(&mut self, product: &Product) -> io::Result<()>;
    /// A search with its shown list. They come in time order.
    fn search(&mut self, search: &Search) -> io::Result<()>;
    /// A click, cart or purchase. They come in time order.
    fn event(&mut self, event: &Event) -> io::Result<()>;
    /// The truth behind the clicks on the last day, for the commonest spelling of each query.
    fn judgement(&mut self, judgement: &Judgement) -> io::Result<()>;
}

/// What was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Products of the catalogue.
    pub products: u64,
    /// Shoppers, whether they came or not.
    pub users: u64,
    /// Rows of searches.
    pub queries: u64,
    /// Rows of searches and events together: exactly the setting.
    pub events: u64,
    /// Judgements.
    pub judgements: u64,
}

/// Makes a data set. `progress` is told the share that is done, 0 to 1, after each day.
///
/// # Errors
/// A setting out of its range, or what the writer says.
pub fn write_dataset(
    settings: &Settings,
    output: &mut dyn RowWriter,
    progress: &mut dyn FnMut(f64),
) -> Result<Counts, GenerateError> {
    settings.check()?;
    let mut shop = Shop::new(settings);
    let mut catalogue = Table::named("catalogue");
    for product in shop.world.catalogue.products() {
        catalogue.count(output.product(product))?;
    }
    let mut judgements = Table::named("judgements");
    each_judgement(&mut shop, &Today::last(&settings.drift), &mut |judgement| {
        judgements.count(output.judgement(judgement))
    })?;
    let mut queries = Table::named("queries");
    let mut events = Table::named("events");
    let days = sessions::rows_by_day(settings.events);
    for (day, rows) in (0_u32..).zip(&days) {
        let made = shop.day(day, *rows);
        for search in &made.searches {
            queries.count(output.search(search))?;
        }
        for event in &made.events {
            events.count(output.event(event))?;
        }
        progress(f64::from(day + 1) / days.len() as f64);
    }
    Ok(Counts {
        products: catalogue.rows,
        users: u64::from(settings.users),
        queries: queries.rows,
        events: queries.rows + events.rows,
        judgements: judgements.rows,
    })
}

/// How many rows a table has so far.
struct Table {
    name: &'static str,
    rows: u64,
}

impl Table {
    const fn named(name: &'static str) -> Self {
        Self { name, rows: 0 }
    }

    fn count(&mut self, written: io::Result<()>) -> Result<(), GenerateError> {
        self.rows += 1;
        written.map_err(|source| GenerateError::Write {
            table: self.name,
            row: self.rows,
            source,
        })
    }
}

/// Judges what the shop's search finds for each wish, and the product that is meant.
fn each_judgement(
    shop: &mut Shop,
    today: &Today,
    each: &mut dyn FnMut(&Judgement) -> Result<(), GenerateError>,
) -> Result<(), GenerateError> {
    for (number, wish) in shop.wishes.list.iter().enumerate() {
        let found = shop.search.candidates(&wish.text);
        let mut items: Vec<usize> = found
            .iter()
            .map(|(item, _)| *item as usize)
            .chain([wish.example])
            .collect();
        items.sort_unstable();
        items.dedup();
        for item in items {
            let appeal = relevance::appeal(shop.seed, number, wish, item, &shop.world, today);
            let item_id = shop.world.catalogue.products()[item].item_id.clone();
            each(&Judgement {
                query: wish.text.clone(),
                item_id,
                grade: relevance::grade(appeal),
            })?;
        }
    }
    Ok(())
}
