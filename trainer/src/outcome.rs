//! What a Job tells the operator: the result message, the same on success and failure, in the
//! result file (the container's termination message, at most 4 KiB). It does not decide what the
//! result is.

use std::collections::BTreeMap;
use std::path::Path;

use searchop_ranking::bundle::HeadlineMetric;
use searchop_ranking::counterfactual::CounterfactualEstimate;
use searchop_ranking::metrics::Comparison;
use serde::{Deserialize, Serialize};

use crate::data::DataFound;
use crate::failure::{Failure, Reason};

/// Kubernetes cuts a termination message off here; half a JSON text tells the operator nothing.
pub const MAXIMUM_BYTES: usize = 4_096;

/// At most this many notes are told; all of them stand in the log.
pub const MAXIMUM_NOTES: usize = 5;

/// A note has at most this many characters.
pub const MAXIMUM_NOTE_CHARACTERS: usize = 200;

/// A failure's message may take this much of it.
const MAXIMUM_FAILURE_MESSAGE_BYTES: usize = 2_048;

/// The result message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome")]
pub enum Outcome {
    /// The Job did what it was asked to.
    Succeeded(Success),
    /// It did not.
    Failed(FailureMessage),
}

/// What a failed Job says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureMessage {
    /// Whether another attempt may succeed without a change of the spec.
    pub retryable: bool,
    /// The kind of failure.
    pub reason: Reason,
    /// What to change, or what to wait for.
    pub message: String,
}

/// What a Job that succeeded says; each subcommand has its own fields.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Success {
    /// `train`.
    Train(Box<TrainSuccess>),
    /// `generate`.
    Generate(GenerateSuccess),
    /// `purge`.
    Purge(PurgeSuccess),
    /// `evaluate`.
    Evaluate(EvaluateSuccess),
    /// `features`.
    Features(FeaturesSuccess),
    /// `counterfactual`.
    Counterfactual(Box<CounterfactualEstimate>),
    /// `check`.
    Check(CheckSuccess),
}

/// Result of `generate`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GenerateSuccess {
    /// The dataset.
    pub artifact: ArtifactReference,
    /// How much of what it holds.
    pub counts: Counts,
    /// Component versions by name.
    pub versions: BTreeMap<String, String>,
    /// Whether an earlier attempt had made it.
    #[serde(default)]
    pub reused: bool,
}

/// Where an artifact is and what it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ArtifactReference {
    /// Address in the store.
    pub uri: String,
    /// Digest: lower-case hexadecimal SHA-256 of its manifest.
    pub sha256: String,
    /// Bytes of all its files.
    pub size_bytes: u64,
}

/// Sizes of a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Products in the catalogue.
    pub products: u64,
    /// Distinct queries.
    pub queries: u64,
    /// Users.
    pub users: u64,
    /// Events.
    pub events: u64,
}

/// Result of `train`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TrainSuccess {
    /// The model bundle.
    pub model: ModelReference,
    /// Digest of what it was trained on.
    pub dataset_sha256: String,
    /// Headline metrics on the test queries; empty without a split.
    pub metrics: Vec<HeadlineMetric>,
    /// Trees in the model.
    pub trees: u32,
    /// Component versions by name.
    pub versions: BTreeMap<String, String>,
    /// Whether an earlier attempt had trained it.
    pub reused: bool,
    /// How much the data held, and how much of it was left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<DataFound>,
    /// What a user should know though it is no error; see [`bounded_notes`].
    #[serde(default)]
    pub notes: Vec<String>,
}

/// Where a model bundle is and what it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelReference {
    /// Address in the store.
    pub uri: String,
    /// Digest of the bundle.
    pub sha256: String,
    /// Bytes of all its files.
    pub size_bytes: u64,
    /// What a server must know to read it.
    pub format: String,
    /// Digest of the feature schema.
    pub feature_schema_sha256: String,
    /// Address of the report, an HTML page; results of older trainers have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report_uri: Option<String>,
}

/// Result of `purge`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurgeSuccess {
    /// What is gone.
    pub purged: Purged,
    /// Digests of artifacts that stay because another owner refers to them.
    pub retained: Vec<String>,
}

/// What a purge deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purged {
    /// Objects deleted.
    pub objects: u64,
}

/// Result of `evaluate`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EvaluateSuccess {
    /// Digest of the evaluated bundle.
    pub bundle_sha256: String,
    /// Digest of the data it was evaluated on.
    pub dataset_sha256: String,
    /// The metrics.
    pub metrics: Vec<HeadlineMetric>,
    /// How it compares with another bundle, if one was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Box<BundleComparison>>,
    /// What a user should know though it is no error; see [`bounded_notes`].
    #[serde(default)]
    pub notes: Vec<String>,
}

/// The evaluated bundle against another one, on the same queries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BundleComparison {
    /// Digest of the other bundle.
    pub against_sha256: String,
    /// The metric that was compared.
    pub metric: String,
    /// The evaluated bundle is the first.
    #[serde(flatten)]
    pub comparison: Comparison,
}

/// Result of `features`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FeaturesSuccess {
    /// Digest of what the features were computed from.
    pub dataset_sha256: String,
    /// Digest of the feature schema.
    pub feature_schema_sha256: String,
    /// Rows written.
    pub rows: u64,
    /// Queries written.
    pub queries: u64,
    /// Columns written.
    pub features: u64,
    /// What a user should know though it is no error; see [`bounded_notes`].
    #[serde(default)]
    pub notes: Vec<String>,
}

/// Result of `check`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckSuccess {
    /// Digest of what was looked at.
    pub dataset_sha256: String,
    /// How much of what there is.
    pub checked: CheckedCounts,
    /// What was left out or looks wrong; see [`bounded_notes`].
    #[serde(default)]
    pub notes: Vec<String>,
}

/// How much of what was found by `check`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckedCounts {
    /// Products of the catalogue.
    pub products: u64,
    /// Judgements that can be used.
    pub judgements: u64,
    /// Searches that can be used.
    pub searches: u64,
    /// Events that can be used.
    pub events: u64,
    /// Rows of features, or that a dataset makes.
    pub rows: u64,
    /// Lines that were passed over.
    pub bad_lines: u64,
}

impl Success {
    /// Marks the result as one of an earlier attempt; the digest of its artifact, if it has one.
    pub fn mark_reused(&mut self) -> Option<String> {
        match self {
            Self::Train(train) => {
                train.reused = true;
                Some(train.model.sha256.clone())
            }
            Self::Generate(generate) => {
                generate.reused = true;
                Some(generate.artifact.sha256.clone())
            }
            Self::Purge(_)
            | Self::Evaluate(_)
            | Self::Features(_)
            | Self::Counterfactual(_)
            | Self::Check(_) => None,
        }
    }
}

impl From<&Failure> for Outcome {
    fn from(failure: &Failure) -> Self {
        Self::Failed(FailureMessage {
            retryable: failure.retryable,
            reason: failure.reason,
            message: shortened(&failure.message, MAXIMUM_FAILURE_MESSAGE_BYTES),
        })
    }
}

/// Notes as a result has them: at most [`MAXIMUM_NOTES`] of at most [`MAXIMUM_NOTE_CHARACTERS`]
/// characters. Of more, the last says how many are left out.
#[must_use]
pub fn bounded_notes(notes: &[String]) -> Vec<String> {
    let cut = |note: &String| match note.char_indices().nth(MAXIMUM_NOTE_CHARACTERS) {
        Some(_) => note
            .chars()
            .take(MAXIMUM_NOTE_CHARACTERS - 1)
            .chain(['…'])
            .collect(),
        None => note.clone(),
    };
    if notes.len() <= MAXIMUM_NOTES {
        return notes.iter().map(cut).collect();
    }
    let told = MAXIMUM_NOTES - 1;
    let further = format!("{} further notes are in the Job's log", notes.len() - told);
    notes[..told].iter().map(cut).chain([further]).collect()
}

/// `text`, or its beginning and an ellipsis within `maximum` bytes **of JSON**: a control
/// character or a quotation mark takes more bytes there than here.
fn shortened(text: &str, maximum: usize) -> String {
    let mut taken = String::new();
    let mut bytes = 0;
    for character in text.chars() {
        bytes += match character {
            '"' | '\\' | '\n' | '\r' | '\t' => 2,
            control if u32::from(control) < 0x20 => 6,
            other => other.len_utf8(),
        };
        if bytes + '…'.len_utf8() > maximum {
            taken.push('…');
            break;
        }
        taken.push(character);
    }
    taken
}

impl Outcome {
    /// The JSON text, at most [`MAXIMUM_BYTES`].
    ///
    /// A result that is too long loses its last notes first, then what was left out of the data, then
    /// its baselines, then its last metrics: digest and outcome are what the operator cannot do without.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut outcome = self.clone();
        loop {
            let text = serde_json::to_string(&outcome).expect("an outcome has only text keys");
            if text.len() <= MAXIMUM_BYTES || !outcome.shorten() {
                return text;
            }
        }
    }

    /// Drops what can be missed; false when nothing is left to drop.
    fn shorten(&mut self) -> bool {
        let (metrics, notes, data) = match self {
            Self::Succeeded(Success::Train(train)) => {
                (&mut train.metrics, &mut train.notes, train.data.as_mut())
            }
            Self::Succeeded(Success::Evaluate(evaluate)) => {
                (&mut evaluate.metrics, &mut evaluate.notes, None)
            }
            Self::Succeeded(Success::Purge(purge)) => return purge.retained.pop().is_some(),
            Self::Succeeded(Success::Features(features)) => return features.notes.pop().is_some(),
            Self::Succeeded(Success::Generate(_) | Success::Counterfactual(_))
            | Self::Failed(_) => {
                return false;
            }
            Self::Succeeded(Success::Check(check)) => return check.notes.pop().is_some(),
        };
        if notes.pop().is_some() {
            return true;
        }
        if data.is_some_and(|data| data.left_out.pop_last().is_some()) {
            return true;
        }
        let mut dropped = false;
        for metric in metrics.iter_mut() {
            dropped |= !metric.baselines.is_empty();
            metric.baselines.clear();
        }
        dropped || metrics.pop().is_some()
    }

    /// Writes the JSON text to the result file.
    ///
    /// The file is written in place and not replaced: the container's termination message is a
    /// mounted file, which cannot be renamed over.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, path: &Path) -> std::io::Result<()> {
        std::fs::write(path, self.to_json())
    }
}

#[cfg(test)]
mod tests;
