//! Canonical JSON: sorted keys, no whitespace, so that equal values have equal
//! bytes and one digest.

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// A value as canonical JSON. Keys are sorted by their bytes at every depth,
/// there is no whitespace, and floats are the shortest text that reads back to
/// the same bits; a float that is not finite becomes `null`.
///
/// # Errors
/// When the value cannot be JSON, such as a map whose keys are not strings.
pub fn canonical_json(value: &impl Serialize) -> Result<String, serde_json::Error> {
    let mut text = String::new();
    write(&serde_json::to_value(value)?, &mut text);
    Ok(text)
}

/// The SHA-256 of a value's canonical JSON, as 64 lower-case hexadecimal digits.
///
/// # Errors
/// As [`canonical_json`].
pub fn sha256_of_canonical_json(value: &impl Serialize) -> Result<String, serde_json::Error> {
    Ok(hex::encode(Sha256::digest(canonical_json(value)?)))
}

// Sorted here and not left to the map type: a dependency may switch serde_json
// to maps that keep the order of insertion.
fn write(value: &Value, text: &mut String) {
    match value {
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write(item, text);
            }
            text.push(']');
        }
        Value::Object(fields) => {
            let mut sorted: Vec<_> = fields.iter().collect();
            sorted.sort_by_key(|(name, _)| name.as_str());
            text.push('{');
            for (index, (name, field)) in sorted.into_iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push(':');
                write(field, text);
            }
            text.push('}');
        }
        scalar => text.push_str(&scalar.to_string()),
    }
}
