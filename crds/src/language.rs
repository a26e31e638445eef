//! Languages of catalogues and queries.

use serde::{Deserialize, Serialize};

/// Declares the languages once.
macro_rules! languages {
    ($($name:ident),*) => {
        /// A language whose words can be brought to their stems.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
        pub enum Language {
            $($name),*
        }

        impl Language {
            /// All languages, by name.
            pub const EVERY: &[Self] = &[$(Self::$name),*];

            /// The name as the trainer knows it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name)),*
                }
            }
        }
    };
}

languages!(
    Arabic, Danish, Dutch, English, Finnish, French, German, Greek, Hungarian, Italian, Norwegian,
    Portuguese, Romanian, Russian, Spanish, Swedish, Tamil, Turkish
);
