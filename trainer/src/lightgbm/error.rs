//! What can go wrong between this crate and LightGBM. It does not decide whether the user or the
//! program is at fault: the pipeline does.

use thiserror::Error;

/// A call into LightGBM that did not work.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum LightGbmError {
    /// LightGBM's own message.
    #[error("lightgbm cannot {doing}: {message}")]
    Refused {
        /// Which call.
        doing: &'static str,
        /// What LightGBM says.
        message: String,
    },
    /// A text with a NUL character, which C cannot take.
    #[error("{what} contains a NUL character")]
    NulCharacter {
        /// Which text.
        what: &'static str,
    },
    /// Something LightGBM counts in 32 bits.
    #[error("{what} is {length}, more than lightgbm can take")]
    TooLarge {
        /// What is counted.
        what: &'static str,
        /// How much there is.
        length: usize,
    },
    /// Two lengths that must be equal.
    #[error("{found} {what}, expected {expected}")]
    Length {
        /// What is counted.
        what: &'static str,
        /// How many there must be.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// A feature that is named and not there.
    #[error("no feature is called {name:?}: there are {count}, from {first:?} to {last:?}")]
    UnknownFeature {
        /// The name.
        name: String,
        /// How many features there are.
        count: usize,
        /// What the first is called.
        first: String,
        /// What the last is called.
        last: String,
    },
    /// Position bias is to be learned from rows without positions.
    #[error("the rows have no positions at which they were shown")]
    NoPositions,
    /// A model text that is not UTF-8.
    #[error("the model text is not UTF-8")]
    NotText,
    /// The caller asked to stop.
    #[error("training was interrupted")]
    Interrupted,
    /// An evaluation that returned another number of values than asked for.
    #[error("lightgbm evaluated {found} metrics, expected one")]
    Metrics {
        /// How many came back.
        found: usize,
    },
}
