//! The analysed texts of a catalogue, and BM25 over them.
//!
//! One sorted list of terms for each item, and the counts of all fields for each: one search finds
//! what a term counts everywhere. The terms are apart from the counts, so that a search reads little.

use std::collections::HashMap;

use super::{Analyser, attribute_words};
use crate::catalogue::{Catalogue, ItemIndex, Product};

/// BM25's saturation of repeated terms.
const SATURATION: f64 = 1.2;
/// BM25's weight of a field's length.
const LENGTH_WEIGHT: f64 = 0.75;

/// The texts of a product that are searched and scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// The title.
    Title,
    /// The description.
    Description,
    /// The brand.
    Brand,
    /// The category path.
    Category,
    /// The words of the attributes.
    Attributes,
    /// The five others as one text.
    All,
}

/// Fields that are no sum of others.
const SINGLE_FIELDS: usize = 5;
/// All fields.
const FIELDS: usize = SINGLE_FIELDS + 1;
/// What an occurrence counts in BM25F, by field: the weights that retrieval has too.
const FIELD_WEIGHTS: [f64; SINGLE_FIELDS] = [3.0, 0.5, 2.0, 1.5, 1.0];

impl Field {
    /// All fields, in the order of their numbers.
    pub const EVERY: [Self; FIELDS] = [
        Self::Title,
        Self::Description,
        Self::Brand,
        Self::Category,
        Self::Attributes,
        Self::All,
    ];

    /// The field's number, from 0.
    #[must_use]
    pub const fn number(self) -> usize {
        self as usize
    }
}

/// A term's number in the vocabulary of one catalogue.
pub type TermId = u32;

/// How often a term occurs in each field of one item, by the field's number.
pub(crate) type FieldCounts = [u32; FIELDS];

/// A term's inverse document frequency in each field, by the field's number; all above 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TermWeights([f64; FIELDS]);

impl TermWeights {
    /// The inverse document frequency in one field.
    #[must_use]
    pub const fn of(&self, field: Field) -> f64 {
        self.0[field.number()]
    }
}

/// The analysed texts of a catalogue: vocabulary, document frequencies, lengths.
#[derive(Debug, Clone)]
pub struct TextStatistics {
    vocabulary: HashMap<String, TermId>,
    /// Number of items whose field has the term, by term and field.
    document_frequencies: Vec<[u32; FIELDS]>,
    /// By what the lengths of an item's fields divide its counts: 1 at a field's mean length.
    relative_lengths: Vec<[f64; FIELDS]>,
    /// The distinct terms of each item by number, item after item.
    terms: Vec<TermId>,
    /// How often each of them occurs in each single field.
    counts: Vec<[u16; SINGLE_FIELDS]>,
    /// Where each item's terms end.
    term_ends: Vec<usize>,
    /// The terms of each title in reading order, item after item.
    titles: Vec<TermId>,
    /// Where each item's title ends.
    title_ends: Vec<usize>,
}

impl TextStatistics {
    /// Analyses every product.
    #[must_use]
    pub fn new(catalogue: &Catalogue, analyser: &mut Analyser) -> Self {
        let mut statistics = Self {
            vocabulary: HashMap::new(),
            document_frequencies: Vec::new(),
            relative_lengths: Vec::new(),
            terms: Vec::new(),
            counts: Vec::new(),
            term_ends: Vec::with_capacity(catalogue.len()),
            titles: Vec::new(),
            title_ends: Vec::with_capacity(catalogue.len()),
        };
        let lengths: Vec<[u32; FIELDS]> = catalogue
            .products()
            .iter()
            .map(|product| statistics.add(product, analyser))
            .collect();
        statistics.relative_lengths = relative_lengths(&lengths);
        statistics.terms.shrink_to_fit();
        statistics.counts.shrink_to_fit();
        statistics
    }

    /// Takes up a product, and gives the number of terms in each of its fields.
    fn add(&mut self, product: &Product, analyser: &mut Analyser) -> [u32; FIELDS] {
        let texts: [&str; SINGLE_FIELDS] = [
            &product.title,
            product.description.as_deref().unwrap_or_default(),
            product.brand.as_deref().unwrap_or_default(),
            &product.category.join(" "),
            &attribute_words(product),
        ];
        let mut lengths = [0; FIELDS];
        let mut occurrences: Vec<(TermId, usize)> = Vec::new();
        for (field, text) in texts.into_iter().enumerate() {
            analyser.each_term(text, |term| {
                let term = number(&mut self.vocabulary, term);
                occurrences.push((term, field));
                if field == Field::Title.number() {
                    self.titles.push(term);
                }
                lengths[field] += 1;
                lengths[Field::All.number()] += 1;
            });
        }
        occurrences.sort_unstable();
        let first = self.terms.len();
        for (term, field) in occurrences {
            if self.terms[first..].last() != Some(&term) {
                self.terms.push(term);
                self.counts.push([0; SINGLE_FIELDS]);
            }
            if let Some(counts) = self.counts.last_mut() {
                counts[field] = counts[field].saturating_add(1);
            }
        }
        self.document_frequencies
            .resize(self.vocabulary.len(), [0; FIELDS]);
        for (term, counts) in self.terms[first..].iter().zip(&self.counts[first..]) {
            let frequencies = &mut self.document_frequencies[*term as usize];
            for (frequency, count) in frequencies.iter_mut().zip(counts) {
                *frequency += u32::from(*count > 0);
            }
            frequencies[Field::All.number()] += 1;
        }
        self.term_ends.push(self.terms.len());
        self.title_ends.push(self.titles.len());
        lengths
    }

    /// The number of a term that some product has.
    #[must_use]
    pub fn term(&self, term: &str) -> Option<TermId> {
        self.vocabulary.get(term).copied()
    }

    /// All terms that some product has, in any order.
    pub fn vocabulary(&self) -> impl Iterator<Item = (&str, TermId)> {
        self.vocabulary
            .iter()
            .map(|(term, number)| (term.as_str(), *number))
    }

    /// Number of items of which some text has the term.
    #[must_use]
    pub fn document_frequency(&self, term: TermId) -> u32 {
        self.document_frequencies[term as usize][Field::All.number()]
    }

    /// The terms of a title in reading order.
    #[must_use]
    pub fn title(&self, item: ItemIndex) -> &[TermId] {
        slice(&self.titles, &self.title_ends, item)
    }

    /// How many distinct terms a single field of an item has.
    pub(crate) fn distinct_terms(&self, item: ItemIndex, field: Field) -> usize {
        slice(&self.counts, &self.term_ends, item)
            .iter()
            .filter(|counts| counts[field.number()] > 0)
            .count()
    }

    /// How often a term occurs in the fields of an item; `None` if in none.
    pub(crate) fn counts(&self, term: TermId, item: ItemIndex) -> Option<FieldCounts> {
        let terms = slice(&self.terms, &self.term_ends, item);
        let place = terms.binary_search(&term).ok()?;
        let single = slice(&self.counts, &self.term_ends, item)[place];
        let mut counts = [0; FIELDS];
        for (field, count) in single.into_iter().enumerate() {
            counts[field] = u32::from(count);
            counts[Field::All.number()] += u32::from(count);
        }
        Some(counts)
    }

    /// BM25's inverse document frequency of a term in every field.
    #[must_use]
    pub fn weights(&self, term: TermId) -> TermWeights {
        let documents = self.relative_lengths.len() as f64;
        TermWeights(self.document_frequencies[term as usize].map(|containing| {
            let containing = f64::from(containing);
            libm::log(1.0 + (documents - containing + 0.5) / (containing + 0.5))
        }))
    }

    /// BM25 of one field of one product for the query's distinct terms.
    #[must_use]
    pub fn bm25(&self, query: &[TermId], item: ItemIndex, field: Field) -> f64 {
        query
            .iter()
            .filter_map(|term| {
                let counts = self.counts(*term, item)?;
                Some(self.bm25_of_counts(&counts, self.weights(*term), item, field))
            })
            .fold(0.0, |sum, part| sum + part)
    }

    /// A term's part of [`TextStatistics::bm25`].
    pub(crate) fn bm25_of_counts(
        &self,
        counts: &FieldCounts,
        weights: TermWeights,
        item: ItemIndex,
        field: Field,
    ) -> f64 {
        let number = field.number();
        if counts[number] == 0 {
            return 0.0;
        }
        let count = f64::from(counts[number]);
        let saturated = count * (SATURATION + 1.0)
            / (count + SATURATION * self.relative_lengths[item.as_usize()][number]);
        weights.0[number] * saturated
    }

    /// A term's part of BM25F: the occurrences in all single fields, each weighed by its field and
    /// that field's length, saturate together.
    ///
    /// After Robertson, Zaragoza and Taylor, "Simple BM25 extension to multiple weighted fields" (2004),
    /// with lengths by field as in Zaragoza et al., "Microsoft Cambridge at TREC 13" (2004).
    pub(crate) fn bm25f_of_counts(
        &self,
        counts: &FieldCounts,
        weights: TermWeights,
        item: ItemIndex,
    ) -> f64 {
        let lengths = &self.relative_lengths[item.as_usize()];
        let mut weighed = 0.0;
        for (field, weight) in FIELD_WEIGHTS.into_iter().enumerate() {
            if counts[field] > 0 {
                weighed += weight * f64::from(counts[field]) / lengths[field];
            }
        }
        weights.of(Field::All) * weighed * (SATURATION + 1.0) / (weighed + SATURATION)
    }
}

/// The lengths of fields, by item and field, as BM25 weighs them: 1 at a field's mean length.
fn relative_lengths(lengths: &[[u32; FIELDS]]) -> Vec<[f64; FIELDS]> {
    let items = lengths.len().max(1) as f64;
    let means: [f64; FIELDS] = std::array::from_fn(|field| {
        let length: u64 = lengths.iter().map(|it| u64::from(it[field])).sum();
        length as f64 / items
    });
    let relative =
        |length: u32, mean: f64| 1.0 - LENGTH_WEIGHT + LENGTH_WEIGHT * (f64::from(length) / mean);
    lengths
        .iter()
        .map(|it| std::array::from_fn(|field| relative(it[field], means[field])))
        .collect()
}

fn number(vocabulary: &mut HashMap<String, TermId>, term: &str) -> TermId {
    // Most terms are known: only a new one is copied.
    if let Some(number) = vocabulary.get(term) {
        return *number;
    }
    let number = TermId::try_from(vocabulary.len()).expect("a catalogue has fewer than 2^32 terms");
    vocabulary.insert(term.to_owned(), number);
    number
}

/// The part of one item in what is stored item after item.
fn slice<'a, T>(values: &'a [T], ends: &[usize], item: ItemIndex) -> &'a [T] {
    let place = item.as_usize();
    let start = place.checked_sub(1).map_or(0, |before| ends[before]);
    &values[start..ends[place]]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Language;

    #[test]
    fn bm25f_of_one_field_at_its_mean_length_is_bm25_with_a_weighed_count() {
        let lines = [
            r#"{"item_id":"a","title":"red lamp"}"#,
            r#"{"item_id":"b","title":"blue chair"}"#,
        ];
        let catalogue = Catalogue::read(lines.join("\n").as_bytes()).expect("a catalogue");
        let mut analyser = Analyser::new(Language::English);
        let statistics = TextStatistics::new(&catalogue, &mut analyser);
        let red = statistics.term("red").expect("known");
        let item = ItemIndex(0);
        let counts = statistics.counts(red, item).expect("it has the term");
        assert_eq!(counts, [1, 0, 0, 0, 0, 1]);
        let weights = statistics.weights(red);
        let expected = weights.of(Field::All) * 3.0 * 2.2 / (3.0 + 1.2);
        let actual = statistics.bm25f_of_counts(&counts, weights, item);
        assert!((actual - expected).abs() < 1e-12, "{actual} {expected}");
        assert_eq!(statistics.counts(red, ItemIndex(1)), None);
    }

    #[test]
    fn terms_are_counted_in_the_field_they_stand_in() {
        let line = r#"{"item_id":"a","title":"Red red lamp","brand":"Lamp","category":["Home","Lamps"],"attributes":{"colour":"red","watt":5}}"#;
        let catalogue = Catalogue::read(line.as_bytes()).expect("a catalogue");
        let mut analyser = Analyser::new(Language::English);
        let statistics = TextStatistics::new(&catalogue, &mut analyser);
        let counts = |term: &str| {
            let term = statistics.term(term).expect("known");
            statistics.counts(term, ItemIndex(0)).expect("it has it")
        };
        assert_eq!(counts("red"), [2, 0, 0, 0, 1, 3]);
        assert_eq!(counts("lamp"), [1, 0, 1, 1, 0, 3]);
        assert_eq!(statistics.title(ItemIndex(0)).len(), 3);
        assert_eq!(statistics.distinct_terms(ItemIndex(0), Field::Category), 2);
    }
}
