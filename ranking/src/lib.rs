//! SearchOp.
