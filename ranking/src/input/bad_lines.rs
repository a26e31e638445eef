//! What is wrong with lines, how many are tolerated, and what is told of them.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::json_lines::FieldError;

/// Bad lines that are kept word for word, to show them; the others are only counted.
const MAXIMUM_EXAMPLES: usize = 10;

/// Kinds of bad lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum BadLineKind {
    /// Longer than a line may be.
    TooLong,
    /// Bytes that are no UTF-8.
    NotUtf8,
    /// No JSON, or not as many fields as the header names, or quotes that do not close.
    Malformed,
    /// A field is not there.
    MissingField,
    /// A field's value cannot be used.
    InvalidField,
    /// It says something else than an earlier line about the same thing.
    Contradiction,
}

/// What a record is, and so what its number counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub enum Unit {
    /// A line of a text.
    #[default]
    Line,
    /// A row of a table that is no text.
    Row,
}

impl Unit {
    /// What a record is called.
    #[must_use]
    pub const fn record(self) -> &'static str {
        match self {
            Self::Line => "line",
            Self::Row => "row",
        }
    }

    const fn part(self) -> &'static str {
        match self {
            Self::Line => "field",
            Self::Row => "column",
        }
    }
}

/// What is wrong with a record, before its line is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// Kind.
    pub kind: BadLineKind,
    /// Path of the field, such as `event_attributes.object`; `.` is the whole line.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}

impl Complaint {
    /// A complaint about one field.
    pub fn new(kind: BadLineKind, field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            kind,
            field: field.into(),
            message: message.into(),
        }
    }

    /// A field's value cannot be used.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(BadLineKind::InvalidField, field, message)
    }

    /// A field is not there, or is empty.
    pub fn missing(field: impl Into<String>) -> Self {
        Self::new(
            BadLineKind::MissingField,
            field,
            "is missing or has no value",
        )
    }

    /// Puts the line to it.
    #[must_use]
    pub fn on_line(self, line: u64) -> BadLine {
        self.at(Unit::Line, line)
    }

    /// Puts the number of the line or row to it.
    #[must_use]
    pub fn at(self, unit: Unit, line: u64) -> BadLine {
        BadLine {
            unit,
            line,
            kind: self.kind,
            field: self.field,
            message: self.message,
        }
    }
}

impl From<FieldError> for Complaint {
    fn from(error: FieldError) -> Self {
        Self::invalid(error.field, error.message)
    }
}

/// A line that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{} {line}, {} {field}: {message}", .unit.record(), .unit.part())]
pub struct BadLine {
    /// Whether it is a line of a text or a row of a table.
    pub unit: Unit,
    /// Its number, from 1; of a record over several lines, that of the first.
    pub line: u64,
    /// Kind.
    pub kind: BadLineKind,
    /// Path of the field; `.` is the whole line.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}

/// Why a file could not be read.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// The bytes could not be read at all.
    #[error("line {line}: {source}")]
    Io {
        /// Number of the line, from 1.
        line: u64,
        /// What the reader said.
        source: std::io::Error,
    },
    /// A line that cannot be used, where none is tolerated.
    #[error(transparent)]
    Line(#[from] BadLine),
    /// More bad lines than are tolerated.
    #[error("more than the {allowed} tolerated bad lines ({kinds}); the last is {last}")]
    TooMany {
        /// How many are tolerated.
        allowed: u64,
        /// How many of which kind, in words.
        kinds: String,
        /// The one that was too many.
        last: BadLine,
    },
    /// The file as a whole cannot be used.
    #[error("{0}")]
    Whole(String),
}

/// The bad lines that were passed over.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct BadLines {
    allowed: u64,
    counts: BTreeMap<BadLineKind, u64>,
    examples: Vec<BadLine>,
}

impl BadLines {
    /// None yet; `allowed` of them are tolerated.
    #[must_use]
    pub fn tolerating(allowed: u64) -> Self {
        Self {
            allowed,
            ..Self::default()
        }
    }

    /// Counts one.
    ///
    /// # Errors
    /// It is one too many.
    pub fn add(&mut self, bad: BadLine) -> Result<(), InputError> {
        if self.allowed == 0 {
            return Err(bad.into());
        }
        *self.counts.entry(bad.kind).or_default() += 1;
        if self.total() > self.allowed {
            return Err(InputError::TooMany {
                allowed: self.allowed,
                kinds: self.to_string(),
                last: bad,
            });
        }
        if self.examples.len() < MAXIMUM_EXAMPLES {
            self.examples.push(bad);
        }
        Ok(())
    }

    /// How many there were.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.values().sum()
    }

    /// How many of each kind that occurred.
    #[must_use]
    pub fn counts(&self) -> &BTreeMap<BadLineKind, u64> {
        &self.counts
    }

    /// The first few.
    #[must_use]
    pub fn examples(&self) -> &[BadLine] {
        &self.examples
    }
}

impl fmt::Display for BadLines {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (kind, count)) in self.counts.iter().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            write!(formatter, "{comma}{count} {kind:?}")?;
        }
        Ok(())
    }
}
