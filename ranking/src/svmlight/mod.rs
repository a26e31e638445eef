//! Reader of SVMlight / LETOR files.
