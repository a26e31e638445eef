//! The message that a Job's container leaves behind, read with tolerance: whatever is not a result is no result. Pure.

use searchop_crds::reason::JobReason;
use serde::Deserialize;
use serde_json::Value;

/// Longest message that is read, in bytes. The kubelet keeps no more.
const LIMIT: usize = 4_096;
/// Longest text for people that is taken over, in characters.
const TEXT_LIMIT: usize = 1_024;

/// What the container said.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// It has a result.
    Succeeded(Value),
    /// It failed and says why. `None`: for a reason that is not on our list.
    Failed {
        reason: Option<JobReason>,
        text: String,
    },
    /// Nothing, or nothing that can be read.
    Nothing,
}

#[derive(Deserialize)]
struct FailedMessage {
    #[serde(default)]
    reason: String,
    #[serde(default)]
    message: String,
}

/// Reads a termination message.
#[must_use]
pub fn read(text: Option<&str>) -> Message {
    let Some(text) = text.filter(|text| text.len() <= LIMIT) else {
        return Message::Nothing;
    };
    let Ok(value) = serde_json::from_str::<Value>(text) else {
        return Message::Nothing;
    };
    match value.get("outcome").and_then(Value::as_str) {
        Some("Succeeded") => Message::Succeeded(value),
        Some("Failed") => match serde_json::from_value::<FailedMessage>(value) {
            Ok(failed) => Message::Failed {
                reason: of_failure(&failed.reason),
                text: printable(&failed.message),
            },
            Err(_) => Message::Nothing,
        },
        _ => Message::Nothing,
    }
}

/// The reasons that a Job may give. It cannot claim a success, nor what only the operator can know.
fn of_failure(name: &str) -> Option<JobReason> {
    let reason = JobReason::parse(name)?;
    matches!(
        reason,
        JobReason::StorageUnavailable
            | JobReason::StorageAccessDenied
            | JobReason::CredentialsMissing
            | JobReason::StorageUnfit
            | JobReason::BucketNotFound
            | JobReason::ArtifactNotFound
            | JobReason::DigestMismatch
            | JobReason::UnknownFormat
            | JobReason::InvalidData
            | JobReason::InvalidParameters
            | JobReason::OutOfDisk
    )
    .then_some(reason)
}

/// Text without control characters, of bounded length.
#[must_use]
pub fn printable(text: &str) -> String {
    text.chars()
        .map(|character| {
            if character.is_control() {
                ' '
            } else {
                character
            }
        })
        .take(TEXT_LIMIT)
        .collect()
}

/// Whether the text is a SHA-256 in 64 lower-case hexadecimal digits.
#[must_use]
pub fn is_digest(text: &str) -> bool {
    text.len() == 64
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn garbage_is_nothing() {
        let long = format!(
            r#"{{"outcome":"Succeeded","padding":"{}"}}"#,
            "x".repeat(LIMIT)
        );
        for text in [
            "",
            "panicked at",
            "null",
            "[]",
            "{}",
            r#"{"outcome":"Maybe"}"#,
            r#"{"outcome":"Failed","reason":5}"#,
            &long,
        ] {
            assert_eq!(read(Some(text)), Message::Nothing, "{text:.40}");
        }
        assert_eq!(read(None), Message::Nothing);
    }

    #[test]
    fn a_failure_keeps_a_known_reason_and_printable_text() {
        let text = r#"{"outcome":"Failed","retryable":true,"reason":"StorageUnavailable","message":"no\u0000answer\n"}"#;
        assert_eq!(
            read(Some(text)),
            Message::Failed {
                reason: Some(JobReason::StorageUnavailable),
                text: "no answer ".to_owned()
            }
        );
    }

    #[test]
    fn a_failure_cannot_claim_what_the_operator_decides() {
        for claimed in ["Trained", "Purged", "Interrupted", "Internal", "Nonsense"] {
            let text = format!(r#"{{"outcome":"Failed","reason":"{claimed}","message":"m"}}"#);
            assert_eq!(
                read(Some(&text)),
                Message::Failed {
                    reason: None,
                    text: "m".to_owned()
                }
            );
        }
    }
}
