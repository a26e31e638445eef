//! Which terms of a catalogue a term that it does not have may have meant.

use levenshtein_automata::{DFA, Distance, LevenshteinAutomatonBuilder, SINK_STATE};
use tantivy_fst::{Automaton, IntoStreamer, Map, Streamer};

use super::{TermId, TextStatistics};

/// Shorter terms are too near to too many others to be taken for a misspelling.
const SHORTEST_TERM_LETTERS: usize = 4;
/// From this length on, two edits are allowed.
const LONG_TERM_LETTERS: usize = 8;
/// Longer terms are not corrected: the automaton grows with the term.
const LONGEST_TERM_LETTERS: usize = 20;
/// Most corrections of one term.
const MAXIMUM_CORRECTIONS: usize = 8;

/// A term of the catalogue that was perhaps meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Correction {
    /// The catalogue's term.
    pub term: TermId,
    /// Letters inserted, left out, replaced or swapped with their neighbour: 1 or 2.
    pub edits: u8,
}

/// A catalogue's terms, to be searched by edit distance.
pub struct SpellingIndex {
    terms: Map<Vec<u8>>,
    /// Makes automata of one edit, and of two.
    automata: [LevenshteinAutomatonBuilder; 2],
}

/// The search library's automaton over the terms' bytes.
struct Within<'a>(&'a DFA);

impl Automaton for Within<'_> {
    type State = u32;

    fn start(&self) -> u32 {
        self.0.initial_state()
    }

    fn is_match(&self, state: &u32) -> bool {
        matches!(self.0.distance(*state), Distance::Exact(_))
    }

    fn can_match(&self, state: &u32) -> bool {
        *state != SINK_STATE
    }

    fn accept(&self, state: &u32, byte: u8) -> u32 {
        self.0.transition(*state, byte)
    }
}

impl SpellingIndex {
    /// Indexes the vocabulary.
    #[must_use]
    pub fn new(statistics: &TextStatistics) -> Self {
        let mut terms: Vec<(&str, u64)> = statistics
            .vocabulary()
            .map(|(term, number)| (term, u64::from(number)))
            .collect();
        terms.sort_unstable();
        Self {
            terms: Map::from_iter(terms).expect("the terms are sorted and distinct"),
            automata: [1, 2].map(|edits| LevenshteinAutomatonBuilder::new(edits, true)),
        }
    }

    /// Whether a term is compared with others at all.
    #[must_use]
    pub fn takes(term: &str) -> bool {
        (SHORTEST_TERM_LETTERS..=LONGEST_TERM_LETTERS).contains(&term.chars().count())
            && !term.bytes().any(|byte| byte.is_ascii_digit())
    }

    /// The terms nearest to one that the catalogue does not have: fewest edits first, then those that
    /// most items have, then by name; at most 8.
    ///
    /// One edit is allowed, two for 8 letters and more. Terms of fewer than 4 or more than 20 letters
    /// and terms with a digit, which tell models apart, have none.
    #[must_use]
    pub fn corrections(&self, term: &str, statistics: &TextStatistics) -> Vec<Correction> {
        if !Self::takes(term) {
            return Vec::new();
        }
        let is_long = term.chars().count() >= LONG_TERM_LETTERS;
        let builder = &self.automata[usize::from(is_long)];
        let within = builder.build_dfa(term);
        let mut found = Vec::new();
        let mut near = self.terms.search(Within(&within)).into_stream();
        while let Some((bytes, number)) = near.next() {
            if let (Distance::Exact(edits), Ok(term)) =
                (within.eval(bytes), TermId::try_from(number))
            {
                found.push(Correction { term, edits });
            }
        }
        // The stream is by name, and the sort keeps that order.
        found.sort_by_key(|it| {
            let items = statistics.document_frequency(it.term);
            (it.edits, std::cmp::Reverse(items))
        });
        found.truncate(MAXIMUM_CORRECTIONS);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;
    use crate::text::{Analyser, Language};

    fn corrections(titles: &[&str], term: &str) -> Vec<(String, u8)> {
        let lines: Vec<String> = titles
            .iter()
            .enumerate()
            .map(|(id, title)| format!(r#"{{"item_id":"{id}","title":"{title}"}}"#))
            .collect();
        let catalogue = Catalogue::read(lines.join("\n").as_bytes()).expect("a catalogue");
        let statistics = TextStatistics::new(&catalogue, &mut Analyser::new(Language::English));
        let name = |number: TermId| {
            let found = statistics.vocabulary().find(|(_, it)| *it == number);
            found.expect("a known term").0.to_owned()
        };
        let found = SpellingIndex::new(&statistics).corrections(term, &statistics);
        found
            .into_iter()
            .map(|it| (name(it.term), it.edits))
            .collect()
    }

    #[test]
    fn a_letter_too_few_too_many_wrong_or_swapped_is_one_edit() {
        for typo in ["lether", "leatther", "leadher", "leahter"] {
            let found = corrections(&["leather", "weather", "lamp"], typo);
            assert_eq!(found[0], ("leather".to_owned(), 1), "{typo}");
        }
    }

    #[test]
    fn two_edits_are_for_long_terms_and_short_terms_and_numbers_are_left_alone() {
        assert_eq!(
            corrections(&["leather"], "lathr"),
            [] as [(String, u8); 0],
            "five letters allow one edit"
        );
        assert_eq!(
            corrections(&["headphon"], "haedphno"),
            [("headphon".to_owned(), 2)]
        );
        for term in ["lam", "rx501", "abcdefghijklmnopqrstu"] {
            assert_eq!(
                corrections(&["lamp", "rx502"], term),
                [] as [(String, u8); 0],
                "{term}"
            );
        }
    }

    #[test]
    fn what_more_items_have_comes_first_then_the_name_and_the_number_is_bounded() {
        let titles = ["bolt", "boat", "boat", "boot"];
        let names: Vec<String> = corrections(&titles, "bost")
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert_eq!(names, ["boat", "bolt", "boot"]);
        let titles: Vec<String> = ('a'..='z').map(|letter| format!("bo{letter}q")).collect();
        let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
        assert_eq!(
            corrections(&titles, "bo0q".replace('0', "é").as_str()).len(),
            8
        );
    }
}
