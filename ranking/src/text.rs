//! Text analysis and BM25, the same for training, for serving and for the search index.
//!
//! It computes with `libm` and in a fixed order, so equal text gives equal bits on any machine.

use std::collections::HashMap;

use tantivy::tokenizer::{
    AsciiFoldingFilter, Language, LowerCaser, RemoveLongFilter, SimpleTokenizer, Stemmer,
    TextAnalyzer,
};

use crate::catalogue::{AttributeValue, Catalogue, ItemIndex, Product};

/// BM25's saturation of repeated terms.
const SATURATION: f64 = 1.2;
/// BM25's weight of a field's length.
const LENGTH_WEIGHT: f64 = 0.75;
/// Words of this many bytes or more are left out.
const LONGEST_WORD_BYTES: usize = 40;

/// Splits text into terms: at all that is neither letter nor digit, lower-cased, folded to ASCII, stemmed (English).
#[derive(Clone)]
pub struct Analyser {
    inner: TextAnalyzer,
}

impl Default for Analyser {
    fn default() -> Self {
        Self::english()
    }
}

impl Analyser {
    /// The analyser for English text.
    #[must_use]
    pub fn english() -> Self {
        let inner = TextAnalyzer::builder(SimpleTokenizer::default())
            .filter(RemoveLongFilter::limit(LONGEST_WORD_BYTES))
            .filter(LowerCaser)
            .filter(AsciiFoldingFilter)
            .filter(Stemmer::new(Language::English))
            .build();
        Self { inner }
    }

    /// The terms of `text`, in order, repeats included.
    pub fn terms(&mut self, text: &str) -> Vec<String> {
        let mut terms = Vec::new();
        self.inner
            .token_stream(text)
            .process(&mut |token| terms.push(token.text.clone()));
        terms
    }

    /// The terms of `text` sorted, without repeats, joined by blanks: queries that differ
    /// in case, number, word order or repetition share their behaviour under this key.
    pub fn query_key(&mut self, text: &str) -> String {
        key_of_terms(self.terms(text))
    }

    /// The analyser in the search library's own type.
    #[must_use]
    pub fn into_inner(self) -> TextAnalyzer {
        self.inner
    }
}

/// See [`Analyser::query_key`].
#[must_use]
pub fn key_of_terms(mut terms: Vec<String>) -> String {
    terms.sort_unstable();
    terms.dedup();
    terms.join(" ")
}

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
    /// Title, description, brand, category and the attributes' words, as one text.
    All,
}

impl Field {
    /// All fields, in the order of their numbers.
    pub const EVERY: [Self; 5] = [
        Self::Title,
        Self::Description,
        Self::Brand,
        Self::Category,
        Self::All,
    ];

    const fn number(self) -> usize {
        self as usize
    }
}

/// A term's number in the vocabulary of one catalogue.
pub type TermId = u32;

/// The terms of one field of one product.
#[derive(Debug, Clone, Default)]
pub struct FieldText {
    /// Terms in reading order.
    pub terms: Vec<TermId>,
    /// Each distinct term with how often it occurs, by term.
    pub counts: Vec<(TermId, u32)>,
}

impl FieldText {
    fn of(terms: Vec<TermId>) -> Self {
        let mut sorted = terms.clone();
        sorted.sort_unstable();
        let mut counts: Vec<(TermId, u32)> = Vec::with_capacity(sorted.len());
        for term in sorted {
            match counts.last_mut() {
                Some((last, count)) if *last == term => *count += 1,
                _ => counts.push((term, 1)),
            }
        }
        Self { terms, counts }
    }

    /// How often `term` occurs.
    #[must_use]
    pub fn count(&self, term: TermId) -> u32 {
        self.counts
            .binary_search_by_key(&term, |entry| entry.0)
            .map_or(0, |place| self.counts[place].1)
    }
}

/// What BM25 must know of one field over the whole catalogue.
#[derive(Debug, Clone, Default)]
struct FieldStatistics {
    /// Number of products whose field has the term, by term.
    document_frequencies: Vec<u32>,
    /// Mean number of terms.
    average_length: f64,
}

/// The analysed texts of a catalogue: vocabulary, document frequencies, average lengths.
#[derive(Debug, Clone)]
pub struct TextStatistics {
    vocabulary: HashMap<String, TermId>,
    fields: [FieldStatistics; 5],
    products: Vec<[FieldText; 5]>,
}

impl TextStatistics {
    /// Analyses every product.
    #[must_use]
    pub fn new(catalogue: &Catalogue, analyser: &mut Analyser) -> Self {
        let mut vocabulary = HashMap::new();
        let products: Vec<[FieldText; 5]> = catalogue
            .products()
            .iter()
            .map(|product| analyse(product, analyser, &mut vocabulary))
            .collect();
        let fields = Field::EVERY.map(|field| {
            let mut statistics = FieldStatistics {
                document_frequencies: vec![0; vocabulary.len()],
                average_length: 0.0,
            };
            let mut length = 0_u64;
            for product in &products {
                let text = &product[field.number()];
                length += text.terms.len() as u64;
                for (term, _) in &text.counts {
                    statistics.document_frequencies[*term as usize] += 1;
                }
            }
            statistics.average_length = length as f64 / products.len().max(1) as f64;
            statistics
        });
        Self {
            vocabulary,
            fields,
            products,
        }
    }

    /// The number of a term that some product has.
    #[must_use]
    pub fn term(&self, term: &str) -> Option<TermId> {
        self.vocabulary.get(term).copied()
    }

    /// The terms of one field of one product.
    #[must_use]
    pub fn text(&self, item: ItemIndex, field: Field) -> &FieldText {
        &self.products[item.as_usize()][field.number()]
    }

    /// BM25's inverse document frequency; always above 0.
    #[must_use]
    pub fn inverse_document_frequency(&self, term: TermId, field: Field) -> f64 {
        let documents = self.products.len() as f64;
        let containing = f64::from(self.fields[field.number()].document_frequencies[term as usize]);
        libm::log(1.0 + (documents - containing + 0.5) / (containing + 0.5))
    }

    /// BM25 of one field of one product for the query's distinct terms.
    #[must_use]
    pub fn bm25(&self, query: &[TermId], item: ItemIndex, field: Field) -> f64 {
        query
            .iter()
            .map(|term| self.bm25_of_term(*term, item, field))
            .sum()
    }

    /// One term's part of [`TextStatistics::bm25`].
    #[must_use]
    pub fn bm25_of_term(&self, term: TermId, item: ItemIndex, field: Field) -> f64 {
        let text = self.text(item, field);
        let count = f64::from(text.count(term));
        if count == 0.0 {
            return 0.0;
        }
        let length = text.terms.len() as f64 / self.fields[field.number()].average_length;
        let saturated = count * (SATURATION + 1.0)
            / (count + SATURATION * (1.0 - LENGTH_WEIGHT + LENGTH_WEIGHT * length));
        self.inverse_document_frequency(term, field) * saturated
    }
}

/// The distinct words of an attribute-less product and its attributes, by field.
fn analyse(
    product: &Product,
    analyser: &mut Analyser,
    vocabulary: &mut HashMap<String, TermId>,
) -> [FieldText; 5] {
    let mut numbered = |text: &str| -> Vec<TermId> {
        analyser
            .terms(text)
            .into_iter()
            .map(|term| {
                let next = TermId::try_from(vocabulary.len())
                    .expect("a catalogue has fewer than 2^32 terms");
                *vocabulary.entry(term).or_insert(next)
            })
            .collect()
    };
    let title = numbered(&product.title);
    let description = numbered(product.description.as_deref().unwrap_or_default());
    let brand = numbered(product.brand.as_deref().unwrap_or_default());
    let category = numbered(&product.category.join(" "));
    let attributes = numbered(&attribute_words(product));
    let all = [&title, &description, &brand, &category, &attributes]
        .into_iter()
        .flatten()
        .copied()
        .collect();
    [title, description, brand, category, all].map(FieldText::of)
}

/// The words in a product's attributes, in the order of the attributes' names.
#[must_use]
pub fn attribute_words(product: &Product) -> String {
    let texts = product.attributes.values().filter_map(|value| match value {
        AttributeValue::Text(text) => Some(text.as_str()),
        AttributeValue::Flag(_) | AttributeValue::Number(_) => None,
    });
    texts.collect::<Vec<_>>().join(" ")
}
