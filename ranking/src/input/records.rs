//! JSON objects one after another, wherever they come from.

use std::io::BufRead;

use super::bad_lines::{InputError, Unit};
use super::lines::{Lines, NumberedLine};

/// JSON objects one after another: the lines of a text, or the rows of a table.
pub trait JsonRecords {
    /// What their numbers count.
    const UNIT: Unit;

    /// The next record's number from 1 and its JSON text, or what is wrong with it; `None` after
    /// the last.
    ///
    /// # Errors
    /// Nothing further can be read. A record that cannot be used is an error of its own alone.
    fn next_record(&mut self) -> Result<Option<NumberedLine<&str>>, InputError>;
}

impl<R: BufRead> JsonRecords for Lines<R> {
    const UNIT: Unit = Unit::Line;

    fn next_record(&mut self) -> Result<Option<NumberedLine<&str>>, InputError> {
        self.next_line()
    }
}
