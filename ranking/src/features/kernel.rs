//! The kernel: the feature values of a query and its candidates.
//!
//! A pure function of its arguments; it counts no behaviour and reads no events.

use std::collections::HashMap;
use std::sync::Arc;

use crate::catalogue::{Catalogue, ItemIndex};
use crate::features::behaviour::{BehaviourTable, Counts};
use crate::features::definitions::{Column, FEATURE_COUNT};
use crate::text::{Analyser, Field, TermId, TextStatistics, key_of_terms};

/// Impressions that the mean of all items weighs in an item's click rate.
const ITEM_PRIOR_IMPRESSIONS: f64 = 20.0;
/// Clicks that the mean of all items weighs in an item's purchase rate.
const ITEM_PRIOR_CLICKS: f64 = 10.0;
/// Impressions that the item's click rate weighs in its click rate for one query.
const PAIR_PRIOR_IMPRESSIONS: f64 = 10.0;

/// A query, analysed once for all its candidates.
#[derive(Debug, Clone)]
pub struct AnalysedQuery {
    /// Distinct terms that the catalogue knows, in the order they were typed.
    pub known_terms: Vec<TermId>,
    /// All terms as typed; `None` is a term that the catalogue does not know.
    pub sequence: Vec<Option<TermId>>,
    /// Number of distinct terms, known or not.
    pub distinct_terms: usize,
    /// Under which its behaviour is counted.
    pub key: String,
}

/// What does not depend on the query.
#[derive(Debug, Clone)]
struct ItemFacts {
    log_price: f64,
    price_in_category: f64,
    in_stock: f64,
    popularity: f64,
    /// Distinct terms of the narrowest category.
    category: Vec<TermId>,
}

/// All that features are computed from but behaviour: the catalogue and its analysed texts.
pub struct FeatureContext {
    catalogue: Arc<Catalogue>,
    statistics: TextStatistics,
    facts: Vec<ItemFacts>,
    analyser: Analyser,
}

impl FeatureContext {
    /// Analyses the catalogue.
    #[must_use]
    pub fn new(catalogue: Arc<Catalogue>) -> Self {
        let mut analyser = Analyser::english();
        let statistics = TextStatistics::new(&catalogue, &mut analyser);
        let facts = item_facts(&catalogue, &statistics, &mut analyser);
        Self {
            catalogue,
            statistics,
            facts,
            analyser,
        }
    }

    /// The catalogue that it was made of.
    #[must_use]
    pub fn catalogue(&self) -> &Arc<Catalogue> {
        &self.catalogue
    }

    /// The catalogue's analysed texts.
    #[must_use]
    pub fn text_statistics(&self) -> &TextStatistics {
        &self.statistics
    }

    /// Analyses a query's text.
    #[must_use]
    pub fn analyse(&self, query: &str) -> AnalysedQuery {
        let terms = self.analyser.clone().terms(query);
        let sequence: Vec<Option<TermId>> = terms
            .iter()
            .map(|term| self.statistics.term(term))
            .collect();
        let mut known_terms = Vec::with_capacity(sequence.len());
        for term in sequence.iter().flatten() {
            if !known_terms.contains(term) {
                known_terms.push(*term);
            }
        }
        let key = key_of_terms(terms);
        let distinct_terms = key.split(' ').filter(|term| !term.is_empty()).count();
        AnalysedQuery {
            known_terms,
            sequence,
            distinct_terms,
            key,
        }
    }

    /// The features of each candidate: a row-major matrix of `candidates.len()` rows and
    /// [`FEATURE_COUNT`] columns, NaN where a value is missing.
    ///
    /// The candidates are one list: price rank and z-score are relative to it. Training passes
    /// the logged lists and serving the candidates of a request, so where those are much longer,
    /// both columns are distributed otherwise than the model learned.
    #[must_use]
    pub fn compute(
        &self,
        query: &AnalysedQuery,
        candidates: &[ItemIndex],
        behaviour: &BehaviourTable,
    ) -> Vec<f64> {
        let mut values = vec![f64::NAN; candidates.len() * FEATURE_COUNT];
        let prices = ListPrices::of(
            candidates
                .iter()
                .map(|item| self.facts[item.as_usize()].log_price),
        );
        let pairs = behaviour.pairs(&query.key);
        for (row, item) in values.chunks_exact_mut(FEATURE_COUNT).zip(candidates) {
            self.write_text(row, query, *item);
            self.write_facts(row, *item, &prices);
            write_behaviour(row, behaviour, *item, pairs);
        }
        values
    }

    fn write_text(&self, row: &mut [f64], query: &AnalysedQuery, item: ItemIndex) {
        let statistics = &self.statistics;
        let mut set = |column: Column, value: f64| row[column as usize] = value;
        for (column, field) in [
            (Column::Bm25Title, Field::Title),
            (Column::Bm25Description, Field::Description),
            (Column::Bm25All, Field::All),
        ] {
            set(column, statistics.bm25(&query.known_terms, item, field));
        }
        for (column, field) in [
            (Column::TitleCoverage, Field::Title),
            (Column::AllCoverage, Field::All),
        ] {
            let text = statistics.text(item, field);
            let found = query
                .known_terms
                .iter()
                .filter(|term| text.count(**term) > 0)
                .count();
            set(column, share(found, query.distinct_terms));
        }
        let title = &statistics.text(item, Field::Title).terms;
        let prefix = !query.sequence.is_empty()
            && query.sequence.len() <= title.len()
            && query
                .sequence
                .iter()
                .zip(title)
                .all(|(typed, term)| *typed == Some(*term));
        set(Column::TitlePrefix, flag(prefix));
        set(
            Column::TitleExact,
            flag(prefix && query.sequence.len() == title.len()),
        );
        let brand = &statistics.text(item, Field::Brand).counts;
        if !brand.is_empty() {
            set(
                Column::BrandMatch,
                flag(
                    brand
                        .iter()
                        .all(|(term, _)| query.known_terms.contains(term)),
                ),
            );
        }
        let category = &self.facts[item.as_usize()].category;
        let found = category
            .iter()
            .filter(|term| query.known_terms.contains(term))
            .count();
        set(Column::CategoryMatch, share(found, category.len()));
        set(Column::QueryTerms, query.distinct_terms as f64);
    }

    fn write_facts(&self, row: &mut [f64], item: ItemIndex, prices: &ListPrices) {
        let facts = &self.facts[item.as_usize()];
        row[Column::LogPrice as usize] = facts.log_price;
        row[Column::PriceInCategory as usize] = facts.price_in_category;
        row[Column::PriceRank as usize] = prices.rank(facts.log_price);
        row[Column::PriceZScore as usize] = prices.z_score(facts.log_price);
        row[Column::InStock as usize] = facts.in_stock;
        row[Column::Popularity as usize] = facts.popularity;
    }
}

fn write_behaviour(
    row: &mut [f64],
    behaviour: &BehaviourTable,
    item: ItemIndex,
    pairs: &[(ItemIndex, Counts)],
) {
    let Some(counts) = behaviour.item(item) else {
        return;
    };
    let totals = behaviour.totals();
    let click_rate = smoothed(
        counts.clicks,
        counts.impressions,
        ratio(totals.clicks, totals.impressions),
        ITEM_PRIOR_IMPRESSIONS,
    );
    let mut set = |column: Column, value: f64| row[column as usize] = value;
    set(Column::ItemImpressions, logarithm(counts.impressions));
    set(Column::ItemClicks, logarithm(counts.clicks));
    set(Column::ItemClickRate, click_rate);
    let purchase_prior = ratio(totals.purchases, totals.clicks);
    set(
        Column::ItemPurchaseRate,
        smoothed(
            counts.purchases,
            counts.clicks,
            purchase_prior,
            ITEM_PRIOR_CLICKS,
        ),
    );
    if let Ok(place) = pairs.binary_search_by_key(&item, |pair| pair.0) {
        let pair = &pairs[place].1;
        set(Column::QueryItemClicks, logarithm(pair.clicks));
        let rate = smoothed(
            pair.clicks,
            pair.impressions,
            click_rate,
            PAIR_PRIOR_IMPRESSIONS,
        );
        set(Column::QueryItemClickRate, rate);
    }
}

fn item_facts(
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

/// The prices of one candidate list.
struct ListPrices {
    sorted: Vec<f64>,
    mean: f64,
    deviation: f64,
}

impl ListPrices {
    fn of(log_prices: impl Iterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = log_prices.filter(|price| !price.is_nan()).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let count = sorted.len() as f64;
        let mean = sorted.iter().sum::<f64>() / count;
        let variance = sorted
            .iter()
            .map(|price| (price - mean) * (price - mean))
            .sum::<f64>()
            / count;
        Self {
            sorted,
            mean,
            deviation: variance.sqrt(),
        }
    }

    fn rank(&self, log_price: f64) -> f64 {
        if log_price.is_nan() || self.sorted.len() < 2 {
            return f64::NAN;
        }
        let cheaper = self.sorted.partition_point(|other| *other < log_price);
        cheaper as f64 / (self.sorted.len() - 1) as f64
    }

    fn z_score(&self, log_price: f64) -> f64 {
        // Prices that differ by rounding alone do not differ.
        if self.deviation > 1e-9 {
            (log_price - self.mean) / self.deviation
        } else {
            f64::NAN
        }
    }
}

fn flag(value: bool) -> f64 {
    if value { 1.0 } else { 0.0 }
}

fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 {
        f64::NAN
    } else {
        part as f64 / whole as f64
    }
}

fn ratio(part: u32, whole: u32) -> f64 {
    if whole == 0 {
        0.0
    } else {
        f64::from(part) / f64::from(whole)
    }
}

fn smoothed(part: u32, whole: u32, prior: f64, weight: f64) -> f64 {
    (f64::from(part) + weight * prior) / (f64::from(whole) + weight)
}

fn logarithm(count: u32) -> f64 {
    libm::log1p(f64::from(count))
}
