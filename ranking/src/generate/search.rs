//! The demo shop's own search: plain BM25, with the noise of a live shop in the lists it shows.
//!
//! Not `retrieval`: what is shown becomes data, so it is computed with `libm` alone.

use std::collections::HashMap;
use std::sync::Arc;

use crate::catalogue::{Catalogue, ItemIndex};
use crate::features::FeatureContext;
use crate::generate::random::Stream;
use crate::text::{Field, TermId};

/// Items that compete for a list.
pub(super) const CANDIDATES: usize = 60;
/// Items that a list shows.
pub(super) const SHOWN: usize = 16;
/// Answers that are kept; an answer is the same whether it was kept or not.
const KEPT_ANSWERS: usize = 20_000;

pub(super) struct ShopSearch {
    context: FeatureContext,
    /// Items that have the term in any text, by term.
    postings: HashMap<TermId, Vec<ItemIndex>>,
    answers: HashMap<String, Arc<[(ItemIndex, f64)]>>,
}

impl ShopSearch {
    pub(super) fn new(catalogue: &Catalogue) -> Self {
        let context = FeatureContext::new(Arc::new(catalogue.clone()));
        let mut postings: HashMap<TermId, Vec<ItemIndex>> = HashMap::new();
        for item in catalogue.places() {
            for term in context.text_statistics().terms(item) {
                postings.entry(term).or_default().push(item);
            }
        }
        Self {
            context,
            postings,
            answers: HashMap::new(),
        }
    }

    /// The best items for a text with their scores, best first.
    pub(super) fn candidates(&mut self, text: &str) -> Arc<[(ItemIndex, f64)]> {
        if let Some(answer) = self.answers.get(text) {
            return answer.clone();
        }
        let answer: Arc<[(ItemIndex, f64)]> = self.score(text).into();
        if self.answers.len() >= KEPT_ANSWERS {
            self.answers.clear();
        }
        self.answers.insert(text.to_owned(), answer.clone());
        answer
    }

    fn score(&self, text: &str) -> Vec<(ItemIndex, f64)> {
        let query = self.context.analyse(text);
        let statistics = self.context.text_statistics();
        let mut items: Vec<ItemIndex> = query
            .known_terms
            .iter()
            .filter_map(|term| self.postings.get(term))
            .flatten()
            .copied()
            .collect();
        items.sort_unstable();
        items.dedup();
        let mut scored: Vec<(ItemIndex, f64)> = items
            .into_iter()
            .map(|item| {
                let title = statistics.bm25(&query.known_terms, item, Field::Title);
                (
                    item,
                    title + statistics.bm25(&query.known_terms, item, Field::All),
                )
            })
            .collect();
        scored
            .sort_unstable_by(|left, right| right.1.total_cmp(&left.1).then(left.0.cmp(&right.0)));
        scored.truncate(CANDIDATES);
        scored
    }

    /// The list that one search shows.
    pub(super) fn show(&mut self, text: &str, stream: &mut Stream) -> Vec<ItemIndex> {
        let candidates = self.candidates(text);
        let mut noisy: Vec<(ItemIndex, f64)> = candidates
            .iter()
            .map(|(item, score)| (*item, score * (1.0 + 0.25 * stream.normal())))
            .collect();
        noisy.sort_unstable_by(|left, right| right.1.total_cmp(&left.1).then(left.0.cmp(&right.0)));
        noisy.truncate(SHOWN);
        noisy.into_iter().map(|(item, _)| item).collect()
    }
}
