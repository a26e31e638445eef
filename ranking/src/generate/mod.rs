//! Demo data: a shop, its shoppers, and what they did, from a seed, in the formats of own data.
//!
//! Days are made one after another, so memory does not grow with the number of events, and every
//! entity has random numbers of its own, so a seed means the same bytes on every machine.
//! Compression and storage are the caller's.

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

use std::io::Write;

use serde::{Deserialize, Serialize};

use crate::events::Judgement;
use crate::generate::drift::Today;
use crate::generate::sessions::Shop;
use crate::json_lines::{self, JsonLinesError};

pub use drift::{Change, ChangeKind, DriftError};

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
    /// A file could not be written.
    #[error("{file}: {source}")]
    Write {
        /// The file.
        file: &'static str,
        /// What its writer said.
        source: JsonLinesError,
    },
}

/// Where the files go, all JSON Lines.
pub struct Outputs<'a> {
    /// `catalogue.jsonl`: one product a line.
    pub catalogue: &'a mut dyn Write,
    /// `queries.jsonl`: one search with its shown list a line, in time order.
    pub queries: &'a mut dyn Write,
    /// `events.jsonl`: one click, cart or purchase a line, in time order.
    pub events: &'a mut dyn Write,
    /// `judgements.jsonl`: the truth behind the clicks on the last day, for the commonest spelling
    /// of each query.
    pub judgements: &'a mut dyn Write,
}

/// What was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Lines of the catalogue.
    pub products: u64,
    /// Shoppers, whether they came or not.
    pub users: u64,
    /// Lines of `queries.jsonl`.
    pub queries: u64,
    /// Lines of `queries.jsonl` and `events.jsonl` together: exactly the setting.
    pub events: u64,
    /// Lines of `judgements.jsonl`.
    pub judgements: u64,
}

/// Makes a data set. `progress` is told the share that is done, 0 to 1, after each part.
///
/// # Errors
/// A setting out of its range, or what a writer says.
pub fn write_dataset(
    settings: &Settings,
    outputs: &mut Outputs<'_>,
    progress: &mut dyn FnMut(f64),
) -> Result<Counts, GenerateError> {
    settings.check()?;
    let mut counts = Counts {
        users: u64::from(settings.users),
        ..Counts::default()
    };
    let mut shop = Shop::new(settings);
    let mut catalogue = Lines::new("catalogue.jsonl", &mut *outputs.catalogue);
    for product in shop.world.catalogue.products() {
        catalogue.write(product)?;
    }
    counts.products = catalogue.written;
    let mut judgements = Lines::new("judgements.jsonl", &mut *outputs.judgements);
    write_judgements(&mut shop, &Today::last(&settings.drift), &mut judgements)?;
    counts.judgements = judgements.written;
    let mut queries = Lines::new("queries.jsonl", &mut *outputs.queries);
    let mut events = Lines::new("events.jsonl", &mut *outputs.events);
    let days = sessions::rows_by_day(settings.events);
    for (day, rows) in (0_u32..).zip(&days) {
        let made = shop.day(day, *rows);
        made.searches
            .iter()
            .try_for_each(|search| queries.write(search))?;
        made.events
            .iter()
            .try_for_each(|event| events.write(event))?;
        progress(f64::from(day + 1) / days.len() as f64);
    }
    counts.queries = queries.written;
    counts.events = queries.written + events.written;
    Ok(counts)
}

/// One output file.
struct Lines<'a> {
    file: &'static str,
    output: &'a mut dyn Write,
    written: u64,
}

impl<'a> Lines<'a> {
    fn new(file: &'static str, output: &'a mut dyn Write) -> Self {
        Self {
            file,
            output,
            written: 0,
        }
    }

    fn write(&mut self, record: &impl Serialize) -> Result<(), GenerateError> {
        self.written += 1;
        json_lines::write(&mut self.output, self.written, record).map_err(|source| {
            GenerateError::Write {
                file: self.file,
                source,
            }
        })
    }
}

/// Judges what the shop's search finds for each wish, and the product that is meant.
fn write_judgements(
    shop: &mut Shop,
    today: &Today,
    output: &mut Lines<'_>,
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
            output.write(&Judgement {
                query: wish.text.clone(),
                item_id,
                grade: relevance::grade(appeal),
            })?;
        }
    }
    Ok(())
}
