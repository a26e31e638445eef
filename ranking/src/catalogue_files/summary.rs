//! What a catalogue holds: counts and ranges, to look at before anything is trained.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::catalogue::{AttributeValue, Catalogue, Product};

/// Names of attributes that are told one by one.
const MAXIMUM_ATTRIBUTE_NAMES: usize = 200;

/// The least and the greatest of some numbers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Range {
    /// The least.
    pub least: f64,
    /// The greatest.
    pub greatest: f64,
}

impl Range {
    /// The range of numbers; `None` if there is none.
    pub fn of(numbers: impl Iterator<Item = f64>) -> Option<Self> {
        numbers.fold(None, |range: Option<Self>, number| {
            let range = range.unwrap_or(Self {
                least: number,
                greatest: number,
            });
            Some(Self {
                least: range.least.min(number),
                greatest: range.greatest.max(number),
            })
        })
    }
}

/// How many products have an attribute, by the type of its value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct AttributeSummary {
    /// With a text.
    pub texts: u64,
    /// With a number.
    pub numbers: u64,
    /// With true or false.
    pub flags: u64,
}

/// What a catalogue holds.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CatalogueSummary {
    /// Products.
    pub products: u64,
    /// How many have each optional field.
    pub with_field: BTreeMap<&'static str, u64>,
    /// Of prices.
    pub price: Option<Range>,
    /// Of popularity.
    pub popularity: Option<Range>,
    /// Products that can be had, of those that say.
    pub in_stock: u64,
    /// Different categories, by their whole path.
    pub categories: u64,
    /// Products whose title another product has as well.
    pub repeated_titles: u64,
    /// Up to 200 attributes by name.
    pub attributes: BTreeMap<String, AttributeSummary>,
}

impl CatalogueSummary {
    /// Looks at all products.
    #[must_use]
    pub fn of(catalogue: &Catalogue) -> Self {
        let products = catalogue.products();
        let count =
            |has: fn(&Product) -> bool| products.iter().filter(|product| has(product)).count();
        let with_field = [
            (
                "description",
                count(|product| product.description.is_some()),
            ),
            ("brand", count(|product| product.brand.is_some())),
            ("category", count(|product| !product.category.is_empty())),
            ("price", count(|product| product.price.is_some())),
            ("list_price", count(|product| product.list_price.is_some())),
            ("in_stock", count(|product| product.in_stock.is_some())),
            ("popularity", count(|product| product.popularity.is_some())),
            ("listed_at", count(|product| product.listed_at.is_some())),
            (
                "attributes",
                count(|product| !product.attributes.is_empty()),
            ),
        ];
        let mut attributes: BTreeMap<String, AttributeSummary> = BTreeMap::new();
        for (name, value) in products.iter().flat_map(|product| &product.attributes) {
            if !attributes.contains_key(name) {
                if attributes.len() >= MAXIMUM_ATTRIBUTE_NAMES {
                    continue;
                }
                attributes.insert(name.clone(), AttributeSummary::default());
            }
            if let Some(summary) = attributes.get_mut(name) {
                match value {
                    AttributeValue::Text(_) => summary.texts += 1,
                    AttributeValue::Number(_) => summary.numbers += 1,
                    AttributeValue::Flag(_) => summary.flags += 1,
                }
            }
        }
        Self {
            products: products.len() as u64,
            with_field: with_field
                .into_iter()
                .map(|(name, count)| (name, count as u64))
                .collect(),
            price: Range::of(products.iter().filter_map(|product| product.price)),
            popularity: Range::of(products.iter().filter_map(|product| product.popularity)),
            in_stock: count(|product| product.in_stock == Some(true)) as u64,
            categories: different(
                products
                    .iter()
                    .map(|product| product.category.as_slice())
                    .filter(|path| !path.is_empty()),
            ),
            repeated_titles: products.len() as u64
                - different(products.iter().map(|product| product.title.as_str())),
            attributes,
        }
    }
}

fn different<T: Ord>(values: impl Iterator<Item = T>) -> u64 {
    let mut values: Vec<T> = values.collect();
    values.sort_unstable();
    values.dedup();
    values.len() as u64
}
