//! JSON Lines: one JSON object a line, with errors that name the line and the field.
//!
//! It knows nothing of what the lines mean, opens no files and decompresses nothing.

use std::io::{BufRead, Read as _, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Longest line that is read, in bytes, so that a file without line ends cannot fill the memory.
pub const MAXIMUM_LINE_BYTES: usize = 1024 * 1024;

/// Why a JSON Lines file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum JsonLinesError {
    /// The bytes could not be read or written at all.
    #[error("line {line}: {source}")]
    Io {
        /// Number of the line, from 1.
        line: u64,
        /// What the reader or writer said.
        source: std::io::Error,
    },
    /// The line is no JSON object of the expected shape, or breaks a rule of its kind.
    #[error("line {line}, field {field}: {message}")]
    Invalid {
        /// Number of the line, from 1.
        line: u64,
        /// Path of the field, such as `event_attributes.object.object_id`; `.` is the whole line.
        field: String,
        /// What is wrong with it.
        message: String,
    },
}

impl JsonLinesError {
    /// The error of one field on one line.
    pub fn invalid(line: u64, field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid {
            line,
            field: field.into(),
            message: message.into(),
        }
    }
}

/// A rule that a field breaks; the reader adds the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// Path of the field.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}

impl FieldError {
    /// The error of one field.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            message: message.into(),
        }
    }

    /// Puts the line to it.
    #[must_use]
    pub fn on_line(self, line: u64) -> JsonLinesError {
        JsonLinesError::Invalid {
            line,
            field: self.field,
            message: self.message,
        }
    }
}

/// A record that can be checked once its JSON shape is right.
pub trait Record: DeserializeOwned {
    /// Checks what the type alone does not say: lengths, ranges, finite numbers.
    fn check(&self) -> Result<(), FieldError>;
}

/// Calls `each` with every record of `input` and its line number. Empty lines are passed over.
///
/// Stops at the first record that cannot be read, fails its check, or that `each` refuses.
pub fn read<R: Record>(
    mut input: impl BufRead,
    mut each: impl FnMut(u64, R) -> Result<(), FieldError>,
) -> Result<(), JsonLinesError> {
    let mut buffer = Vec::new();
    let mut line = 0_u64;
    loop {
        line += 1;
        buffer.clear();
        let bytes = (&mut input)
            .take(MAXIMUM_LINE_BYTES as u64 + 1)
            .read_until(b'\n', &mut buffer)
            .map_err(|source| JsonLinesError::Io { line, source })?;
        if bytes == 0 {
            return Ok(());
        }
        if bytes > MAXIMUM_LINE_BYTES {
            let message = format!("longer than {MAXIMUM_LINE_BYTES} bytes");
            return Err(JsonLinesError::invalid(line, ".", message));
        }
        // The mark that some editors put at the start of a file is no part of the data.
        let text = match (line, buffer.strip_prefix(b"\xef\xbb\xbf")) {
            (1, Some(rest)) => rest,
            _ => buffer.as_slice(),
        };
        if text.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let record: R = serde_json::from_slice(text).map_err(|_| explain::<R>(line, text))?;
        record.check().map_err(|error| error.on_line(line))?;
        each(line, record).map_err(|error| error.on_line(line))?;
    }
}

/// Parses the line again, slowly, to find the field at fault.
fn explain<R: Record>(line: u64, text: &[u8]) -> JsonLinesError {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    match serde_path_to_error::deserialize::<_, R>(&mut deserializer) {
        Err(error) => {
            let field = error.path().to_string();
            let cause = error.into_inner();
            // serde_json counts lines within this one line: only its column says anything.
            let message = match cause.to_string().split_once(" at line ") {
                Some((message, _)) => format!("{message} (column {})", cause.column()),
                None => cause.to_string(),
            };
            JsonLinesError::invalid(line, field, message)
        }
        Ok(_) => JsonLinesError::invalid(line, ".", "more than one JSON value on the line"),
    }
}

/// Writes one record and the line end.
pub fn write(
    output: &mut impl Write,
    line: u64,
    record: &impl Serialize,
) -> Result<(), JsonLinesError> {
    serde_json::to_writer(&mut *output, record)
        .map_err(std::io::Error::from)
        .and_then(|()| output.write_all(b"\n"))
        .map_err(|source| JsonLinesError::Io { line, source })
}

/// Refuses an empty or over-long string.
pub(crate) fn check_text(
    field: &str,
    text: &str,
    minimum: usize,
    maximum: usize,
) -> Result<(), FieldError> {
    if text.trim().len() < minimum {
        return Err(FieldError::new(field, "must not be empty"));
    }
    if text.len() > maximum {
        return Err(FieldError::new(
            field,
            format!("{} bytes, at most {maximum} are allowed", text.len()),
        ));
    }
    Ok(())
}
