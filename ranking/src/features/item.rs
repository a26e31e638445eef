//! What is known of an item whatever the query.

use std::collections::{BTreeMap, HashMap};

use crate::catalogue::{AttributeValue, Catalogue, ItemIndex, Product};
use crate::features::definitions::{Column, FEATURE_COUNT};
use crate::features::numbers::flag;
use crate::text::{Analyser, Field, TermId, TextStatistics};

/// Most attributes that become columns.
pub const MAXIMUM_ATTRIBUTE_COLUMNS: usize = 100;
/// One day, in milliseconds.
const DAY_MILLISECONDS: f64 = 24.0 * 60.0 * 60.0 * 1000.0;

/// The numbers of one item.
#[derive(Debug, Clone, Copy)]
pub(super) struct ItemFacts {
    log_price: f64,
    popularity: f64,
    price_in_category: f64,
    in_stock: f64,
    discount: f64,
    listed_at: Option<i64>,
    /// Distinct terms of the brand.
    pub(super) brand_terms: usize,
    category: usize,
}

/// What is known of all items, by item.
#[derive(Debug)]
pub(super) struct Items {
    facts: Vec<ItemFacts>,
    /// The distinct terms of each narrowest category, by the category's number.
    categories: Vec<Vec<TermId>>,
    attribute_names: Vec<String>,
    /// The attributes of each item, row-major, NaN where it has no number.
    attributes: Vec<f64>,
}

impl Items {
    /// Looks at all products; the columns of attributes are `attributes`, in their order.
    pub(super) fn new(
        catalogue: &Catalogue,
        statistics: &TextStatistics,
        analyser: &mut Analyser,
        attributes: Vec<String>,
    ) -> Self {
        let means = mean_log_prices(catalogue);
        let mut categories = Categories::default();
        let facts = catalogue
            .places()
            .zip(catalogue.products())
            .map(|(item, product)| {
                let log_price = log_price(product);
                // Products without a category are in none together.
                let mean = means
                    .get(product.category.as_slice())
                    .filter(|_| !product.category.is_empty())
                    .copied();
                ItemFacts {
                    log_price,
                    popularity: product.popularity.map_or(f64::NAN, libm::log1p),
                    price_in_category: log_price - mean.unwrap_or(f64::NAN),
                    in_stock: product.in_stock.map_or(f64::NAN, flag),
                    discount: discount(product),
                    listed_at: product.listed_at,
                    brand_terms: statistics.distinct_terms(item, Field::Brand),
                    category: categories.number(product, statistics, analyser),
                }
            })
            .collect();
        let values = catalogue
            .products()
            .iter()
            .flat_map(|product| {
                attributes
                    .iter()
                    .map(move |name| attribute_number(product.attributes.get(name)))
            })
            .collect();
        Self {
            facts,
            categories: categories.terms,
            attribute_names: attributes,
            attributes: values,
        }
    }

    pub(super) fn facts(&self, item: ItemIndex) -> &ItemFacts {
        &self.facts[item.as_usize()]
    }

    /// NaN without a price.
    pub(super) fn log_price(&self, item: ItemIndex) -> f64 {
        self.facts(item).log_price
    }

    /// The distinct terms of the item's narrowest category.
    pub(super) fn category(&self, item: ItemIndex) -> &[TermId] {
        &self.categories[self.facts(item).category]
    }

    pub(super) fn attribute_names(&self) -> &[String] {
        &self.attribute_names
    }

    /// Writes the item columns of one candidate; ages are as of `now`, milliseconds since 1970.
    pub(super) fn write(&self, row: &mut [f64], item: ItemIndex, now: i64) {
        let facts = self.facts(item);
        row[Column::LogPrice as usize] = facts.log_price;
        row[Column::PriceInCategory as usize] = facts.price_in_category;
        row[Column::InStock as usize] = facts.in_stock;
        row[Column::Popularity as usize] = facts.popularity;
        row[Column::Discount as usize] = facts.discount;
        row[Column::Age as usize] = log_age(facts.listed_at, now);
        let count = self.attribute_names.len();
        let first = item.as_usize() * count;
        row[FEATURE_COUNT..].copy_from_slice(&self.attributes[first..first + count]);
    }
}

/// The attributes that become columns, by name: those of which some product has a number or a flag.
/// Of more than [`MAXIMUM_ATTRIBUTE_COLUMNS`], those that most products have.
pub(super) fn attribute_columns(catalogue: &Catalogue) -> Vec<String> {
    let mut products: BTreeMap<&str, usize> = BTreeMap::new();
    for (name, value) in catalogue.products().iter().flat_map(|it| &it.attributes) {
        if !attribute_number(Some(value)).is_nan() {
            *products.entry(name).or_default() += 1;
        }
    }
    let mut names: Vec<(&str, usize)> = products.into_iter().collect();
    names.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    names.truncate(MAXIMUM_ATTRIBUTE_COLUMNS);
    let mut names: Vec<String> = names.into_iter().map(|(name, _)| name.to_owned()).collect();
    names.sort_unstable();
    names
}

fn attribute_number(value: Option<&AttributeValue>) -> f64 {
    match value {
        Some(AttributeValue::Number(number)) => *number,
        Some(AttributeValue::Flag(value)) => flag(*value),
        Some(AttributeValue::Text(_)) | None => f64::NAN,
    }
}

fn log_price(product: &Product) -> f64 {
    product.price.map_or(f64::NAN, libm::log1p)
}

fn discount(product: &Product) -> f64 {
    match (product.price, product.list_price) {
        (Some(price), Some(list_price)) if list_price > 0.0 => 1.0 - price / list_price,
        _ => f64::NAN,
    }
}

/// NaN without a past (`now` is 0) or a listing; what is listed later than `now` is new.
fn log_age(listed_at: Option<i64>, now: i64) -> f64 {
    match listed_at {
        Some(listed_at) if now > 0 => {
            libm::log1p(now.saturating_sub(listed_at).max(0) as f64 / DAY_MILLISECONDS)
        }
        _ => f64::NAN,
    }
}

/// The mean logarithm of the prices in each category, by its whole path.
fn mean_log_prices(catalogue: &Catalogue) -> HashMap<&[String], f64> {
    let mut sums: HashMap<&[String], (f64, u32)> = HashMap::new();
    for product in catalogue.products() {
        let log_price = log_price(product);
        if !log_price.is_nan() {
            let entry = sums.entry(&product.category).or_default();
            *entry = (entry.0 + log_price, entry.1 + 1);
        }
    }
    let mean = |(path, (sum, count)): (_, (f64, u32))| (path, sum / f64::from(count));
    sums.into_iter().map(mean).collect()
}

/// Numbers for the narrowest categories; each is analysed once.
#[derive(Default)]
struct Categories<'a> {
    by_name: HashMap<&'a str, usize>,
    terms: Vec<Vec<TermId>>,
}

impl<'a> Categories<'a> {
    fn number(
        &mut self,
        product: &'a Product,
        statistics: &TextStatistics,
        analyser: &mut Analyser,
    ) -> usize {
        let name = product.category.last().map_or("", String::as_str);
        *self.by_name.entry(name).or_insert_with(|| {
            let mut terms: Vec<TermId> = analyser
                .terms(name)
                .iter()
                .filter_map(|term| statistics.term(term))
                .collect();
            terms.sort_unstable();
            terms.dedup();
            self.terms.push(terms);
            self.terms.len() - 1
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalogue_of(lines: &[&str]) -> Catalogue {
        Catalogue::read(lines.join("\n").as_bytes()).expect("a catalogue")
    }

    #[test]
    fn attributes_with_a_number_or_a_flag_become_columns_and_the_most_frequent_stay() {
        let catalogue = catalogue_of(&[
            r#"{"item_id":"a","title":"x","attributes":{"watt":5,"colour":"red","size":"L"}}"#,
            r#"{"item_id":"b","title":"x","attributes":{"vegan":true,"size":41}}"#,
        ]);
        assert_eq!(attribute_columns(&catalogue), ["size", "vegan", "watt"]);
        let mut lines: Vec<String> = (0..=MAXIMUM_ATTRIBUTE_COLUMNS)
            .map(|n| format!(r#"{{"item_id":"{n}","title":"x","attributes":{{"a{n:03}":1}}}}"#))
            .collect();
        lines.push(r#"{"item_id":"z","title":"x","attributes":{"a100":1}}"#.to_owned());
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let names = attribute_columns(&catalogue_of(&lines));
        assert_eq!(names.len(), MAXIMUM_ATTRIBUTE_COLUMNS);
        assert!(names.contains(&"a100".to_owned()) && !names.contains(&"a099".to_owned()));
    }

    #[test]
    fn an_age_needs_a_listing_and_a_past() {
        let day = 24 * 60 * 60 * 1000;
        assert!((log_age(Some(0), day) - std::f64::consts::LN_2).abs() < 1e-12);
        assert_eq!(log_age(Some(2 * day), day), 0.0);
        assert!(log_age(None, day).is_nan() && log_age(Some(0), 0).is_nan());
    }
}
