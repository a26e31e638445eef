//! Catalogues as JSON objects.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::catalogue::{AttributeValue, Product};
use crate::input::{InputError, JsonRecords, parse_json};

use super::Reading;
use super::moment::Moment;

pub(super) fn read<R: JsonRecords>(
    mut records: R,
    reading: &mut Reading,
) -> Result<(), InputError> {
    while let Some((line, text)) = records.next_record()? {
        let used = match text {
            Ok(text) if text.trim().is_empty() => continue,
            Ok(text) => parse_json::<JsonProduct>(text)
                .and_then(|product| reading.add(product.into()))
                .map_err(|complaint| complaint.at(R::UNIT, line)),
            Err(bad) => Err(bad),
        };
        if let Err(bad) = used {
            reading.notes.bad_lines.add(bad)?;
        }
    }
    Ok(())
}

/// A product as people write it; null is as good as absent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonProduct {
    item_id: JsonId,
    title: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    brand: Option<String>,
    #[serde(default)]
    category: Option<JsonCategory>,
    #[serde(default)]
    price: Option<f64>,
    #[serde(default)]
    list_price: Option<f64>,
    #[serde(default)]
    in_stock: Option<bool>,
    #[serde(default)]
    popularity: Option<f64>,
    #[serde(default)]
    listed_at: Option<Moment>,
    #[serde(default)]
    attributes: Option<BTreeMap<String, Option<JsonAttribute>>>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a text or a whole number")]
enum JsonId {
    Text(String),
    Number(i64),
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "expected a text such as \"Shoes > Boots\" or an array of texts"
)]
enum JsonCategory {
    Path(Vec<String>),
    Text(String),
}

/// The value of an attribute.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a text, a number or true or false")]
pub(super) enum JsonAttribute {
    Flag(bool),
    Number(f64),
    Text(String),
}

impl From<JsonAttribute> for AttributeValue {
    fn from(value: JsonAttribute) -> Self {
        match value {
            JsonAttribute::Flag(flag) => Self::Flag(flag),
            JsonAttribute::Number(number) => Self::Number(number),
            JsonAttribute::Text(text) => Self::Text(text),
        }
    }
}

impl From<JsonProduct> for Product {
    fn from(product: JsonProduct) -> Self {
        Self {
            item_id: match product.item_id {
                JsonId::Text(text) => text,
                JsonId::Number(number) => number.to_string(),
            },
            title: product.title,
            description: product.description,
            brand: product.brand,
            category: match product.category {
                None => Vec::new(),
                Some(JsonCategory::Path(path)) => path,
                Some(JsonCategory::Text(text)) => category_path(&text),
            },
            price: product.price,
            list_price: product.list_price,
            in_stock: product.in_stock,
            popularity: product.popularity,
            listed_at: product.listed_at.map(Moment::milliseconds),
            attributes: product
                .attributes
                .unwrap_or_default()
                .into_iter()
                .filter_map(|(name, value)| Some((name, value?.into())))
                .collect(),
        }
    }
}

/// The path that `Shoes > Boots` means.
pub(super) fn category_path(text: &str) -> Vec<String> {
    let levels = text.split('>').map(str::trim);
    levels
        .filter(|level| !level.is_empty())
        .map(str::to_owned)
        .collect()
}
