//! Demo data.
pub(crate) mod random;
