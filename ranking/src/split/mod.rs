//! Splits by query: no query stands on both sides.
