//! Letters that a keyboard lacks, typed with those that it has: `blaa` is `blå`, `koekken` is
//! `køkken`. Both spellings become one, in catalogue and query alike.
//!
//! No word list is asked, so ordinary words change as well (`poet` is `pot`) and still match
//! themselves. It is Lucene's `ScandinavianFoldingFilter` less its `ao` and `oo`. German needs no such
//! fold: its stemmer takes `ae`, `oe` and `ue` for umlauts itself.

use std::mem;

use tantivy::tokenizer::{Token, TokenFilter, TokenStream, Tokenizer};

/// Writes one letter for each that is spelled out, where the language does so.
#[derive(Debug, Clone, Copy)]
pub(super) struct SpelledOut {
    /// Whether the language spells out å, ä, æ, ö and ø by `aa`, `ae` and `oe`.
    pub(super) is_folded: bool,
}

/// Writes a word in lower case to `folded`, with one letter for each that is spelled out.
fn fold(word: &str, folded: &mut String) {
    folded.clear();
    let mut rest = word.chars();
    while let Some(letter) = rest.next() {
        // Folding to ASCII would make two letters of it again.
        folded.push(if letter == 'æ' { 'a' } else { letter });
        let mut after = rest.clone();
        if matches!(
            (letter, after.next()),
            ('a', Some('a' | 'e')) | ('o', Some('e'))
        ) {
            rest = after;
        }
    }
}

impl TokenFilter for SpelledOut {
    type Tokenizer<T: Tokenizer> = SpelledOutTokenizer<T>;

    fn transform<T: Tokenizer>(self, tokenizer: T) -> SpelledOutTokenizer<T> {
        SpelledOutTokenizer {
            is_folded: self.is_folded,
            tokenizer,
            buffer: String::new(),
        }
    }
}

/// A tokenizer whose words have one letter for each that is spelled out.
#[derive(Clone)]
pub(super) struct SpelledOutTokenizer<T> {
    is_folded: bool,
    tokenizer: T,
    buffer: String,
}

impl<T: Tokenizer> Tokenizer for SpelledOutTokenizer<T> {
    type TokenStream<'a> = SpelledOutStream<'a, T::TokenStream<'a>>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Self::TokenStream<'a> {
        SpelledOutStream {
            is_folded: self.is_folded,
            tail: self.tokenizer.token_stream(text),
            buffer: &mut self.buffer,
        }
    }
}

/// The words of one text.
pub(super) struct SpelledOutStream<'a, T> {
    is_folded: bool,
    tail: T,
    buffer: &'a mut String,
}

impl<T: TokenStream> TokenStream for SpelledOutStream<'_, T> {
    fn advance(&mut self) -> bool {
        if !self.tail.advance() {
            return false;
        }
        if self.is_folded {
            let word = &mut self.tail.token_mut().text;
            fold(word, self.buffer);
            mem::swap(word, self.buffer);
        }
        true
    }

    fn token(&self) -> &Token {
        self.tail.token()
    }

    fn token_mut(&mut self) -> &mut Token {
        self.tail.token_mut()
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn letters_are_one_wherever_they_stand() {
        for (word, expected) in [
            ("blaa", "bla"),
            ("blå", "blå"),
            ("koekken", "kokken"),
            ("saelger", "salger"),
            ("sælger", "salger"),
            ("blaabaer", "blabar"),
            ("aaa", "aa"),
            ("", ""),
        ] {
            let mut folded = "of the word before".to_owned();
            super::fold(word, &mut folded);
            assert_eq!(folded, expected);
        }
    }
}
