//! `metrics.json`: the full table of how good a model is, with the conventions
//! and with each query's values, so that two models can be compared in pairs.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};

use super::canonical::canonical_json;
use super::metadata::HeadlineMetric;
use crate::counterfactual::CounterfactualEstimate;
use crate::metrics::slices::Slicing;
use crate::metrics::statistics::{Bootstrap, clusters_of};
use crate::metrics::{Conventions, MetricResult};

/// The version of `metrics.json`.
pub const METRICS_FORMAT_VERSION: u32 = 1;

/// How good a model is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MetricsTable {
    /// [`METRICS_FORMAT_VERSION`].
    pub format_version: u32,
    /// By which conventions.
    pub conventions: Conventions,
    /// The conventions in words.
    pub conventions_text: String,
    /// On which rows, such as `test`.
    pub split: String,
    /// What the queries are called, in the order of every `perQuery`.
    pub queries: Vec<String>,
    /// One entry for each metric.
    pub metrics: Vec<MetricReport>,
    /// The same metrics in parts of the queries, such as the frequent ones; none where the data tells
    /// no parts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slices: Vec<SliceReport>,
    /// What the model's order would have earned in clicks for each item shown, estimated from lists
    /// that chance put in their order; `None` without such lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counterfactual: Option<CounterfactualEstimate>,
}

/// One metric of the model and of the baselines.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MetricReport {
    /// Such as `ndcg@10`.
    pub name: String,
    /// The model's.
    pub model: RankingFigure,
    /// Those of the baselines that the data allows, by name.
    pub baselines: BTreeMap<String, RankingFigure>,
    /// The model's value for each query; `null` is left out.
    pub per_query: Vec<Option<f64>>,
}

/// All metrics in a part of the queries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SliceReport {
    /// By what the queries are grouped, such as `frequency`.
    pub slicing: String,
    /// Which of its parts this is, such as `head`.
    pub slice: String,
    /// The places of its queries in the table's `queries`, rising.
    pub queries: Vec<usize>,
    /// How many distinct texts these have: with few, intervals are too narrow to go by.
    pub texts: usize,
    /// One entry for each metric that counts any of these queries.
    pub metrics: Vec<SliceMetric>,
}

/// One metric of the model and of the baselines in a slice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SliceMetric {
    /// Such as `ndcg@10`.
    pub name: String,
    /// The model's.
    pub model: RankingFigure,
    /// Those of the baselines that the data allows, by name.
    pub baselines: BTreeMap<String, RankingFigure>,
}

/// A mean over queries with its interval: 95 %, by bootstrap over distinct
/// queries, the searches of one query drawn together.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RankingFigure {
    /// The mean.
    pub value: f64,
    /// The lower end of its interval.
    pub low: f64,
    /// The upper end of its interval.
    pub high: f64,
    /// How many queries count.
    pub queries: usize,
}

impl RankingFigure {
    /// The mean of a result and its interval; `None` when no query counts.
    /// `clusters` has the cluster of each query, counting or not.
    ///
    /// # Panics
    /// When there is not one cluster for each query.
    #[must_use]
    pub fn of(result: &MetricResult, clusters: &[usize], bootstrap: &Bootstrap) -> Option<Self> {
        assert_eq!(
            result.per_query.len(),
            clusters.len(),
            "each query is in a cluster"
        );
        let of_query = result.per_query.iter().zip(clusters);
        let (values, clusters): (Vec<f64>, Vec<usize>) = of_query
            .filter_map(|(value, cluster)| Some(((*value)?, *cluster)))
            .unzip();
        let interval = bootstrap.interval_of_mean(&values, &clusters)?;
        Some(Self {
            value: result.mean()?,
            low: interval.low,
            high: interval.high,
            queries: values.len(),
        })
    }
}

impl MetricsTable {
    /// The table of a model's results and of each baseline's, both as
    /// [`evaluate`](crate::metrics::evaluate) gave them for the same metrics and
    /// rows. A metric for which no query counts is left out. `keys` has what each
    /// query searched for: those of equal key are drawn together for the intervals.
    ///
    /// # Panics
    /// When there is not one key for each query of a result.
    #[must_use]
    pub fn new(
        conventions: Conventions,
        split: &str,
        queries: Vec<String>,
        keys: &[String],
        model: &[MetricResult],
        baselines: &BTreeMap<String, Vec<MetricResult>>,
        bootstrap: &Bootstrap,
    ) -> Self {
        let clusters = clusters_of(keys);
        let report = |result: &MetricResult| {
            let figures = metric_figures(result, baselines, &clusters, bootstrap)?;
            Some(MetricReport {
                name: figures.name,
                model: figures.model,
                baselines: figures.baselines,
                per_query: result.per_query.clone(),
            })
        };
        Self {
            format_version: METRICS_FORMAT_VERSION,
            conventions_text: conventions.to_string(),
            conventions,
            split: split.to_owned(),
            queries,
            metrics: model.iter().filter_map(report).collect(),
            slices: Vec::new(),
            counterfactual: None,
        }
    }

    /// The table with the figures of each slice of these groupings, of the same results, keys and
    /// bootstrap that the table was made of. A slice in which no query counts is left out.
    ///
    /// # Panics
    /// When there is not one key, and one slice in each grouping, for each query of a result.
    #[must_use]
    pub fn with_slices(
        mut self,
        slicings: &[Slicing],
        keys: &[String],
        model: &[MetricResult],
        baselines: &BTreeMap<String, Vec<MetricResult>>,
        bootstrap: &Bootstrap,
    ) -> Self {
        for slicing in slicings {
            for slice in slicing.slices() {
                let part = |results: &[MetricResult]| -> Vec<MetricResult> {
                    let part = |result: &MetricResult| MetricResult {
                        metric: result.metric,
                        per_query: slice
                            .queries
                            .iter()
                            .map(|it| result.per_query[*it])
                            .collect(),
                    };
                    results.iter().map(part).collect()
                };
                let keys: Vec<&str> = slice.queries.iter().map(|it| keys[*it].as_str()).collect();
                let clusters = clusters_of(&keys);
                let baselines = baselines
                    .iter()
                    .map(|(name, results)| (name.clone(), part(results)))
                    .collect();
                let metrics: Vec<SliceMetric> = part(model)
                    .iter()
                    .filter_map(|it| metric_figures(it, &baselines, &clusters, bootstrap))
                    .collect();
                if !metrics.is_empty() {
                    self.slices.push(SliceReport {
                        slicing: slicing.name.clone(),
                        slice: slice.name,
                        texts: clusters.iter().collect::<HashSet<_>>().len(),
                        queries: slice.queries,
                        metrics,
                    });
                }
            }
        }
        self
    }

    /// The text of `metrics.json`.
    #[must_use]
    pub fn to_canonical_json(&self) -> String {
        canonical_json(self).expect("a table has only string keys")
    }

    /// The table as it is shown: four decimals.
    #[must_use]
    pub fn headline(&self) -> Vec<HeadlineMetric> {
        let decimal = |value: f64| format!("{value:.4}");
        let headline = |report: &MetricReport| HeadlineMetric {
            name: report.name.clone(),
            value: decimal(report.model.value),
            low: decimal(report.model.low),
            high: decimal(report.model.high),
            queries: report.model.queries,
            baselines: report
                .baselines
                .iter()
                .map(|(name, figure)| (name.clone(), decimal(figure.value)))
                .collect(),
        };
        self.metrics.iter().map(headline).collect()
    }
}

/// A metric of the model and of each baseline; `None` when no query counts.
fn metric_figures(
    result: &MetricResult,
    baselines: &BTreeMap<String, Vec<MetricResult>>,
    clusters: &[usize],
    bootstrap: &Bootstrap,
) -> Option<SliceMetric> {
    let of_baseline = |(name, results): (&String, &Vec<MetricResult>)| {
        let same = results.iter().find(|other| other.metric == result.metric)?;
        Some((name.clone(), RankingFigure::of(same, clusters, bootstrap)?))
    };
    Some(SliceMetric {
        name: result.metric.to_string(),
        model: RankingFigure::of(result, clusters, bootstrap)?,
        baselines: baselines.iter().filter_map(of_baseline).collect(),
    })
}

#[cfg(test)]
mod tests;
