//! The catalogue: the products that can be ranked.
//!
//! Product data only; what people did with the products is in `events` and `features`.

use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, Write};

use compact_str::CompactString;
use foldhash::fast::RandomState;
use serde::{Deserialize, Serialize};

use crate::json_lines::{self, FieldError, JsonLinesError, Record, check_text};
use crate::text::Language;

/// Most products that a catalogue may hold.
pub const MAXIMUM_PRODUCTS: usize = 2_000_000;
/// Longest item id, in bytes.
pub const MAXIMUM_ITEM_ID_BYTES: usize = 256;
/// Longest title, brand, category name or attribute, in bytes.
pub const MAXIMUM_TITLE_BYTES: usize = 2_000;
/// Longest description, in bytes.
pub const MAXIMUM_DESCRIPTION_BYTES: usize = 64 * 1024;
/// Deepest category path.
pub const MAXIMUM_CATEGORY_DEPTH: usize = 10;
/// Most attributes of one product.
pub const MAXIMUM_ATTRIBUTES: usize = 100;

/// A product's place in its catalogue, from 0 in file order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemIndex(pub u32);

impl ItemIndex {
    /// The place as an index into a slice.
    #[must_use]
    pub fn as_usize(self) -> usize {
        self.0 as usize
    }
}

/// An attribute's value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum AttributeValue {
    /// A flag.
    Flag(bool),
    /// A number, finite.
    Number(f64),
    /// A word or a phrase.
    Text(String),
}

/// One product. What is absent is unknown, not zero.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Product {
    /// Unique name of the product, as events and requests use it.
    pub item_id: String,
    /// What the shopper reads first.
    pub title: String,
    /// Longer text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Who makes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brand: Option<String>,
    /// Path in the category tree, widest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub category: Vec<String>,
    /// Price in the shop's currency, at least 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<f64>,
    /// What it cost before a reduction, in the same currency, at least 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list_price: Option<f64>,
    /// Whether it can be had now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_stock: Option<bool>,
    /// The shop's own measure of popularity, at least 0, in any unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub popularity: Option<f64>,
    /// Since when it can be found, in milliseconds since 1970-01-01 UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listed_at: Option<i64>,
    /// Anything else: colour, size, material.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, AttributeValue>,
}

impl Record for Product {
    fn check(&self) -> Result<(), FieldError> {
        check_text("item_id", &self.item_id, 1, MAXIMUM_ITEM_ID_BYTES)?;
        check_text("title", &self.title, 1, MAXIMUM_TITLE_BYTES)?;
        if let Some(description) = &self.description {
            check_text("description", description, 0, MAXIMUM_DESCRIPTION_BYTES)?;
        }
        if let Some(brand) = &self.brand {
            check_text("brand", brand, 0, MAXIMUM_TITLE_BYTES)?;
        }
        if self.category.len() > MAXIMUM_CATEGORY_DEPTH {
            let message = format!(
                "{} levels, at most {MAXIMUM_CATEGORY_DEPTH} are allowed",
                self.category.len()
            );
            return Err(FieldError::new("category", message));
        }
        for (level, name) in self.category.iter().enumerate() {
            check_text(&format!("category[{level}]"), name, 1, MAXIMUM_TITLE_BYTES)?;
        }
        check_amount("price", self.price)?;
        check_amount("list_price", self.list_price)?;
        check_amount("popularity", self.popularity)?;
        if self.attributes.len() > MAXIMUM_ATTRIBUTES {
            let message = format!(
                "{} attributes, at most {MAXIMUM_ATTRIBUTES} are allowed",
                self.attributes.len()
            );
            return Err(FieldError::new("attributes", message));
        }
        for (name, value) in &self.attributes {
            check_text("attributes", name, 1, MAXIMUM_TITLE_BYTES)?;
            if let AttributeValue::Text(text) = value {
                check_text(&format!("attributes.{name}"), text, 0, MAXIMUM_TITLE_BYTES)?;
            }
        }
        Ok(())
    }
}

fn check_amount(field: &str, amount: Option<f64>) -> Result<(), FieldError> {
    match amount {
        Some(amount) if !amount.is_finite() || amount < 0.0 => Err(FieldError::new(
            field,
            format!("{amount} is not a number of at least 0"),
        )),
        _ => Ok(()),
    }
}

/// All products, in file order, found by place or by id.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Catalogue {
    products: Vec<Product>,
    /// By id. Every candidate of every request is looked up here: ids of up to 24 bytes stand in the
    /// table itself.
    places: HashMap<CompactString, ItemIndex, RandomState>,
    language: Language,
}

impl Catalogue {
    /// A catalogue without products.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same products with texts in another language; a new catalogue's is English.
    #[must_use]
    pub fn in_language(self, language: Language) -> Self {
        Self { language, ..self }
    }

    /// The language of the texts, and so of the queries.
    #[must_use]
    pub fn language(&self) -> Language {
        self.language
    }

    /// Reads JSON Lines, one [`Product`] a line.
    ///
    /// # Errors
    /// The first line that is no product, repeats an id, or goes over a bound.
    pub fn read(input: impl BufRead) -> Result<Self, JsonLinesError> {
        let mut catalogue = Self::new();
        json_lines::read::<Product>(input, |_, product| catalogue.insert(product).map(drop))?;
        Ok(catalogue)
    }

    /// Writes JSON Lines that [`Catalogue::read`] reads back to the same catalogue.
    ///
    /// # Errors
    /// What the writer says.
    pub fn write(&self, output: &mut impl Write) -> Result<(), JsonLinesError> {
        (1_u64..)
            .zip(&self.products)
            .try_for_each(|(line, product)| json_lines::write(output, line, product))
    }

    /// Adds a product and gives its place.
    ///
    /// # Errors
    /// `item_id` is taken, or the catalogue is full.
    pub fn insert(&mut self, product: Product) -> Result<ItemIndex, FieldError> {
        if self.products.len() >= MAXIMUM_PRODUCTS {
            return Err(FieldError::new(
                "item_id",
                format!("more than {MAXIMUM_PRODUCTS} products"),
            ));
        }
        if let Some(first) = self.places.get(product.item_id.as_str()) {
            let message = format!(
                "{:?} is already the id of product {}",
                product.item_id,
                first.0 + 1
            );
            return Err(FieldError::new("item_id", message));
        }
        let place =
            ItemIndex(u32::try_from(self.products.len()).expect("bounded by MAXIMUM_PRODUCTS"));
        self.places
            .insert(CompactString::new(&product.item_id), place);
        self.products.push(product);
        Ok(place)
    }

    /// The place of an id.
    #[must_use]
    pub fn find(&self, item_id: &str) -> Option<ItemIndex> {
        self.places.get(item_id).copied()
    }

    /// The product at a place of this catalogue.
    #[must_use]
    pub fn product(&self, place: ItemIndex) -> &Product {
        &self.products[place.as_usize()]
    }

    /// All products in order.
    #[must_use]
    pub fn products(&self) -> &[Product] {
        &self.products
    }

    /// All places in order.
    pub fn places(&self) -> impl Iterator<Item = ItemIndex> + use<> {
        (0..u32::try_from(self.products.len()).expect("bounded by MAXIMUM_PRODUCTS")).map(ItemIndex)
    }

    /// Number of products.
    #[must_use]
    pub fn len(&self) -> usize {
        self.products.len()
    }

    /// Whether there is no product.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.products.is_empty()
    }
}
