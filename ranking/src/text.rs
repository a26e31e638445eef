//! Text analysis and BM25, the same for training, for serving and for the search index.
//!
//! It computes with `libm` and in a fixed order, so equal text gives equal bits on any machine.

mod language;
mod spelled_out;
mod spelling;
mod statistics;

use tantivy::tokenizer::{
    AsciiFoldingFilter, LowerCaser, RemoveLongFilter, SimpleTokenizer, Stemmer, TextAnalyzer,
};

use crate::catalogue::{AttributeValue, Product};

pub use language::{Language, UnknownLanguage};
pub use spelling::{Correction, SpellingIndex};
pub(crate) use statistics::FieldCounts;
pub use statistics::{Field, TermId, TermWeights, TextStatistics};

/// Words of this many bytes or more are left out.
const LONGEST_WORD_BYTES: usize = 40;

/// Splits text into terms: at all that is neither letter nor digit, lower-cased, with one letter for
/// each that is spelled out by two, folded to ASCII, stemmed.
///
/// Accents go before the stemmer sees a word, so that a word typed without them gives the same term.
/// The German stemmer takes spelled-out umlauts for what they are.
#[derive(Clone)]
pub struct Analyser {
    inner: TextAnalyzer,
}

impl Analyser {
    /// The analyser for text of a language.
    #[must_use]
    pub fn new(language: Language) -> Self {
        let inner = TextAnalyzer::builder(SimpleTokenizer::default())
            .filter(RemoveLongFilter::limit(LONGEST_WORD_BYTES))
            .filter(LowerCaser)
            .filter(language.spelled_out())
            .filter(AsciiFoldingFilter)
            .filter(Stemmer::new(language.stemmer()))
            .build();
        Self { inner }
    }

    /// The terms of `text`, in order, repeats included.
    pub fn terms(&mut self, text: &str) -> Vec<String> {
        let mut terms = Vec::new();
        self.each_term(text, |term| terms.push(term.to_owned()));
        terms
    }

    /// Calls `use_term` with each term of `text`, in order, repeats included.
    pub fn each_term(&mut self, text: &str, mut use_term: impl FnMut(&str)) {
        self.inner
            .token_stream(text)
            .process(&mut |token| use_term(&token.text));
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

/// The words in a product's attributes, in the order of the attributes' names.
#[must_use]
pub fn attribute_words(product: &Product) -> String {
    let texts = product.attributes.values().filter_map(|value| match value {
        AttributeValue::Text(text) => Some(text.as_str()),
        AttributeValue::Flag(_) | AttributeValue::Number(_) => None,
    });
    texts.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(language: Language, one: &str, other: &str) -> bool {
        let mut analyser = Analyser::new(language);
        analyser.terms(one) == analyser.terms(other)
    }

    #[test]
    fn plurals_and_accents_are_one_term_in_the_language_of_the_text() {
        assert!(same(Language::English, "running Shoes", "Running shoe"));
        for (one, other) in [
            ("Stühle", "stuhl"),
            ("Häuser", "Haus"),
            ("Jacken", "jacke"),
            ("Wintermäntel", "Wintermantel"),
        ] {
            assert!(same(Language::German, one, other), "{one} {other}");
        }
        assert!(!same(Language::English, "Jacken", "jacke"));
        for (one, other) in [
            ("chaussures élégantes", "chaussure elegante"),
            ("Rideaux", "rideau"),
        ] {
            assert!(same(Language::French, one, other), "{one} {other}");
        }
    }

    #[test]
    fn letters_that_are_spelled_out_are_those_of_the_alphabet() {
        use Language::{Danish, Dutch, English, German, Norwegian, Swedish};
        for (language, one, other) in [
            (German, "schluessel", "Schlüssel"),
            (German, "SCHLUESSEL", "schlussel"),
            (German, "Haeuser", "Häuser"),
            (German, "gruene Struempfe", "grüner Strumpf"),
            (German, "Oelgemaelde", "Ölgemälde"),
            (German, "Menue", "Menü"),
            (German, "Fussbaelle", "Fußball"),
            (Danish, "blaa koekkenborde", "blå køkkenbord"),
            (Danish, "aebleskaerer", "æbleskærer"),
            (Norwegian, "smaa broed", "små brød"),
            (Swedish, "aelskling smoerdegar", "älskling smördegar"),
            (Swedish, "graa", "grå"),
        ] {
            assert!(same(language, one, other), "{one} {other}");
        }
        // Elsewhere these are letters as any.
        assert!(!same(English, "muesli", "müsli"));
        assert!(!same(Dutch, "koek", "kok"));
    }

    #[test]
    fn ordinary_words_with_such_letters_match_themselves_and_their_inflections() {
        use Language::{Danish, German, Norwegian, Swedish};
        for word in [
            "neue", "poet", "treue", "soer", "quelle", "steuer", "aloe", "israel",
        ] {
            for language in [German, Danish, Norwegian, Swedish] {
                assert!(same(language, word, &word.to_uppercase()), "{word}");
            }
        }
        for (one, other) in [
            ("neue", "neu"),
            ("treuer", "treue"),
            ("Frauen", "Frau"),
            ("Poeten", "Poet"),
        ] {
            assert!(same(German, one, other), "{one} {other}");
        }
        // The vowels of one word are not taken for the umlaut of another.
        for (one, other) in [("bauer", "baur"), ("neuer", "neur"), ("quer", "qur")] {
            assert!(!same(German, one, other), "{one} {other}");
        }
    }
}
