//! The JSON of a ranking request and its answer as one writes it first: owned values, by serde.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// A list to rank.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RankRequest {
    /// What was searched for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// What to rank.
    pub candidates: Vec<Candidate>,
}

/// One thing to rank.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Candidate {
    /// Unique in the request.
    pub id: String,
    /// In the order of the model's features.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub features: Option<Vec<f64>>,
}

/// A ranked list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RankResponse {
    /// Best first.
    pub results: Vec<RankedCandidate>,
}

/// One candidate in its place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RankedCandidate {
    /// As sent.
    pub id: String,
    /// The model's score.
    pub score: f64,
    /// From 1.
    pub position: u32,
}

/// The candidates by score, the highest first; equal scores keep their order.
#[must_use]
pub fn ranked(candidates: Vec<Candidate>, scores: &[f64]) -> RankResponse {
    let mut pairs: Vec<(Candidate, f64)> =
        candidates.into_iter().zip(scores.iter().copied()).collect();
    pairs.sort_by(|(_, left), (_, right)| right.total_cmp(left));
    let results = (1..)
        .zip(pairs)
        .map(|(position, (candidate, score))| RankedCandidate {
            id: candidate.id,
            score,
            position,
        })
        .collect();
    RankResponse { results }
}

/// The lines of a file, each the body of a request.
///
/// # Errors
/// It cannot be read.
pub fn lines(path: &Path) -> Result<Vec<Vec<u8>>> {
    let text = fs::read(path).with_context(|| format!("read {}", path.display()))?;
    let lines = text.split(|byte| *byte == b'\n');
    Ok(lines
        .filter(|line| !line.is_empty())
        .map(<[u8]>::to_vec)
        .collect())
}
