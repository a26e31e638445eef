//! What is known of an item whatever the query.

use std::collections::HashMap;

use crate::catalogue::Catalogue;
use crate::features::definitions::Column;
use crate::features::list::ListPrices;
use crate::features::numbers::flag;
use crate::text::{Analyser, TermId, TextStatistics};

/// What does not depend on the query.
#[derive(Debug, Clone)]
pub(super) struct ItemFacts {
    pub(super) log_price: f64,
    price_in_category: f64,
    in_stock: f64,
    popularity: f64,
    /// Distinct terms of the narrowest category.
    pub(super) category: Vec<TermId>,
}

/// The facts of all items, in the catalogue's order.
pub(super) fn item_facts(
    catalogue: &Catalogue,
    statistics: &TextStatistics,
    analyser: &mut Analyser,
) -> Vec<ItemFacts> {
    let log_prices: Vec<f64> = catalogue
        .products()
        .iter()
        .map(|product| product.price.map_or(f64::NAN, libm::log1p))
        .collect();
    let mut by_category: HashMap<&[String], (f64, u32)> = HashMap::new();
    for (product, log_price) in catalogue.products().iter().zip(&log_prices) {
        if !log_price.is_nan() {
            let entry = by_category.entry(&product.category).or_default();
            *entry = (entry.0 + log_price, entry.1 + 1);
        }
    }
    let facts = catalogue
        .products()
        .iter()
        .zip(&log_prices)
        .map(|(product, log_price)| {
            let mean = by_category
                .get(product.category.as_slice())
                .map_or(f64::NAN, |(sum, n)| sum / f64::from(*n));
            let mut category: Vec<TermId> = match product.category.last() {
                Some(narrowest) => analyser
                    .terms(narrowest)
                    .iter()
                    .filter_map(|term| statistics.term(term))
                    .collect(),
                None => Vec::new(),
            };
            category.sort_unstable();
            category.dedup();
            ItemFacts {
                log_price: *log_price,
                price_in_category: log_price - mean,
                in_stock: product.in_stock.map_or(f64::NAN, flag),
                popularity: product.popularity.map_or(f64::NAN, libm::log1p),
                category,
            }
        });
    facts.collect()
}

/// Writes the item and list columns of one candidate.
pub(super) fn write_facts(row: &mut [f64], facts: &ItemFacts, prices: &ListPrices) {
    row[Column::LogPrice as usize] = facts.log_price;
    row[Column::PriceInCategory as usize] = facts.price_in_category;
    row[Column::PriceRank as usize] = prices.rank(facts.log_price);
    row[Column::PriceZScore as usize] = prices.z_score(facts.log_price);
    row[Column::InStock as usize] = facts.in_stock;
    row[Column::Popularity as usize] = facts.popularity;
}
