//! The kernel: the feature values of a query and its candidates.
//!
//! A pure function of its arguments; it counts no behaviour and reads no events.

use std::sync::Arc;

use crate::catalogue::{Catalogue, ItemIndex};
use crate::features::behaviour::BehaviourTable;
use crate::features::definitions::FEATURE_COUNT;
use crate::features::item::{Items, attribute_columns};
use crate::features::list::write_list;
use crate::features::recent::{ItemGroups, RecentActivity, RecentEvent};
use crate::features::text_match::write_texts;
use crate::text::{
    Analyser, Correction, Field, SpellingIndex, TermId, TermWeights, TextStatistics, key_of_terms,
};

/// Most terms of one query that are corrected.
const MAXIMUM_CORRECTED_TERMS: usize = 8;

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
    /// The weights of the known terms, in their order.
    pub(super) weights: Vec<TermWeights>,
    /// Corrections of each unknown term that has any.
    pub(super) misspelt: Vec<Vec<(Correction, TermWeights)>>,
    /// Sum of the known terms' inverse document frequencies over all texts.
    pub(super) idf_sum: f64,
    /// The greatest of them; 0 without a known term.
    pub(super) idf_max: f64,
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
    spelling: SpellingIndex,
    items: Items,
    groups: ItemGroups,
    analyser: Analyser,
}

impl FeatureContext {
    /// Analyses the catalogue. Every attribute with a number becomes a column.
    #[must_use]
    pub fn new(catalogue: Arc<Catalogue>) -> Self {
        let attributes = attribute_columns(&catalogue);
        Self::with_attributes(catalogue, attributes)
    }

    /// Analyses the catalogue; these attributes become columns, in this order: those of the feature
    /// schema that a model was trained with.
    #[must_use]
    pub fn with_attributes(catalogue: Arc<Catalogue>, attributes: Vec<String>) -> Self {
        let mut analyser = Analyser::new(catalogue.language());
        let statistics = TextStatistics::new(&catalogue, &mut analyser);
        let items = Items::new(&catalogue, &statistics, &mut analyser, attributes);
        Self {
            spelling: SpellingIndex::new(&statistics),
            groups: ItemGroups::of(&catalogue),
            catalogue,
            statistics,
            items,
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

    /// The attributes that are columns after the declared ones, in their order.
    #[must_use]
    pub fn attributes(&self) -> &[String] {
        self.items.attribute_names()
    }

    /// Number of columns: [`FEATURE_COUNT`] and one for each attribute.
    #[must_use]
    pub fn feature_count(&self) -> usize {
        FEATURE_COUNT + self.attributes().len()
    }

    /// Analyses a query's text.
    #[must_use]
    pub fn analyse(&self, query: &str) -> AnalysedQuery {
        // The library's analyser keeps state while it reads; a copy is one allocation.
        let terms = self.analyser.clone().terms(query);
        let statistics = &self.statistics;
        let sequence: Vec<Option<TermId>> =
            terms.iter().map(|term| statistics.term(term)).collect();
        let mut known_terms = Vec::with_capacity(sequence.len());
        let mut unknown_terms: Vec<&str> = Vec::new();
        for (term, number) in terms.iter().zip(&sequence) {
            match number {
                Some(number) if !known_terms.contains(number) => known_terms.push(*number),
                None if !unknown_terms.contains(&term.as_str()) => unknown_terms.push(term),
                _ => {}
            }
        }
        let weights: Vec<TermWeights> = known_terms
            .iter()
            .map(|term| statistics.weights(*term))
            .collect();
        let misspelt = unknown_terms
            .iter()
            .filter(|term| SpellingIndex::takes(term))
            .take(MAXIMUM_CORRECTED_TERMS)
            .map(|term| {
                let found = self.spelling.corrections(term, statistics).into_iter();
                found
                    .map(|correction| (correction, statistics.weights(correction.term)))
                    .collect::<Vec<_>>()
            })
            .filter(|corrections| !corrections.is_empty())
            .collect();
        let idfs = || weights.iter().map(|weights| weights.of(Field::All));
        AnalysedQuery {
            idf_sum: idfs().fold(0.0, |sum, idf| sum + idf),
            idf_max: idfs().fold(0.0, f64::max),
            distinct_terms: known_terms.len() + unknown_terms.len(),
            known_terms,
            sequence,
            weights,
            misspelt,
            key: key_of_terms(terms),
            recent: Vec::new(),
        }
    }

    /// The features of each candidate: a row-major matrix of `candidates.len()` rows and
    /// [`feature_count`](Self::feature_count) columns, NaN where a value is missing.
    ///
    /// The candidates are one list in retrieval order: price rank and z-scores are relative to its
    /// first 16, so a logged list of at least 16 and a longer one of a request that begins with it are
    /// measured alike.
    #[must_use]
    pub fn compute(
        &self,
        query: &AnalysedQuery,
        candidates: &[ItemIndex],
        behaviour: &BehaviourTable,
    ) -> Vec<f64> {
        let mut rows = Vec::new();
        self.compute_into(query, candidates, behaviour, &mut rows);
        rows
    }

    /// As [`FeatureContext::compute`], appended to `rows`: a buffer that is used again is not
    /// allocated again.
    pub fn compute_into(
        &self,
        query: &AnalysedQuery,
        candidates: &[ItemIndex],
        behaviour: &BehaviourTable,
        rows: &mut Vec<f64>,
    ) {
        let width = self.feature_count();
        let start = rows.len();
        rows.resize(start + candidates.len() * width, f64::NAN);
        let rows = &mut rows[start..];
        let pairs = behaviour.pairs(&query.key);
        let log_price = |item| self.items.log_price(item);
        let recent = RecentActivity::of(&query.recent, &self.groups, log_price);
        // One kind of columns after the other, so that what is read of several candidates is waited
        // for together.
        for (row, item) in rows.chunks_exact_mut(width).zip(candidates) {
            self.items.write(row, *item, behaviour.snapshot());
        }
        for (row, item) in rows.chunks_exact_mut(width).zip(candidates) {
            if let Some(behaviour) = behaviour.behaviour(*item) {
                let pair = pairs.binary_search_by_key(item, |pair| pair.0).ok();
                behaviour.write(pair.map(|place| &pairs[place].1), row);
            }
        }
        write_texts(
            rows,
            width,
            query,
            &self.statistics,
            &self.items,
            candidates,
        );
        if let Some(recent) = &recent {
            for (row, item) in rows.chunks_exact_mut(width).zip(candidates) {
                recent.write(row, *item, log_price(*item));
            }
        }
        write_list(rows, width);
    }
}
