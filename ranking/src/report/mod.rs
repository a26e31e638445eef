//! The report on a trained model: one self-contained HTML page that says first whether the model
//! is better than ranking without it, and then on what that rests.
//!
//! [`render`] is a pure function of [`Report`]. The page loads nothing and runs nothing: its style
//! and its plots are in it, and a content security policy forbids the rest. The same report is the
//! same page to the last byte, so that it does not change a bundle's digest. What is measured is
//! the metrics' part, what is shown of it the caller's.

mod assemble;
mod charts;
mod choice;
mod html;
mod page;
mod sections;
mod verdict;

#[cfg(test)]
mod tests;

pub use assemble::{Measured, RankedLists};
pub use choice::{MOST_CHANGED, most_changed};
pub use page::render;
pub use verdict::{Verdict, VerdictKind, verdict};

use crate::counterfactual::CounterfactualEstimate;
use crate::metrics::{Comparison, Figure, Proportion};

/// What a report tells.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// What the model is called, such as its training run.
    pub title: String,
    /// The metric that decides, such as `ndcg@10`.
    pub headline_metric: String,
    /// On which rows was measured.
    pub split: String,
    /// The conventions of the metrics in words.
    pub conventions: String,
    /// What a reader must know of the labels, if anything.
    pub caution: Option<String>,
    /// Every metric; empty without test queries.
    pub metrics: Vec<MetricFigures>,
    /// The model against each other ranking, on the headline metric.
    pub lifts: Vec<Lift>,
    /// The headline metric by slice.
    pub slices: Vec<SliceRow>,
    /// Clicks by position, where lists were shown.
    pub positions: Vec<PositionClicks>,
    /// An estimate from logged propensities, where there are any.
    pub counterfactual: Option<CounterfactualEstimate>,
    /// How the model got better with its trees, where that was measured.
    pub learning_curve: Option<LearningCurve>,
    /// The features, the most important first.
    pub importance: Vec<FeatureImportance>,
    /// The rows whose scores the contributions are to, such as "500 test rows".
    pub contributions_over: Option<String>,
    /// The queries that changed most, where their items have names.
    pub queries: Option<ChangedQueries>,
    /// What the model is made from, by name.
    pub data_card: Vec<(String, String)>,
    /// What was left out of the data or looks wrong with it, one sentence each.
    pub notes: Vec<String>,
}

/// One metric of the model and of the rankings beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricFigures {
    /// Such as `ndcg@10`.
    pub name: String,
    /// The model's.
    pub model: Figure,
    /// Those of other rankings by name; all metrics have them in one order.
    pub others: Vec<(String, Option<Figure>)>,
}

/// The model against another ranking of the same queries.
#[derive(Debug, Clone, PartialEq)]
pub struct Lift {
    /// Against what, such as `bm25` or another bundle.
    pub against: String,
    /// The model is the first.
    pub comparison: Comparison,
}

/// The headline metric in one slice.
#[derive(Debug, Clone, PartialEq)]
pub struct SliceRow {
    /// By what the queries are grouped.
    pub slicing: String,
    /// The slice.
    pub slice: String,
    /// The model's figure there.
    pub model: Figure,
    /// The model against the strongest other ranking there.
    pub lift: Option<Lift>,
}

/// How often what stands at a position is clicked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PositionClicks {
    /// The position, from 1.
    pub position: u32,
    /// Clicks of the items that were shown there.
    pub shown: Proportion,
    /// Clicks of the items that the model would have put there.
    pub by_model: Proportion,
}

/// A metric after each tree.
#[derive(Debug, Clone, PartialEq)]
pub struct LearningCurve {
    /// Which metric, on which rows.
    pub name: String,
    /// Its value after each tree.
    pub values: Vec<f64>,
    /// How many trees the model kept.
    pub trees: usize,
}

/// How much a feature decides.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureImportance {
    /// The feature.
    pub feature: String,
    /// The sum of the gains of its splits, as a share of all.
    pub gain: f64,
    /// How many splits use it.
    pub splits: u64,
    /// The mean of its absolute contributions to a score (SHAP), if they were computed.
    pub contribution: Option<f64>,
}

/// The queries whose headline metric changed most against another ranking.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ChangedQueries {
    /// Which other ranking.
    pub against: String,
    /// The queries that the model improves most, best first.
    pub improved: Vec<QueryCase>,
    /// The queries that it hurts most, worst first.
    pub hurt: Vec<QueryCase>,
}

/// One query as both rank it.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryCase {
    /// What was typed.
    pub query: String,
    /// The headline metric of the model.
    pub model_value: f64,
    /// The headline metric of the other ranking.
    pub other_value: f64,
    /// The first items as the model ranks them.
    pub model: Vec<RankedItem>,
    /// The first items as the other ranks them.
    pub other: Vec<RankedItem>,
}

/// An item in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RankedItem {
    /// Its name.
    pub title: String,
    /// Its label for the query.
    pub label: u8,
}
