//! Catalogues as people have them: JSON Lines or CSV with `item_id` and `title`, and optionally
//! `description`, `brand`, `category`, `price`, `list_price`, `in_stock`, `popularity`, `listed_at` and
//! `attributes`.
//!
//! What comes out is the catalogue that features and serving read. A field that is not known is an
//! error, for it would else be lost silently: it is probably an attribute.

mod csv;
mod json;
mod moment;
mod summary;

use std::io::BufRead;
use std::str::FromStr;

use crate::catalogue::{Catalogue, Product};
use crate::input::{
    BadLineKind, BadLines, Complaint, InputError, JsonRecords, Lines, without_compression,
};
use crate::json_lines::Record as _;

pub use summary::{AttributeSummary, CatalogueSummary, Range};

/// How a catalogue is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CatalogueFormat {
    /// A JSON object a line.
    JsonLines,
    /// A table with a header.
    Csv,
}

impl CatalogueFormat {
    /// The format that a file's name speaks of; a compression's ending is passed over.
    #[must_use]
    pub fn of_file_name(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let name = without_compression(&name);
        if name.ends_with(".csv") {
            Some(Self::Csv)
        } else if name.ends_with(".jsonl") || name.ends_with(".ndjson") {
            Some(Self::JsonLines)
        } else {
            None
        }
    }
}

impl FromStr for CatalogueFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "JsonLines" => Ok(Self::JsonLines),
            "Csv" => Ok(Self::Csv),
            _ => Err(format!(
                "{text:?} is not a format of catalogues; known are JsonLines, Csv"
            )),
        }
    }
}

/// What was left out of a catalogue.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CatalogueNotes {
    /// Products that are the same as an earlier one, in every field.
    pub repeated: u64,
    /// Lines that were passed over.
    pub bad_lines: BadLines,
}

/// Reads a catalogue.
///
/// # Errors
/// More bad lines than `allowed_bad_lines`, each with its line and field; a table without a needed
/// column or with one that is not known; bytes that cannot be read.
pub fn read_catalogue(
    input: impl BufRead,
    format: CatalogueFormat,
    allowed_bad_lines: u64,
) -> Result<(Catalogue, CatalogueNotes), InputError> {
    let mut reading = Reading::tolerating(allowed_bad_lines);
    match format {
        CatalogueFormat::JsonLines => json::read(Lines::new(input), &mut reading)?,
        CatalogueFormat::Csv => csv::read(input, &mut reading)?,
    }
    Ok((reading.catalogue, reading.notes))
}

/// Reads a catalogue of objects with the fields of JSON Lines.
///
/// # Errors
/// As [`read_catalogue`].
pub fn read_catalogue_records(
    records: impl JsonRecords,
    allowed_bad_records: u64,
) -> Result<(Catalogue, CatalogueNotes), InputError> {
    let mut reading = Reading::tolerating(allowed_bad_records);
    json::read(records, &mut reading)?;
    Ok((reading.catalogue, reading.notes))
}

/// A catalogue in the making.
struct Reading {
    catalogue: Catalogue,
    notes: CatalogueNotes,
}

impl Reading {
    fn tolerating(allowed_bad_lines: u64) -> Self {
        Self {
            catalogue: Catalogue::new(),
            notes: CatalogueNotes {
                bad_lines: BadLines::tolerating(allowed_bad_lines),
                ..CatalogueNotes::default()
            },
        }
    }

    fn add(&mut self, product: Product) -> Result<(), Complaint> {
        product.check()?;
        let Some(place) = self.catalogue.find(&product.item_id) else {
            self.catalogue.insert(product)?;
            return Ok(());
        };
        if *self.catalogue.product(place) == product {
            self.notes.repeated += 1;
            return Ok(());
        }
        let message = format!(
            "{:?} is already the id of product {}, which differs",
            product.item_id,
            place.0 + 1
        );
        Err(Complaint::new(
            BadLineKind::Contradiction,
            "item_id",
            message,
        ))
    }
}

#[cfg(test)]
mod tests;
