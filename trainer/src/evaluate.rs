//! `evaluate`: a published bundle measured again, scored as a server scores. On the data that it
//! was trained on, the split and the seed are the bundle's own, so that the figures are those of
//! its training to the last bit; other data is measured only when that is asked for. Nothing is
//! published.

use std::path::{Path, PathBuf};

use searchop_artifacts::Kind;
use searchop_ranking::bundle::{
    Bundle, BundleMetadata, FeatureSchema, MODEL_FILE, MetricsTable, SchemaKind, SelfCheckError,
};
use serde_json::Value;

use crate::cli::EvaluateOptions;
use crate::counterfactual::of_model;
use crate::data::{Data, Features, ResolvedSource};
use crate::evaluation::{HEADLINE, TestRows, compare_headline, measure_beside_baselines, results};
use crate::failure::{Failure, Reason};
use crate::job::{Job, blocking};
use crate::outcome::{BundleComparison, EvaluateSuccess, Success, bounded_notes};
use crate::partition::test_rows;
use crate::progress::{Progress, Stage};
use crate::report::{MeasuredRows, OtherModel, PublishedModel, evaluation_report};
use crate::request::{EvaluateRequest, InputFile, LogRows, MeasuredQueries, SplitChoice};
use crate::scoring::score_rows;

/// The result message and the full table.
#[derive(Clone, Debug)]
pub struct EvaluateReport {
    /// The result message.
    pub success: Success,
    /// The metrics.
    pub metrics: MetricsTable,
    /// What was left out of the data.
    pub notes: Vec<String>,
}

/// Measures a bundle.
///
/// # Errors
/// A bundle that fails its self-check, other data than it was trained on unless that is asked for,
/// data that it cannot rank, and what the store says.
pub async fn evaluate(job: &Job, options: &EvaluateOptions) -> Result<EvaluateReport, Failure> {
    let request = EvaluateRequest::try_from(options).map_err(Failure::parameters)?;
    let (uri, repository) = job.locate(&request.bundle).await?;
    let folder = job.work_path("evaluated");
    let metadata = job
        .fetch(repository, uri.sha256, Kind::ModelBundle, &folder)
        .await?;
    let against = match &request.against {
        Some(other) => Some(fetch_other(job, other).await?),
        None => None,
    };
    let training = Training::of_manifest(&metadata)?;
    let source = ResolvedSource::new(job, &request.source).await?;
    let dataset_sha256 = source.sha256();
    let is_chosen = matches!(request.queries, MeasuredQueries::Chosen(_));
    let measured = training.measured(request.queries, &dataset_sha256)?;
    let mut data = source
        .load(job, request.log.unwrap_or(training.log))
        .await?;
    let mut notes = std::mem::take(&mut data.notes);
    if is_chosen && dataset_sha256 == training.dataset_sha256 {
        notes.push(
            "this is the data that the bundle was trained on: what is measured flatters it"
                .to_owned(),
        );
    }
    if let Some(other) = &against {
        notes.extend(seen_by_other(&other.metadata, &training)?);
    }
    let work = Work {
        bundle_sha256: uri.sha256.to_string(),
        dataset_sha256: dataset_sha256.clone(),
        bundle: (folder, metadata),
        against,
        measured,
        report: options.report.clone(),
        notes: notes.clone(),
        progress: job.progress.clone(),
    };
    let (metrics, comparison) = blocking(move || work.run(data)).await?;
    let success = Success::Evaluate(EvaluateSuccess {
        bundle_sha256: uri.sha256.to_string(),
        dataset_sha256,
        metrics: metrics.headline(),
        comparison,
        notes: bounded_notes(&notes),
    });
    Ok(EvaluateReport {
        success,
        metrics,
        notes,
    })
}

/// A fetched bundle that another is compared with.
struct OtherBundle {
    sha256: String,
    folder: PathBuf,
    metadata: Value,
}

async fn fetch_other(job: &Job, bundle: &InputFile) -> Result<OtherBundle, Failure> {
    let (uri, repository) = job.locate(bundle).await?;
    let folder = job.work_path("against");
    let metadata = job
        .fetch(repository, uri.sha256, Kind::ModelBundle, &folder)
        .await?;
    Ok(OtherBundle {
        sha256: uri.sha256.to_string(),
        folder,
        metadata,
    })
}

/// What to know of a bundle that did not hold back the same queries.
fn seen_by_other(metadata: &Value, training: &Training) -> Result<Option<String>, Failure> {
    let is_same = Training::of_manifest(metadata)? == *training;
    Ok((!is_same).then(|| {
        "the other bundle was trained on other data or by another split: it may have seen these \
         queries, which flatters it"
            .to_owned()
    }))
}

/// The part that computes, on a thread of its own.
struct Work {
    bundle_sha256: String,
    dataset_sha256: String,
    bundle: (PathBuf, Value),
    against: Option<OtherBundle>,
    measured: Measured,
    report: Option<PathBuf>,
    notes: Vec<String>,
    progress: Progress,
}

impl Work {
    /// The metrics, and how the bundle compares with the other one; writes the report.
    fn run(self, data: Data) -> Result<(MetricsTable, Option<Box<BundleComparison>>), Failure> {
        let load = |folder: &Path, metadata: &Value| -> Result<Bundle, Failure> {
            let bundle = Bundle::load(folder, metadata).map_err(|error| refused(&error))?;
            require_same_features(&bundle, &data)?;
            Ok(bundle)
        };
        let bundle = load(&self.bundle.0, &self.bundle.1)?;
        let other = match self.against {
            Some(named) => match load(&named.folder, &named.metadata) {
                Ok(bundle) => Some((named, bundle)),
                Err(failure) => {
                    let message = format!("--against-uri: {}", failure.message);
                    return Err(Failure::new(failure.reason, message));
                }
            },
            None => None,
        };
        let Measured {
            split,
            seed,
            chose_trees,
        } = self.measured;
        let test = test_rows(data, split, seed, chose_trees)?;
        self.progress.begin(Stage::Evaluate);
        let score = |bundle: &Bundle| {
            score_rows(&bundle.model, &test.rows, |done, total| {
                self.progress.part(Stage::Evaluate, done, total);
            })
        };
        let scores = score(&bundle)?;
        let mut measurement = measure_beside_baselines(&test, &scores, seed)?;
        measurement.table.counterfactual = of_model(&test, &bundle.model, seed)?;
        let other = match other {
            Some((named, bundle)) => Some(other_model(&named, &test, score(&bundle)?)?),
            None => None,
        };
        if let Some(path) = &self.report {
            let rows = MeasuredRows {
                test: &test,
                scores: &scores,
                measurement: &measurement,
                against: other.as_ref(),
                seed,
            };
            let text = std::fs::read_to_string(self.bundle.0.join(MODEL_FILE))
                .map_err(|error| Failure::local_file(format!("read {MODEL_FILE}"), &error))?;
            let published = PublishedModel {
                sha256: &self.bundle_sha256,
                text: &text,
                model: &bundle.model,
                schema: &bundle.schema,
            };
            let page = evaluation_report(&published, &self.dataset_sha256, &rows, self.notes)?;
            std::fs::write(path, page).map_err(|error| {
                Failure::local_file(format!("write {}", path.display()), &error)
            })?;
        }
        let comparison = match &other {
            Some(other) => Some(Box::new(BundleComparison {
                against_sha256: other.sha256.clone(),
                metric: HEADLINE.to_string(),
                comparison: compare_headline(&test, &measurement.model, &other.results, seed)?,
            })),
            None => None,
        };
        Ok((measurement.table, comparison))
    }
}

fn other_model(
    named: &OtherBundle,
    test: &TestRows,
    scores: Vec<f64>,
) -> Result<OtherModel, Failure> {
    Ok(OtherModel {
        name: format!("model {:.8}", named.sha256),
        sha256: named.sha256.clone(),
        results: results(test, &scores).map_err(Failure::internal)?,
        scores,
    })
}

/// How the training chose the queries that it measured.
#[derive(Clone, Debug, PartialEq)]
struct Training {
    dataset_sha256: String,
    log: LogRows,
    measured: Measured,
}

/// What decides which queries are measured, and their intervals.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Measured {
    split: SplitChoice,
    seed: u32,
    /// Whether validation queries chose the number of trees.
    chose_trees: bool,
}

impl Training {
    fn of_manifest(metadata: &Value) -> Result<Self, Failure> {
        let invalid = |problem: String| {
            Failure::data(format!("the bundle cannot be used: metadata: {problem}"))
        };
        let known: BundleMetadata =
            serde_json::from_value(metadata.clone()).map_err(|error| invalid(error.to_string()))?;
        let split = serde_json::from_value(metadata["split"].clone())
            .map_err(|error| invalid(format!("split: {error}")))?;
        let seed = u32::try_from(known.seed).map_err(|error| invalid(format!("seed: {error}")))?;
        let log = match metadata.get("log") {
            Some(log) => serde_json::from_value(log.clone())
                .map_err(|error| invalid(format!("log: {error}")))?,
            None => LogRows::default(),
        };
        Ok(Self {
            dataset_sha256: known.dataset_sha256,
            log,
            measured: Measured {
                split,
                seed,
                chose_trees: known.parameters.contains_key("early_stopping_round"),
            },
        })
    }

    /// What is to be measured of the data with this digest.
    fn measured(
        &self,
        queries: MeasuredQueries,
        dataset_sha256: &str,
    ) -> Result<Measured, Failure> {
        match queries {
            MeasuredQueries::Chosen(split) => Ok(Measured {
                split,
                chose_trees: false,
                ..self.measured
            }),
            MeasuredQueries::OfTraining if dataset_sha256 != self.dataset_sha256 => {
                Err(Failure::data(format!(
                    "the bundle was trained on the data {}, but this is {dataset_sha256}; give \
                     --other-data to measure it on other data",
                    self.dataset_sha256
                )))
            }
            MeasuredQueries::OfTraining if self.measured.split == SplitChoice::None => {
                Err(Failure::parameters(
                    "the bundle was trained on all queries of this data and measured on none; give \
                     --other-data to measure it on data of your choice",
                ))
            }
            MeasuredQueries::OfTraining
                if matches!(self.measured.split, SplitChoice::KFold { .. }) =>
            {
                Err(Failure::parameters(
                    "the bundle was measured out of fold, by models that are not kept, and trained on \
                     all queries of this data; give --other-data to measure it on data of your choice",
                ))
            }
            MeasuredQueries::OfTraining => Ok(self.measured),
        }
    }
}

fn refused(error: &SelfCheckError) -> Failure {
    let reason = match error {
        SelfCheckError::Unreadable { path, source } => {
            return Failure::local_file(format!("read {}", path.display()), source);
        }
        SelfCheckError::UnknownFormat { .. } | SelfCheckError::SchemaUnknown(_) => {
            Reason::UnknownFormat
        }
        _ => Reason::InvalidData,
    };
    Failure::new(reason, format!("the bundle cannot be used: {error}"))
}

fn require_same_features(bundle: &Bundle, data: &Data) -> Result<(), Failure> {
    let problem = match (bundle.schema.kind, &data.features) {
        (SchemaKind::QueryItem, Features::QueryItem { schema, .. }) => {
            return require_same_columns(&bundle.schema, schema);
        }
        (SchemaKind::Dense, Features::Dense { first }) => {
            let (named, read) = (&bundle.schema.features[0].name, format!("f{first}"));
            if *named == read {
                return Ok(());
            }
            return Err(Failure::data(format!(
                "the first feature of the bundle is {named}, but that of the rows is {read}; give the \
                 --feature-numbering that the bundle was trained with"
            )));
        }
        (SchemaKind::Dense, Features::QueryItem { .. }) => {
            "the bundle ranks rows of given features, but a dataset is given; give SvmLight inputs"
        }
        (SchemaKind::QueryItem, Features::Dense { .. }) => {
            "the bundle ranks items of a catalogue, but rows of features are given; give a dataset"
        }
    };
    Err(Failure::data(problem))
}

/// The bundle's columns must be those of the data: attributes and language are the catalogue's.
fn require_same_columns(bundle: &FeatureSchema, data: &FeatureSchema) -> Result<(), Failure> {
    if bundle.language != data.language {
        return Err(Failure::data(format!(
            "the bundle reads texts as {}, but the data is read as {}; give the --language that the \
             bundle was trained with",
            bundle.language, data.language
        )));
    }
    let name = |schema: &FeatureSchema, column: usize| {
        let feature = schema.features.get(column);
        feature.map_or("nothing".to_owned(), |it| it.name.clone())
    };
    let columns = bundle.features.len().max(data.features.len());
    let differing = (0..columns).find(|column| name(bundle, *column) != name(data, *column));
    differing.map_or(Ok(()), |column| {
        Err(Failure::data(format!(
            "column {column} of the bundle is {}, but that of the data is {}: the catalogues have \
             other attributes",
            name(bundle, column),
            name(data, column)
        )))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn metadata(split: &Value) -> Value {
        json!({
            "featureSchemaSha256": "a",
            "datasetSha256": "d",
            "objective": "lambdarank",
            "seed": 7,
            "parameters": {"early_stopping_round": "3"},
            "trees": 1,
            "versions": {"trainer": "0.1.0", "lightgbm": "4.7.0"},
            "split": split,
        })
    }

    #[test]
    fn the_split_and_the_seed_are_those_in_the_manifest() {
        let time = SplitChoice::Time { test_fraction: 0.3 };
        let training = Training::of_manifest(&metadata(&json!(time))).unwrap();
        let measured = training.measured(MeasuredQueries::OfTraining, "d").unwrap();
        let expected = Measured {
            split: time,
            seed: 7,
            chose_trees: true,
        };
        assert_eq!(measured, expected);
        let failure = training
            .measured(MeasuredQueries::OfTraining, "e")
            .expect_err("other data");
        assert!(failure.message.contains("--other-data"), "{failure}");
        let all = MeasuredQueries::Chosen(SplitChoice::None);
        let chosen = training.measured(all, "e").unwrap();
        assert_eq!((chosen.split, chosen.seed), (SplitChoice::None, 7));
    }

    #[test]
    fn a_bundle_that_was_measured_on_nothing_or_does_not_say_on_what_is_refused() {
        let training = Training::of_manifest(&metadata(&json!({"mode": "None"}))).unwrap();
        let failure = training
            .measured(MeasuredQueries::OfTraining, "d")
            .expect_err("nothing was measured");
        assert_eq!(failure.reason, Reason::InvalidParameters);
        let folds = json!(SplitChoice::KFold { folds: 5 });
        assert_eq!(folds, json!({"mode": "KFold", "folds": 5}));
        let training = Training::of_manifest(&metadata(&folds)).unwrap();
        let failure = training
            .measured(MeasuredQueries::OfTraining, "d")
            .expect_err("its models are gone");
        assert!(failure.message.contains("out of fold"), "{failure}");
        for split in [Value::Null, json!({"mode": "Lot"}), json!({"mode": "Time"})] {
            let failure = Training::of_manifest(&metadata(&split)).expect_err("no split");
            assert!(failure.message.contains("metadata: split: "), "{failure}");
        }
    }
}
