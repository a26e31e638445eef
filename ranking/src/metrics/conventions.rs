//! What is measured and by which conventions, and how both are written.

use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A ranking metric. Written as `ndcg@10`, `ndcg`, `map`, `mrr`, `recall@10`, `precision@10`, `auc`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Metric {
    /// Normalised discounted cumulative gain of the first `k` documents, or of all.
    Ndcg(Option<NonZeroUsize>),
    /// Average precision: the mean, over all relevant documents, of the precision at their rank.
    AveragePrecision,
    /// One divided by the rank of the first relevant document; 0 when none is ranked.
    ReciprocalRank,
    /// The share of the relevant documents among the first `k`.
    Recall(NonZeroUsize),
    /// The share of the first `k` places that hold a relevant document; a list shorter than `k`
    /// is divided by `k` all the same.
    Precision(NonZeroUsize),
    /// The area under the ROC curve within a query: the probability that a relevant document
    /// scores above another, equal scores counting half. A query whose documents are all relevant
    /// or all not has none and is left out, whatever [`EmptyQueries`] says.
    AreaUnderCurve,
}

/// A text that names no metric.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a metric; ndcg@K, ndcg, map, mrr, recall@K, precision@K and auc are, with K from 1"
)]
pub struct UnknownMetric(pub String);

impl FromStr for Metric {
    type Err = UnknownMetric;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || UnknownMetric(text.to_owned());
        let cutoff = |text: &str| text.parse::<NonZeroUsize>().map_err(|_| unknown());
        match text.split_once('@') {
            None => match text {
                "ndcg" => Ok(Self::Ndcg(None)),
                "map" => Ok(Self::AveragePrecision),
                "mrr" => Ok(Self::ReciprocalRank),
                "auc" => Ok(Self::AreaUnderCurve),
                _ => Err(unknown()),
            },
            Some(("ndcg", k)) => Ok(Self::Ndcg(Some(cutoff(k)?))),
            Some(("recall", k)) => Ok(Self::Recall(cutoff(k)?)),
            Some(("precision", k)) => Ok(Self::Precision(cutoff(k)?)),
            Some(_) => Err(unknown()),
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ndcg(None) => formatter.write_str("ndcg"),
            Self::Ndcg(Some(k)) => write!(formatter, "ndcg@{k}"),
            Self::AveragePrecision => formatter.write_str("map"),
            Self::ReciprocalRank => formatter.write_str("mrr"),
            Self::Recall(k) => write!(formatter, "recall@{k}"),
            Self::Precision(k) => write!(formatter, "precision@{k}"),
            Self::AreaUnderCurve => formatter.write_str("auc"),
        }
    }
}

/// What a document of some label is worth in NDCG.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub enum Gain {
    /// `2^label - 1`, as LightGBM has it.
    #[default]
    Exponential,
    /// The label itself, as trec_eval has it.
    Linear,
    /// What is stated for each label from 0 up; it never falls. A label beyond the last is worth as
    /// much as the last.
    Stated(Vec<f64>),
}

impl Gain {
    /// What a document of this label is worth.
    #[must_use]
    pub fn of(&self, label: u8) -> f64 {
        match self {
            // From libm, not the system's mathematics: the same bits on every machine.
            Self::Exponential => libm::exp2(f64::from(label)) - 1.0,
            Self::Linear => f64::from(label),
            Self::Stated(gains) => gains
                .get(usize::from(label))
                .or(gains.last())
                .copied()
                .unwrap_or(0.0),
        }
    }
}

impl fmt::Display for Gain {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exponential => formatter.write_str("2^label - 1"),
            Self::Linear => formatter.write_str("label"),
            Self::Stated(gains) => {
                let gains: Vec<String> = gains.iter().map(f64::to_string).collect();
                let gains = gains.join(", ");
                write!(formatter, "as stated ({gains} for labels from 0)")
            }
        }
    }
}

/// In which order documents of equal score rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Ties {
    /// As they were given, as LightGBM has it.
    #[default]
    InputOrder,
    /// By document identifier, descending, as trec_eval has it.
    IdentifierDescending,
}

/// What a query without any relevant document counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum EmptyQueries {
    /// It is left out.
    #[default]
    Skip,
    /// 1, as in LightGBM's NDCG.
    One,
    /// 0.
    Zero,
}

/// The conventions of a figure. The discount of NDCG is always `1 / log2(rank + 1)`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Conventions {
    /// What a document is worth in NDCG.
    pub gain: Gain,
    /// In which order documents of equal score rank.
    pub ties: Ties,
    /// What a query without any relevant document counts.
    pub empty_queries: EmptyQueries,
    /// The smallest label that is relevant, for all metrics but NDCG and for
    /// which queries count.
    pub relevant_from: u8,
}

impl Default for Conventions {
    fn default() -> Self {
        Self {
            gain: Gain::default(),
            ties: Ties::default(),
            empty_queries: EmptyQueries::default(),
            relevant_from: 1,
        }
    }
}

impl fmt::Display for Conventions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gain = &self.gain;
        let ties = match self.ties {
            Ties::InputOrder => "in input order",
            Ties::IdentifierDescending => "by document identifier descending",
        };
        let empty = match self.empty_queries {
            EmptyQueries::Skip => "left out",
            EmptyQueries::One => "counted 1",
            EmptyQueries::Zero => "counted 0",
        };
        write!(
            formatter,
            "gain {gain}, discount log2(rank + 1), ties {ties}, relevant from label {}, queries without a relevant document {empty}",
            self.relevant_from
        )
    }
}
