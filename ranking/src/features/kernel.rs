//! The kernel: the feature values of a query and its candidates.
//!
//! A pure function of its arguments; it counts no behaviour and reads no events.

use std::sync::Arc;

use crate::catalogue::{Catalogue, ItemIndex};
use crate::features::behaviour::BehaviourTable;
use crate::features::definitions::FEATURE_COUNT;
use crate::features::item::{ItemFacts, item_facts, write_facts};
use crate::features::list::ListPrices;
use crate::features::rates::write_behaviour;
use crate::features::recent::{ItemGroups, RecentActivity, RecentEvent};
use crate::features::text_match::write_text;
use crate::text::{Analyser, TermId, TextStatistics, key_of_terms};

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
    /// What who searches did before, newest first; empty if that is not known.
    pub recent: Vec<RecentEvent>,
}

impl AnalysedQuery {
    /// The query with what who searches did before, newest first.
    #[must_use]
    pub fn with_recent(self, recent: Vec<RecentEvent>) -> Self {
        Self { recent, ..self }
    }
}

/// All that features are computed from but behaviour: the catalogue and its analysed texts.
pub struct FeatureContext {
    catalogue: Arc<Catalogue>,
    statistics: TextStatistics,
    facts: Vec<ItemFacts>,
    groups: ItemGroups,
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
            groups: ItemGroups::of(&catalogue),
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
            recent: Vec::new(),
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
        let log_price = |item: ItemIndex| self.facts[item.as_usize()].log_price;
        let recent = RecentActivity::of(&query.recent, &self.groups, log_price);
        for (row, item) in values.chunks_exact_mut(FEATURE_COUNT).zip(candidates) {
            let facts = &self.facts[item.as_usize()];
            write_text(row, query, &self.statistics, facts, *item);
            write_facts(row, facts, &prices);
            write_behaviour(row, behaviour, *item, pairs);
            if let Some(recent) = &recent {
                recent.write(row, *item, facts.log_price);
            }
        }
        values
    }
}
