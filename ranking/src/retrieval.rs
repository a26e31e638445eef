//! Retrieval: the products whose text answers a query, from a tantivy index in memory.
//!
//! It ranks by text alone; the model ranks what it finds.

use std::collections::HashSet;

use tantivy::collector::TopDocs;
use tantivy::directory::RamDirectory;
use tantivy::query::{BooleanQuery, BoostQuery, FuzzyTermQuery, Occur, Query, TermQuery};
use tantivy::schema::{Field, IndexRecordOption, Schema, TextFieldIndexing, TextOptions};
use tantivy::tokenizer::TokenizerManager;
use tantivy::{Index, IndexReader, ReloadPolicy, TantivyDocument, Term};

use crate::catalogue::{Catalogue, ItemIndex, Product};
use crate::text::{Analyser, attribute_words};

const ANALYSER_NAME: &str = "searchop";
const INDEXING_BYTES: usize = 64 * 1024 * 1024;
/// Shorter terms are too near to too many others to be taken for a misspelling.
const SHORTEST_FUZZY_TERM_BYTES: usize = 5;
/// What a match that is one edit away counts of a match.
const FUZZY_WEIGHT: f32 = 0.3;
/// Most distinct terms of a query that are searched for.
const MAXIMUM_QUERY_TERMS: usize = 32;

/// Why an index could not be built or searched.
#[derive(Debug, thiserror::Error)]
#[error("search index: {0}")]
pub struct RetrievalError(#[from] tantivy::TantivyError);

/// A searched text of a product, and what a match in it counts.
struct SearchedField {
    name: &'static str,
    boost: f32,
    text: fn(&Product) -> String,
}

const SEARCHED_FIELDS: [SearchedField; 5] = [
    SearchedField {
        name: "title",
        boost: 3.0,
        text: |product| product.title.clone(),
    },
    SearchedField {
        name: "brand",
        boost: 2.0,
        text: |product| product.brand.clone().unwrap_or_default(),
    },
    SearchedField {
        name: "category",
        boost: 1.5,
        text: |product| product.category.join(" "),
    },
    SearchedField {
        name: "attributes",
        boost: 1.0,
        text: attribute_words,
    },
    SearchedField {
        name: "description",
        boost: 0.5,
        text: |product| product.description.clone().unwrap_or_default(),
    },
];

/// The search index of one catalogue.
pub struct RetrievalIndex {
    reader: IndexReader,
    fields: Vec<(Field, f32)>,
    analyser: Analyser,
    products: usize,
}

impl RetrievalIndex {
    /// Indexes a catalogue, in this thread and as one segment, so that document numbers are item places.
    ///
    /// # Errors
    /// What the search library says.
    pub fn new(catalogue: &Catalogue) -> Result<Self, RetrievalError> {
        let mut builder = Schema::builder();
        let indexing = TextFieldIndexing::default()
            .set_tokenizer(ANALYSER_NAME)
            .set_index_option(IndexRecordOption::WithFreqs);
        let options = TextOptions::default().set_indexing_options(indexing);
        let fields: Vec<(Field, f32)> = SEARCHED_FIELDS
            .iter()
            .map(|field| {
                (
                    builder.add_text_field(field.name, options.clone()),
                    field.boost,
                )
            })
            .collect();
        let analyser = Analyser::new(catalogue.language());
        let tokenizers = TokenizerManager::default();
        tokenizers.register(ANALYSER_NAME, analyser.clone().into_inner());
        let mut writer = Index::builder()
            .schema(builder.build())
            .tokenizers(tokenizers)
            .single_segment_index_writer::<TantivyDocument>(
                RamDirectory::create(),
                INDEXING_BYTES,
            )?;
        for product in catalogue.products() {
            let mut document = TantivyDocument::new();
            for ((field, _), searched) in fields.iter().zip(&SEARCHED_FIELDS) {
                document.add_text(*field, (searched.text)(product));
            }
            writer.add_document(document)?;
        }
        let index = writer.finalize()?;
        let reader = index
            .reader_builder()
            .reload_policy(ReloadPolicy::Manual)
            .try_into()?;
        Ok(Self {
            reader,
            fields,
            analyser,
            products: catalogue.len(),
        })
    }

    /// The best `limit` products for the query with their scores, best first, equal scores in catalogue order.
    ///
    /// Any matching term finds a product. A query without terms finds nothing.
    ///
    /// # Errors
    /// What the search library says.
    pub fn search(
        &self,
        query: &str,
        limit: usize,
    ) -> Result<Vec<(ItemIndex, f32)>, RetrievalError> {
        let mut terms = self.analyser.clone().terms(query);
        let mut seen = HashSet::new();
        terms.retain(|term| seen.insert(term.clone()));
        terms.truncate(MAXIMUM_QUERY_TERMS);
        let limit = limit.min(self.products);
        if terms.is_empty() || limit == 0 {
            return Ok(Vec::new());
        }
        let searcher = self.reader.searcher();
        let mut clauses = Vec::new();
        for term in &terms {
            for (field, boost) in &self.fields {
                let exact = Term::from_field_text(*field, term);
                let fuzzy =
                    term.len() >= SHORTEST_FUZZY_TERM_BYTES && searcher.doc_freq(&exact)? == 0;
                let (query, boost): (Box<dyn Query>, f32) = if fuzzy {
                    (
                        Box::new(FuzzyTermQuery::new(exact, 1, true)),
                        boost * FUZZY_WEIGHT,
                    )
                } else {
                    (
                        Box::new(TermQuery::new(exact, IndexRecordOption::WithFreqs)),
                        *boost,
                    )
                };
                clauses.push((
                    Occur::Should,
                    Box::new(BoostQuery::new(query, boost)) as Box<dyn Query>,
                ));
            }
        }
        let query = BooleanQuery::new(clauses);
        let found = searcher.search(&query, &TopDocs::with_limit(limit).order_by_score())?;
        let mut ranked: Vec<(ItemIndex, f32)> = found
            .into_iter()
            .map(|(score, address)| (ItemIndex(address.doc_id), score))
            .collect();
        // The library orders so too; here it is a promise.
        ranked.sort_by(|left, right| right.1.total_cmp(&left.1).then(left.0.cmp(&right.0)));
        Ok(ranked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalogue_of(lines: &[&str]) -> Catalogue {
        Catalogue::read(lines.join("\n").as_bytes()).expect("a catalogue")
    }

    fn found(index: &RetrievalIndex, query: &str) -> Vec<u32> {
        index
            .search(query, 10)
            .expect("searched")
            .iter()
            .map(|found| found.0.0)
            .collect()
    }

    #[test]
    fn equal_products_come_in_catalogue_order() {
        let lines: Vec<String> = (0..50)
            .map(|number| format!(r#"{{"item_id":"{number}","title":"Red Shoes"}}"#))
            .collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let index = RetrievalIndex::new(&catalogue_of(&lines)).expect("indexed");
        assert_eq!(found(&index, "shoe"), (0..10).collect::<Vec<_>>());
    }

    #[test]
    fn a_title_match_beats_a_description_match_and_stems_are_equal() {
        let index = RetrievalIndex::new(&catalogue_of(&[
            r#"{"item_id":"a","title":"Sock","description":"goes with running shoes"}"#,
            r#"{"item_id":"b","title":"Running Shoe"}"#,
            r#"{"item_id":"c","title":"Lamp"}"#,
        ]))
        .expect("indexed");
        assert_eq!(found(&index, "RUNNING shoes"), [1, 0]);
    }

    #[test]
    fn a_word_with_one_wrong_letter_still_finds_its_product() {
        let index = RetrievalIndex::new(&catalogue_of(&[
            r#"{"item_id":"a","title":"Desk lamp"}"#,
            r#"{"item_id":"b","title":"Leather jacket"}"#,
        ]))
        .expect("indexed");
        assert_eq!(found(&index, "lether"), [1]);
        assert_eq!(found(&index, "lmp"), [] as [u32; 0]);
    }

    #[test]
    fn a_query_without_words_and_an_empty_catalogue_find_nothing() {
        let index = RetrievalIndex::new(&catalogue_of(&[r#"{"item_id":"a","title":"Lamp"}"#]))
            .expect("indexed");
        assert_eq!(found(&index, " --- "), [] as [u32; 0]);
        let index = RetrievalIndex::new(&Catalogue::new()).expect("indexed");
        assert_eq!(found(&index, "lamp"), [] as [u32; 0]);
    }
}
