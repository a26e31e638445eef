//! Files that people bring: lines and table rows of bounded length, errors that name line and
//! field, and a bounded number of bad lines that are passed over and counted.
//!
//! It knows nothing of what the rows mean, opens no files and decompresses nothing.

mod bad_lines;
mod file_names;
mod json;
mod lines;
mod records;
mod table;

pub(crate) use file_names::without_compression;

pub use bad_lines::{BadLine, BadLineKind, BadLines, Complaint, InputError, Unit};
pub use json::{parse_json, read_json_lines, read_records};
pub use lines::{Lines, NumberedLine};
pub use records::JsonRecords;
pub use table::{Delimiter, Table, TableRow};

#[cfg(test)]
mod tests;
