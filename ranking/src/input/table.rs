//! Tables with a header: CSV as RFC 4180 has it, and TSV, which has no quotes.

use std::collections::{HashSet, VecDeque};
use std::io::BufRead;

use super::bad_lines::{BadLine, BadLineKind, Complaint, InputError};
use super::lines::{Lines, NumberedLine};
use crate::json_lines::MAXIMUM_LINE_BYTES;

/// Most columns of a table.
const MAXIMUM_COLUMNS: usize = 1_000;

/// What separates fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delimiter {
    /// CSV. A field may stand in quotes, a quote within is written twice, and line ends within are kept.
    Comma,
    /// TSV. Quotes are characters like any other.
    Tab,
}

impl Delimiter {
    const fn character(self) -> char {
        match self {
            Self::Comma => ',',
            Self::Tab => '\t',
        }
    }
}

/// One row of a table: a value for each column of the header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableRow {
    /// Number of its first line, from 1.
    pub line: u64,
    /// One for each column.
    pub values: Vec<String>,
}

/// Reads a table row by row.
#[derive(Debug)]
pub struct Table<R> {
    lines: Lines<R>,
    delimiter: Delimiter,
    columns: Vec<String>,
    /// Lines that an unclosed quote had swallowed, to be read on their own.
    returned: VecDeque<NumberedLine<String>>,
}

/// How the fields of the lines read so far end.
enum Fields {
    Complete(Vec<String>),
    /// In a field whose quote is not closed yet.
    InQuotes,
}

impl<R: BufRead> Table<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// There is none, or it names a column twice or not at all.
    pub fn new(input: R, delimiter: Delimiter) -> Result<Self, InputError> {
        let mut table = Self {
            lines: Lines::new(input),
            delimiter,
            columns: Vec::new(),
            returned: VecDeque::new(),
        };
        let header = table.next_record()?.ok_or_else(|| {
            InputError::Whole("line 1: there is no header with the columns' names".to_owned())
        })??;
        let refuse = |message: String| {
            InputError::Line(Complaint::invalid("header", message).on_line(header.line))
        };
        if header.values.len() > MAXIMUM_COLUMNS {
            return Err(refuse(format!("more than {MAXIMUM_COLUMNS} columns")));
        }
        let mut names = HashSet::new();
        for (column, name) in header.values.iter().enumerate() {
            let name = name.trim();
            if name.is_empty() {
                return Err(refuse(format!("column {} has no name", column + 1)));
            }
            if !names.insert(name) {
                return Err(refuse(format!("column {name:?} is there twice")));
            }
        }
        table.columns = header
            .values
            .iter()
            .map(|name| name.trim().to_owned())
            .collect();
        Ok(table)
    }

    /// Names of the columns.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The place of a column.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column == name)
    }

    /// The place of a column that must be there.
    ///
    /// # Errors
    /// It is not; the columns that are there are named.
    pub fn required_column(&self, name: &str) -> Result<usize, InputError> {
        self.column(name).ok_or_else(|| {
            let there = self.columns.join(", ");
            InputError::Line(
                Complaint::new(
                    BadLineKind::MissingField,
                    name,
                    format!("the header has no such column; it has {there}"),
                )
                .on_line(1),
            )
        })
    }

    /// The next row; `None` after the last. Empty lines are passed over.
    ///
    /// # Errors
    /// The bytes cannot be read. A row that is not as the header says is an error of that row alone.
    pub fn next_row(&mut self) -> Result<Option<Result<TableRow, BadLine>>, InputError> {
        let columns = self.columns.len();
        let row = self.next_record()?;
        Ok(row.map(|row| {
            row.and_then(|row| {
                let fields = row.values.len();
                if fields == columns {
                    return Ok(row);
                }
                let message = format!("{fields} fields, but the header names {columns}");
                Err(Complaint::new(BadLineKind::Malformed, ".", message).on_line(row.line))
            })
        }))
    }

    fn next_record(&mut self) -> Result<Option<Result<TableRow, BadLine>>, InputError> {
        let (line, first) = loop {
            match self.take_line()? {
                None => return Ok(None),
                Some((_, Ok(text))) if text.trim().is_empty() => {}
                Some((line, Ok(text))) => break (line, text),
                Some((_, Err(bad))) => return Ok(Some(Err(bad))),
            }
        };
        let bad = |message: &str| {
            let complaint = Complaint::new(BadLineKind::Malformed, ".", message);
            Ok(Some(Err(complaint.on_line(line))))
        };
        let mut swallowed: Vec<NumberedLine<String>> = Vec::new();
        let mut scanner = Scanner::new(self.delimiter);
        let mut next = first;
        let mut bytes = 0_usize;
        loop {
            bytes = bytes.saturating_add(next.len() + 1);
            match scanner.add_line(&next) {
                Err(message) => {
                    self.give_back(swallowed);
                    return bad(message);
                }
                Ok(Fields::Complete(values)) => return Ok(Some(Ok(TableRow { line, values }))),
                Ok(Fields::InQuotes) => {}
            }
            if bytes > MAXIMUM_LINE_BYTES {
                self.give_back(swallowed);
                return bad("a quote that opens here does not close within the longest record");
            }
            match self.take_line()? {
                Some((number, Ok(text))) => {
                    swallowed.push((number, Ok(text.clone())));
                    next = text;
                }
                unreadable => {
                    swallowed.extend(unreadable);
                    self.give_back(swallowed);
                    return bad("a quote that opens here does not close");
                }
            }
        }
    }

    fn take_line(&mut self) -> Result<Option<NumberedLine<String>>, InputError> {
        if let Some(returned) = self.returned.pop_front() {
            return Ok(Some(returned));
        }
        let line = self.lines.next_line()?;
        Ok(line.map(|(number, text)| (number, text.map(str::to_owned))))
    }

    fn give_back(&mut self, swallowed: Vec<NumberedLine<String>>) {
        for line in swallowed.into_iter().rev() {
            self.returned.push_front(line);
        }
    }
}

/// Splits the lines of one record into fields.
struct Scanner {
    delimiter: Delimiter,
    fields: Vec<String>,
    field: String,
    in_quotes: bool,
}

impl Scanner {
    fn new(delimiter: Delimiter) -> Self {
        Self {
            delimiter,
            fields: Vec::new(),
            field: String::new(),
            in_quotes: false,
        }
    }

    fn add_line(&mut self, line: &str) -> Result<Fields, &'static str> {
        if self.delimiter == Delimiter::Tab {
            return Ok(Fields::Complete(
                line.split('\t').map(str::to_owned).collect(),
            ));
        }
        if self.in_quotes {
            self.field.push('\n');
        }
        let mut characters = line.chars().peekable();
        // Whether the field began with a quote that is closed by now.
        let mut is_closed = false;
        while let Some(character) = characters.next() {
            if self.in_quotes {
                match character {
                    '"' if characters.peek() == Some(&'"') => {
                        self.field.push('"');
                        characters.next();
                    }
                    '"' => {
                        self.in_quotes = false;
                        is_closed = true;
                    }
                    other => self.field.push(other),
                }
            } else if character == self.delimiter.character() {
                self.fields.push(std::mem::take(&mut self.field));
                is_closed = false;
            } else if is_closed {
                return Err("text follows a closing quote; a quote within quotes is written twice");
            } else if character == '"' && self.field.is_empty() {
                self.in_quotes = true;
            } else {
                self.field.push(character);
            }
        }
        if self.in_quotes {
            return Ok(Fields::InQuotes);
        }
        self.fields.push(std::mem::take(&mut self.field));
        Ok(Fields::Complete(std::mem::take(&mut self.fields)))
    }
}
