//! The languages whose words can be brought to their stems.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use tantivy::tokenizer::Language as StemmerLanguage;

use super::spelled_out::SpelledOut;

/// Declares the languages once; they are the stemmer's.
macro_rules! languages {
    ($($(#[$attribute:meta])? $name:ident),*) => {
        /// The language of a catalogue's texts and of the queries.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[allow(missing_docs)]
        pub enum Language {
            $($(#[$attribute])? $name),*
        }

        impl Language {
            /// All languages, by name.
            pub const EVERY: &[Self] = &[$(Self::$name),*];

            /// The English name, such as `German`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name)),*
                }
            }

            pub(super) const fn stemmer(self) -> StemmerLanguage {
                match self {
                    $(Self::$name => StemmerLanguage::$name),*
                }
            }
        }
    };
}

impl Language {
    /// The fold of letters that are spelled out. In Dutch `oe` is a sound of its own, and Finns type `a`
    /// for `ä`.
    pub(super) const fn spelled_out(self) -> SpelledOut {
        SpelledOut {
            is_folded: matches!(self, Self::Danish | Self::Norwegian | Self::Swedish),
        }
    }
}

languages!(
    Arabic,
    Danish,
    Dutch,
    #[default]
    English,
    Finnish,
    French,
    German,
    Greek,
    Hungarian,
    Italian,
    Norwegian,
    Portuguese,
    Romanian,
    Russian,
    Spanish,
    Swedish,
    Tamil,
    Turkish
);

/// A name that is not that of a [`Language`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("language {name:?} is not known; known are {}", known())]
pub struct UnknownLanguage {
    /// What was given.
    pub name: String,
}

fn known() -> String {
    let names: Vec<&str> = Language::EVERY.iter().map(|it| it.name()).collect();
    names.join(", ")
}

impl FromStr for Language {
    type Err = UnknownLanguage;

    fn from_str(text: &str) -> Result<Self, UnknownLanguage> {
        let found = Self::EVERY.iter().find(|it| it.name() == text);
        found.copied().ok_or_else(|| UnknownLanguage {
            name: text.to_owned(),
        })
    }
}

impl fmt::Display for Language {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_and_another_is_refused_with_those_that_are_known() {
        for language in Language::EVERY {
            assert_eq!(language.name().parse(), Ok(*language));
            let json = serde_json::to_string(language).expect("a name");
            assert_eq!(json, format!("{:?}", language.name()));
        }
        let error = "Klingon".parse::<Language>().expect_err("not known");
        let told = error.to_string();
        assert!(
            told.starts_with("language \"Klingon\" is not known; known are Arabic, Danish"),
            "{told}"
        );
    }
}
