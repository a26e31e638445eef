//! The demo shop's own search: plain BM25 over titles and all text, with the noise of a live shop
//! in the lists it shows.
//!
//! It shares no code with retrieval and features: demo data is the same whatever those learn, and
//! the shop's order is not a feature in disguise. Computed with `libm` alone.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::catalogue::{AttributeValue, Catalogue, Product};
use crate::generate::random::Stream;

/// Items that compete for a list.
pub(super) const CANDIDATES: usize = 60;
/// Items that a list shows.
pub(super) const SHOWN: usize = 16;
/// Answers that are kept; an answer is the same whether it was kept or not.
const KEPT_ANSWERS: usize = 20_000;
/// BM25's usual constants.
const SATURATION: f64 = 1.2;
const LENGTH_WEIGHT: f64 = 0.75;

/// Numbers of items with their scores, best first.
pub(super) type Candidates = Arc<[(u32, f64)]>;

pub(super) struct ShopSearch {
    /// For each term the items that have it in any text, and what it adds to their scores.
    postings: HashMap<String, Vec<(u32, f64)>>,
    answers: HashMap<String, Candidates>,
    /// A score for each item, 0 between searches.
    scores: Vec<f64>,
}

impl ShopSearch {
    pub(super) fn new(catalogue: &Catalogue) -> Self {
        let mut postings = HashMap::new();
        for field in [title as fn(&Product) -> String, all_text] {
            index(catalogue, field, &mut postings);
        }
        Self {
            postings,
            answers: HashMap::new(),
            scores: vec![0.0; catalogue.len()],
        }
    }

    /// The best items for a text.
    pub(super) fn candidates(&mut self, text: &str) -> Candidates {
        // In a fixed order: a sum does not depend on the order of the words.
        let mut terms = words(text);
        terms.sort_unstable();
        terms.dedup();
        let key = terms.join(" ");
        if let Some(answer) = self.answers.get(&key) {
            return answer.clone();
        }
        let answer: Candidates = self.score(&terms).into();
        if self.answers.len() >= KEPT_ANSWERS {
            self.answers.clear();
        }
        self.answers.insert(key, answer.clone());
        answer
    }

    fn score(&mut self, terms: &[String]) -> Vec<(u32, f64)> {
        let mut found = Vec::new();
        for (item, score) in terms
            .iter()
            .filter_map(|term| self.postings.get(term))
            .flatten()
        {
            let sum = &mut self.scores[*item as usize];
            if *sum == 0.0 {
                found.push(*item);
            }
            *sum += score;
        }
        let mut scored: Vec<(u32, f64)> = found
            .into_iter()
            .map(|item| (item, std::mem::take(&mut self.scores[item as usize])))
            .collect();
        if scored.len() > CANDIDATES {
            scored.select_nth_unstable_by(CANDIDATES, best_first);
            scored.truncate(CANDIDATES);
        }
        scored.sort_unstable_by(best_first);
        scored
    }

    /// The list that one search shows, of the items that are sold.
    pub(super) fn show(
        &mut self,
        text: &str,
        is_sold: impl Fn(usize) -> bool,
        stream: &mut Stream,
    ) -> Vec<usize> {
        let mut noisy: Vec<(u32, f64)> = self
            .candidates(text)
            .iter()
            .filter(|(item, _)| is_sold(*item as usize))
            .map(|(item, score)| (*item, score * (1.0 + 0.25 * stream.normal())))
            .collect();
        noisy.sort_unstable_by(best_first);
        noisy.truncate(SHOWN);
        noisy.into_iter().map(|(item, _)| item as usize).collect()
    }
}

fn best_first(left: &(u32, f64), right: &(u32, f64)) -> std::cmp::Ordering {
    right.1.total_cmp(&left.1).then(left.0.cmp(&right.0))
}

/// Adds BM25 of one text of each product to the postings.
fn index(
    catalogue: &Catalogue,
    text: impl Fn(&Product) -> String,
    postings: &mut HashMap<String, Vec<(u32, f64)>>,
) {
    let mut lengths = Vec::with_capacity(catalogue.len());
    let mut counts: HashMap<String, Vec<(u32, u32)>> = HashMap::new();
    for (item, product) in (0_u32..).zip(catalogue.products()) {
        let terms = words(&text(product));
        lengths.push(terms.len() as f64);
        let mut of_item: BTreeMap<String, u32> = BTreeMap::new();
        for term in terms {
            *of_item.entry(term).or_default() += 1;
        }
        for (term, count) in of_item {
            counts.entry(term).or_default().push((item, count));
        }
    }
    let documents = lengths.len() as f64;
    let average = lengths.iter().sum::<f64>() / documents;
    for (term, items) in counts {
        let containing = items.len() as f64;
        let rarity = libm::log(1.0 + (documents - containing + 0.5) / (containing + 0.5));
        let list = postings.entry(term).or_default();
        list.extend(items.into_iter().map(|(item, count)| {
            let count = f64::from(count);
            let length = lengths[item as usize] / average;
            let norm = SATURATION * (1.0 - LENGTH_WEIGHT + LENGTH_WEIGHT * length);
            (item, rarity * count * (SATURATION + 1.0) / (count + norm))
        }));
    }
}

fn title(product: &Product) -> String {
    product.title.clone()
}

fn all_text(product: &Product) -> String {
    let attributes = product.attributes.values().filter_map(|value| match value {
        AttributeValue::Text(text) => Some(text.as_str()),
        _ => None,
    });
    [
        product.title.as_str(),
        product.description.as_deref().unwrap_or_default(),
        product.brand.as_deref().unwrap_or_default(),
    ]
    .into_iter()
    .chain(product.category.iter().map(String::as_str))
    .chain(attributes)
    .collect::<Vec<_>>()
    .join(" ")
}

/// Words in lower case and, by a rule of thumb, in the singular.
fn words(text: &str) -> Vec<String> {
    text.to_lowercase()
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| match word.strip_suffix('s') {
            Some(singular) if singular.len() > 2 && !singular.ends_with('s') => singular.to_owned(),
            _ => word.to_owned(),
        })
        .collect()
}
