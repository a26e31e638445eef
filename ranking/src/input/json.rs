//! JSON objects of one kind: lines of which some may be bad, or records of which none may be.

use std::io::BufRead;

use serde::de::DeserializeOwned;

use super::bad_lines::{BadLineKind, BadLines, Complaint, InputError};
use super::lines::Lines;
use super::records::JsonRecords;
use crate::json_lines::Record;

/// Calls `each` with every record and its line number. Empty lines are passed over.
///
/// # Errors
/// More bad lines than `bad_lines` tolerates, or bytes that cannot be read.
pub fn read_json_lines<T: DeserializeOwned>(
    input: impl BufRead,
    bad_lines: &mut BadLines,
    mut each: impl FnMut(u64, T) -> Result<(), Complaint>,
) -> Result<(), InputError> {
    let mut lines = Lines::new(input);
    while let Some((line, text)) = lines.next_line()? {
        let used = match text {
            Ok(text) if text.trim().is_empty() => continue,
            Ok(text) => parse_json(text)
                .and_then(|record| each(line, record))
                .map_err(|complaint| complaint.on_line(line)),
            Err(bad) => Err(bad),
        };
        if let Err(bad) = used {
            bad_lines.add(bad)?;
        }
    }
    Ok(())
}

/// Calls `each` with every record. Empty ones are passed over.
///
/// # Errors
/// The first record that is of another shape or fails its check, with its number and field; or
/// nothing further can be read.
pub fn read_records<T: Record, R: JsonRecords>(
    mut records: R,
    mut each: impl FnMut(T),
) -> Result<(), InputError> {
    while let Some((number, text)) = records.next_record()? {
        let text = text?;
        if text.trim().is_empty() {
            continue;
        }
        let checked = parse_json::<T>(text).and_then(|record| {
            record.check()?;
            Ok(record)
        });
        each(checked.map_err(|complaint| complaint.at(R::UNIT, number))?);
    }
    Ok(())
}

/// Parses one line.
///
/// # Errors
/// Names the field at fault and the column.
pub fn parse_json<T: DeserializeOwned>(text: &str) -> Result<T, Complaint> {
    serde_json::from_str(text).map_err(|_| explain::<T>(text))
}

/// Parses the line again, slowly, to find the field at fault.
fn explain<T: DeserializeOwned>(text: &str) -> Complaint {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let Err(error) = serde_path_to_error::deserialize::<_, T>(&mut deserializer) else {
        let message = "more than one JSON value on the line";
        return Complaint::new(BadLineKind::Malformed, ".", message);
    };
    let field = error.path().to_string();
    let cause = error.into_inner();
    // serde_json counts lines within this one line: only its column says anything.
    let told = cause.to_string();
    let told = told.split(" at line ").next().unwrap_or_default();
    if let Some(name) = told
        .strip_prefix("missing field `")
        .and_then(|rest| rest.strip_suffix('`'))
    {
        let field = if field == "." {
            name.to_owned()
        } else {
            format!("{field}.{name}")
        };
        return Complaint::missing(field);
    }
    let kind = if cause.is_data() {
        BadLineKind::InvalidField
    } else {
        BadLineKind::Malformed
    };
    Complaint::new(kind, field, format!("{told} (column {})", cause.column()))
}
