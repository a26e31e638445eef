//! Why a model text is refused. Not an error of scoring: that cannot fail.

/// Why a text is not a model that can be scored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// The text is larger than is read at all.
    #[error("the model text has {bytes} bytes, more than the {limit} that are read")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The largest size that is read.
        limit: usize,
    },
    /// The first line is not `tree`.
    #[error("not a LightGBM text model: the first line is {found:?} instead of \"tree\"")]
    NotAModel {
        /// The start of the first line.
        found: String,
    },
    /// A version of the text format that is not known.
    #[error("version: the format {found:?} is not known; v2, v3 and v4 are")]
    UnknownVersion {
        /// The version as written.
        found: String,
    },
    /// A model with several outputs a row, which cannot rank.
    #[error(
        "{field}: the model gives {outputs} outputs a row (multiclass); a ranking model gives one"
    )]
    Multiclass {
        /// The header field that says so.
        field: &'static str,
        /// How many outputs.
        outputs: u64,
    },
    /// A field of the header is missing, malformed or not known.
    #[error("{field}: {problem}")]
    Header {
        /// The name of the field.
        field: String,
        /// What is wrong.
        problem: String,
    },
    /// A tree with linear models in its leaves.
    #[error("tree {tree}: is_linear: trees with linear leaves are not supported")]
    LinearTree {
        /// The position of the tree, from 0.
        tree: usize,
    },
    /// A field of a tree is missing, malformed, out of bounds or not known.
    #[error("tree {tree}: {field}: {problem}")]
    Tree {
        /// The position of the tree, from 0.
        tree: usize,
        /// The name of the field.
        field: String,
        /// What is wrong.
        problem: String,
    },
}

/// The start of a piece of the text, short enough for a message.
pub(super) fn excerpt(text: &str) -> String {
    const CHARACTERS: usize = 40;
    if text.chars().nth(CHARACTERS).is_none() {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(CHARACTERS).collect();
    short.push('…');
    short
}
