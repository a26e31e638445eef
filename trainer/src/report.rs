//! The report of a training or an evaluation: what was measured and what is known of the model,
//! put together for the page. What the page looks like is the ranking crate's.

use searchop_ranking::bundle::FeatureSchema;
use searchop_ranking::importance::{MeanContributions, mean_contributions, split_gains};
use searchop_ranking::metrics::MetricResult;
use searchop_ranking::metrics::slices::Slicing;
use searchop_ranking::metrics::statistics::Bootstrap;
use searchop_ranking::model::RankingModel;
use searchop_ranking::report::{
    FeatureImportance, LearningCurve, Measured, RankedLists, Report, render,
};
use searchop_ranking::svmlight::RankingRows;

use crate::evaluation::{HEADLINE, LABELS_FROM_ACTIONS, Measurement, TestRows};
use crate::failure::Failure;
use crate::lightgbm::{TrainedModel, TrainingConfiguration};
use crate::partition::PartitionSizes;
use crate::slicings::slicings;

/// Contributions take a while for each tree of each row: there are no more than so many of both.
const MOST_TREE_ROWS: usize = 150_000;
/// More rows hardly change the means.
const MOST_ROWS: usize = 500;
/// Fewer rows say too little, however many trees there are.
const FEWEST_ROWS: usize = 20;

/// What was measured: the rows, the model's scores of them, and the figures.
#[derive(Clone, Copy, Debug)]
pub struct MeasuredRows<'a> {
    /// The rows.
    pub test: &'a TestRows,
    /// The model's score of each.
    pub scores: &'a [f64],
    /// The model and the baselines.
    pub measurement: &'a Measurement,
    /// Another model on the same rows, if one is asked for.
    pub against: Option<&'a OtherModel>,
    /// What intervals and tests begin from.
    pub seed: u32,
}

/// Another model's ranking of the same rows.
#[derive(Clone, Debug)]
pub struct OtherModel {
    /// What it is called.
    pub name: String,
    /// Digest of its bundle.
    pub sha256: String,
    /// Its score of each row.
    pub scores: Vec<f64>,
    /// Its results.
    pub results: Vec<MetricResult>,
}

/// How a model came to be.
#[derive(Clone, Copy, Debug)]
pub struct TrainedParts<'a> {
    /// How it was trained.
    pub configuration: &'a TrainingConfiguration,
    /// What came of it.
    pub trained: &'a TrainedModel,
    /// Its text, normalised.
    pub text: &'a str,
    /// The same, to compute with.
    pub model: &'a RankingModel,
    /// Whether what was measured are the folds' models.
    pub out_of_fold: bool,
    /// The rows that it was trained on.
    pub training: &'a RankingRows,
    /// Its features.
    pub schema: &'a FeatureSchema,
    /// What it was trained on.
    pub dataset_sha256: &'a str,
    /// How much of that was for what.
    pub sizes: PartitionSizes,
}

/// A published model that is measured again.
#[derive(Clone, Copy, Debug)]
pub struct PublishedModel<'a> {
    /// Digest of its bundle.
    pub sha256: &'a str,
    /// Its text, normalised.
    pub text: &'a str,
    /// The same, to compute with.
    pub model: &'a RankingModel,
    /// Its features.
    pub schema: &'a FeatureSchema,
}

/// The page on a model that was just trained; `notes` are what people should know.
///
/// # Errors
/// Two test queries that cannot be told from each other.
pub fn training_report(
    parts: &TrainedParts<'_>,
    measured: Option<&MeasuredRows<'_>>,
    notes: Vec<String>,
) -> Result<String, Failure> {
    let (rows, kind) = match measured {
        Some(measured) if !parts.out_of_fold => (&measured.test.rows, "test"),
        // The published model has seen all that folds measure.
        _ => (parts.training, "training"),
    };
    let (contributions, contributions_over) = contributions(parts.model, rows, kind);
    let report = Report {
        title: format!(
            "{} of {} trees on data {:.8}",
            parts.configuration.objective, parts.trained.trees, parts.dataset_sha256
        ),
        learning_curve: learning_curve(parts),
        importance: importance(parts.text, parts.schema, &contributions),
        contributions_over: Some(contributions_over),
        data_card: data_card(parts),
        notes,
        ..Report::default()
    };
    with_measured(report, measured).map(|report| render(&report))
}

/// The page on a published model that was measured again.
///
/// # Errors
/// Two test queries that cannot be told from each other.
pub fn evaluation_report(
    published: &PublishedModel<'_>,
    dataset_sha256: &str,
    measured: &MeasuredRows<'_>,
    notes: Vec<String>,
) -> Result<String, Failure> {
    let rows = &measured.test.rows;
    let (contributions, contributions_over) = contributions(published.model, rows, "test");
    let card = [
        ("model", published.sha256.to_owned()),
        ("measured on data", dataset_sha256.to_owned()),
        ("test queries", rows.query_count().to_string()),
        ("test rows", rows.row_count().to_string()),
    ];
    let report = Report {
        title: format!("model {:.8} on data {dataset_sha256:.8}", published.sha256),
        importance: importance(published.text, published.schema, &contributions),
        contributions_over: Some(contributions_over),
        data_card: card.map(|(name, value)| (name.to_owned(), value)).to_vec(),
        notes,
        ..Report::default()
    };
    with_measured(report, Some(measured)).map(|report| render(&report))
}

fn with_measured(
    mut report: Report,
    measured: Option<&MeasuredRows<'_>>,
) -> Result<Report, Failure> {
    let Some(rows) = measured else {
        return Ok(report);
    };
    let (test, table) = (rows.test, &rows.measurement.table);
    report.split.clone_from(&table.split);
    report.conventions.clone_from(&table.conventions_text);
    report.counterfactual.clone_from(&table.counterfactual);
    report.caution = test.lists.is_some().then(|| LABELS_FROM_ACTIONS.to_owned());
    let mut others = rows.measurement.baselines.clone();
    if let Some(other) = rows.against {
        others.push((other.name.clone(), other.results.clone()));
    }
    let slicings: Vec<Slicing> = test.lists.as_ref().map(slicings).unwrap_or_default();
    let measured = Measured {
        queries: test.rows.query_identifiers(),
        texts: &test.query_keys,
        model: &rows.measurement.model,
        others: &others,
        slicings: &slicings,
        headline: HEADLINE,
        bootstrap: Bootstrap::seeded(u64::from(rows.seed)),
    };
    let report = report.with_measured(&measured).map_err(Failure::data)?;
    let (Some(lists), Some(against)) = (&test.lists, list_against(&report, rows)) else {
        return Ok(report);
    };
    let lists = RankedLists {
        queries: &lists.queries,
        boundaries: test.rows.boundaries(),
        titles: &lists.titles,
        labels: test.rows.labels(),
        positions: &lists.positions,
        scores: rows.scores,
    };
    Ok(report.with_lists(&measured, &lists, against))
}

/// The ranking whose lists are shown beside the model's: the other model, else the strongest
/// baseline that is one order. Random is the mean of several.
fn list_against<'a>(report: &Report, rows: &MeasuredRows<'a>) -> Option<(&'a str, &'a [f64])> {
    if let Some(other) = rows.against {
        return Some((&other.name, &other.scores));
    }
    let mean = |name: &str| {
        let lift = report.lifts.iter().find(|lift| lift.against == name);
        lift.map_or(f64::NEG_INFINITY, |lift| lift.comparison.second)
    };
    let strongest = rows
        .test
        .baselines
        .iter()
        .max_by(|first, second| mean(first.0).total_cmp(&mean(second.0)))?;
    Some((strongest.0, strongest.1))
}

fn learning_curve(parts: &TrainedParts<'_>) -> Option<LearningCurve> {
    let stopping = parts.configuration.early_stopping?;
    (!parts.trained.validation_values.is_empty()).then(|| LearningCurve {
        name: format!("{} on validation queries", stopping.metric),
        values: parts.trained.validation_values.clone(),
        trees: parts.trained.trees as usize,
    })
}

/// Contributions to the scores of rows of a kind, and over how many of these.
fn contributions(
    model: &RankingModel,
    rows: &RankingRows,
    kind: &str,
) -> (MeanContributions, String) {
    let trees = model.tree_count().max(1);
    let most = (MOST_TREE_ROWS / trees).clamp(FEWEST_ROWS, MOST_ROWS);
    let means = mean_contributions(model, rows, most);
    let over = if means.rows == rows.row_count() {
        format!("all {} {kind} rows", means.rows)
    } else {
        format!("{} of {} {kind} rows", means.rows, rows.row_count())
    };
    (means, over)
}

/// Features that no split uses are left out.
fn importance(
    text: &str,
    schema: &FeatureSchema,
    contributions: &MeanContributions,
) -> Vec<FeatureImportance> {
    let gains = split_gains(text, schema.features.len());
    let all: f64 = gains.iter().map(|feature| feature.gain).sum();
    let mut importance: Vec<FeatureImportance> = schema
        .features
        .iter()
        .zip(gains)
        .zip(&contributions.of_feature)
        .filter(|((_, gain), _)| gain.splits > 0)
        .map(|((feature, gain), contribution)| FeatureImportance {
            feature: feature.name.clone(),
            gain: if all > 0.0 { gain.gain / all } else { 0.0 },
            splits: gain.splits,
            contribution: Some(*contribution),
        })
        .collect();
    importance.sort_by(|first, second| second.gain.total_cmp(&first.gain));
    importance
}

fn data_card(parts: &TrainedParts<'_>) -> Vec<(String, String)> {
    let sizes = &parts.sizes;
    let configuration = parts.configuration;
    let mut card = vec![
        ("data", parts.dataset_sha256.to_owned()),
        ("feature schema", parts.schema.sha256()),
        ("features", parts.schema.features.len().to_string()),
        ("queries trained on", sizes.training_queries.to_string()),
        ("rows trained on", sizes.training_rows.to_string()),
        ("validation queries", sizes.validation_queries.to_string()),
        ("test queries", sizes.test_queries.to_string()),
        ("test rows", sizes.test_rows.to_string()),
        ("queries left out", sizes.left_out_queries.to_string()),
        ("objective", configuration.objective.name().to_owned()),
        ("seed", configuration.seed.to_string()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect::<Vec<_>>();
    card.extend(configuration.named_parameters());
    card
}

#[cfg(test)]
mod tests;
