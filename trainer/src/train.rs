//! `train`: data in, published model bundle out. The order of its steps is here; reading data,
//! splitting, training, measuring and the bundle's files are in modules of their own.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::PathBuf;

use searchop_artifacts::{ArtifactRepository, Kind, Owner};
use searchop_ranking::bundle::{BUNDLE_FORMAT_VERSION, MetricsTable, REPORT_FILE};
use searchop_ranking::model::{RankingModel, normalise};
use serde_json::{Value, json};

use crate::bundle::{BundleParts, ModelDescription, WrittenBundle, read_metrics};
use crate::categories::require_categories;
use crate::cli::TrainOptions;
use crate::counterfactual::of_model;
use crate::data::{Data, ResolvedSource};
use crate::evaluation::measure_beside_baselines;
use crate::failure::Failure;
use crate::folds::OutOfFold;
use crate::job::{Job, StopWish, TRAINER_VERSION, blocking, inputs_digest};
use crate::leaks::guard;
use crate::lightgbm::{
    LIGHTGBM_VERSION, LightGbmError, Objective, TrainedModel, TrainingConfiguration, TrainingData,
    train as train_trees,
};
use crate::notes::training_notes;
use crate::ordering::require_order;
use crate::outcome::{ModelReference, Success, TrainSuccess, bounded_notes};
use crate::partition::{Partition, partition};
use crate::progress::{Progress, Stage};
use crate::report::{MeasuredRows, TrainedParts, training_report};
use crate::request::{LeakGuard, SplitChoice, TrainRequest};
use crate::scoring::score_rows;

/// What a server must know to read the model: LightGBM's text format and the bundle's version.
pub const MODEL_FORMAT: &str = "lightgbm-text-v4/1";

/// A trained model's result and its full metrics, for people.
#[derive(Clone, Debug)]
pub struct TrainReport {
    /// The result message.
    pub success: Success,
    /// The metrics; without any metric if there are no test queries.
    pub metrics: MetricsTable,
    /// What people should know though it is no error, the weightier first.
    pub notes: Vec<String>,
}

/// Trains and publishes a bundle, or finds the one that an earlier attempt published.
///
/// # Errors
/// Parameters or data that cannot be used, and what the store says.
pub async fn train(job: &Job, options: &TrainOptions) -> Result<TrainReport, Failure> {
    let request = TrainRequest::try_from(options).map_err(Failure::parameters)?;
    let owner: Owner = options.owner.parse()?;
    let repository = job.open_store().await?;
    let source = ResolvedSource::new(job, &request.data.source).await?;
    let dataset_sha256 = source.sha256();
    let inputs = inputs_digest(&inputs(&request, &dataset_sha256));
    if let Some(success) = job.earlier_result(&repository, &owner, inputs).await? {
        let metrics = earlier_metrics(job, &repository, &success).await?;
        let notes = match &success {
            Success::Train(train) => train.notes.clone(),
            _ => Vec::new(),
        };
        return Ok(TrainReport {
            success,
            metrics,
            notes,
        });
    }
    source.refer(&repository, &owner).await?;
    let mut data = source.load(job, request.data.log).await?;
    let data_notes = std::mem::take(&mut data.notes);
    let data_found = data.found.take();
    let work = Work {
        configuration: configuration(&request, job.threads),
        seed: request.data.seed,
        split: request.data.split,
        leak_guard: request.leak_guard,
        dataset_sha256: dataset_sha256.clone(),
        data_notes,
        folder: job.work_path("bundle"),
        progress: job.progress.clone(),
        stop: job.stop.clone(),
    };
    let (written, notes) = blocking(move || work.run(data)).await?;
    job.progress.begin(Stage::Upload);
    let progress = job.progress.clone();
    let published = repository
        .clone()
        .with_progress(move |transfer| {
            progress.part(Stage::Upload, transfer.done_bytes, transfer.total_bytes);
        })
        .publish(
            Kind::ModelBundle,
            BUNDLE_FORMAT_VERSION,
            &written.files,
            written.metadata,
            &owner,
        )
        .await?;
    let success = Success::Train(Box::new(TrainSuccess {
        model: ModelReference {
            report_uri: Some(format!("{}/files/{REPORT_FILE}", published.uri)),
            uri: published.uri,
            sha256: published.sha256.to_string(),
            size_bytes: published.size_bytes,
            format: MODEL_FORMAT.to_owned(),
            feature_schema_sha256: written.feature_schema_sha256,
        },
        dataset_sha256,
        metrics: written.metrics.headline(),
        trees: written.trees,
        versions: BTreeMap::from([
            ("trainer".to_owned(), TRAINER_VERSION.to_owned()),
            ("lightgbm".to_owned(), LIGHTGBM_VERSION.to_owned()),
        ]),
        reused: false,
        data: data_found,
        notes: bounded_notes(&notes),
    }));
    job.leave_result(&repository, &owner, inputs, &success)
        .await?;
    Ok(TrainReport {
        success,
        metrics: written.metrics,
        notes,
    })
}

/// The metrics of a bundle that an earlier attempt published.
async fn earlier_metrics(
    job: &Job,
    repository: &ArtifactRepository,
    success: &Success,
) -> Result<MetricsTable, Failure> {
    let Success::Train(train) = success else {
        return Err(Failure::internal(
            "the earlier result is not one of training",
        ));
    };
    let sha256 = train.model.sha256.parse().map_err(Failure::internal)?;
    let folder = job.work_path("earlier");
    job.fetch(repository.clone(), sha256, Kind::ModelBundle, &folder)
        .await?;
    read_metrics(&folder)
}

/// All that the model depends on.
fn inputs(request: &TrainRequest, dataset_sha256: &str) -> Value {
    // Threads do not change the model and are not named.
    let configuration = configuration(request, 1);
    json!({
        "command": "train",
        "dataset": dataset_sha256,
        "split": request.data.split,
        "log": request.data.log,
        "seed": request.data.seed,
        "objective": configuration.objective.name(),
        "parameters": configuration.named_parameters(),
        "leakGuard": request.leak_guard,
        "trainer": TRAINER_VERSION,
        "lightgbm": LIGHTGBM_VERSION,
    })
}

fn configuration(request: &TrainRequest, threads: usize) -> TrainingConfiguration {
    TrainingConfiguration {
        objective: request.objective,
        iterations: request.num_iterations,
        leaves: request.num_leaves,
        learning_rate: request.learning_rate,
        seed: request.data.seed,
        parameters: request.parameters.clone(),
        early_stopping: request.early_stopping,
        position_bias: request.position_bias,
        monotone: request.monotone.clone(),
        categorical: request.categorical.clone(),
        threads,
    }
}

/// The part that computes, on a thread of its own: LightGBM's handles never leave it.
struct Work {
    configuration: TrainingConfiguration,
    seed: u32,
    split: SplitChoice,
    leak_guard: LeakGuard,
    dataset_sha256: String,
    data_notes: Vec<String>,
    folder: PathBuf,
    progress: Progress,
    stop: StopWish,
}

impl Work {
    /// The bundle, and what people should know of it.
    fn run(mut self, data: Data) -> Result<(WrittenBundle, Vec<String>), Failure> {
        let mut schema = data.features.schema(data.rows.feature_count());
        self.configuration.declare(&mut schema);
        let gains_note = data
            .label_gains
            .as_deref()
            .map(|gains| self.take_gains(gains));
        let (features, partition) = partition(
            data,
            self.split,
            self.seed,
            self.configuration.early_stopping.is_some(),
        )?;
        let names: Vec<String> = schema
            .features
            .iter()
            .map(|feature| feature.name.clone())
            .collect();
        self.require_named_features(&names, &partition)?;
        let mut notes = guard(&partition, &features, &names, self.leak_guard)?;
        notes.extend(gains_note);
        self.progress.begin(Stage::Train);
        let out_of_fold = self.train_folds(&names, &partition)?;
        let trained = self.train_final(&names, &partition, out_of_fold.as_ref())?;
        let text = normalise(&trained.text);
        let model = read(&text)?;
        require_order(&model, &partition.training)?;
        self.progress.begin(Stage::Evaluate);
        let measured = match &partition.test {
            Some(test) => {
                let scores = match &out_of_fold {
                    Some(folds) => folds.scores.clone(),
                    None => score_rows(&model, &test.rows, |done, total| {
                        self.progress.part(Stage::Evaluate, done, total);
                    })?,
                };
                let mut measurement = measure_beside_baselines(test, &scores, self.seed)?;
                measurement.table.counterfactual = of_model(test, &model, self.seed)?;
                Some((test, scores, measurement))
            }
            None => None,
        };
        notes.extend(out_of_fold.map(|folds| folds.note(&self.configuration)));
        notes.extend(training_notes(
            &partition,
            &self.configuration,
            &trained,
            measured
                .as_ref()
                .map(|(_, _, measurement)| &measurement.table),
        ));
        notes.extend(self.data_notes);
        let parts = TrainedParts {
            configuration: &self.configuration,
            trained: &trained,
            text: &text,
            model: &model,
            out_of_fold: !partition.folds.is_empty(),
            training: &partition.training,
            schema: &schema,
            dataset_sha256: &self.dataset_sha256,
            sizes: partition.sizes(),
        };
        let rows = measured
            .as_ref()
            .map(|(test, scores, measurement)| MeasuredRows {
                test,
                scores,
                measurement,
                against: None,
                seed: self.seed,
            });
        let report = training_report(&parts, rows.as_ref(), notes.clone())?;
        let description = ModelDescription {
            dataset_sha256: self.dataset_sha256,
            configuration: self.configuration,
            trees: trained.trees,
            split: self.split,
            partition: partition.sizes(),
        };
        BundleParts {
            text,
            model,
            schema,
            metrics: measured.map(|(_, _, measurement)| measurement.table),
            report,
            features,
            sample: &partition.training,
        }
        .write(&self.folder, description)
        .map(|written| (written, notes))
    }

    /// The features that constraints and categories name are there, and categories are such.
    fn require_named_features(
        &self,
        names: &[String],
        partition: &Partition,
    ) -> Result<(), Failure> {
        let configuration = &self.configuration;
        configuration
            .to_parameter_text(names)
            .map_err(Failure::parameters)?;
        let columns = configuration
            .categorical_columns(names)
            .map_err(Failure::parameters)?;
        require_categories(&partition.training, &columns, names)?;
        let others = partition.test.iter().map(|test| &test.rows);
        others
            .chain(partition.validation())
            .try_for_each(|rows| require_categories(rows, &columns, names))
    }

    /// Measures by the gains that the data states, and trains by them where the objective can.
    fn take_gains(&mut self, gains: &[f64]) -> String {
        let gains: Vec<String> = gains.iter().map(f64::to_string).collect();
        let gains = gains.join(",");
        let configuration = &mut self.configuration;
        let note = match configuration.objective {
            Objective::Lambdarank => {
                format!("trained and measured with the stated gains {gains} of labels 0 and up")
            }
            other => format!(
                "measured with the stated gains {gains} of labels 0 and up; {other} trains by the labels"
            ),
        };
        let parameters = &mut configuration.parameters;
        parameters.insert("label_gain".to_owned(), gains);
        note
    }

    /// The scores of all rows by the models of the folds, if there are folds.
    fn train_folds(
        &self,
        names: &[String],
        partition: &Partition,
    ) -> Result<Option<OutOfFold>, Failure> {
        if partition.folds.is_empty() {
            return Ok(None);
        }
        let mut out_of_fold = OutOfFold::new(&partition.training);
        for (number, fold) in partition.folds.iter().enumerate() {
            let rows = partition.fold_rows(fold)?;
            let data = TrainingData {
                feature_names: names,
                training: &rows.training,
                positions: rows.positions.as_deref(),
                validation: rows.validation.as_ref(),
            };
            let share = (number, partition.folds.len() + 1);
            let trained = self.train(&self.configuration, &data, share)?;
            let model = read(&normalise(&trained.text))?;
            require_order(&model, &rows.training)?;
            let scores = score_rows(&model, &rows.test, |_, _| ())?;
            out_of_fold.take(&partition.training, fold, &scores, trained.trees);
        }
        Ok(Some(out_of_fold))
    }

    /// The model to publish.
    fn train_final(
        &self,
        names: &[String],
        partition: &Partition,
        folds: Option<&OutOfFold>,
    ) -> Result<TrainedModel, Failure> {
        let configuration = match folds {
            Some(folds) => folds.final_configuration(&self.configuration),
            None => self.configuration.clone(),
        };
        let data = TrainingData {
            feature_names: names,
            training: &partition.training,
            positions: partition.training_positions.as_deref(),
            validation: partition.validation(),
        };
        let folds = partition.folds.len();
        self.train(&configuration, &data, (folds, folds + 1))
    }

    /// Trains a model; it is one of several of equal share in the progress.
    fn train(
        &self,
        configuration: &TrainingConfiguration,
        data: &TrainingData<'_>,
        (number, models): (usize, usize),
    ) -> Result<TrainedModel, Failure> {
        let told = |iteration| {
            if models == 1 {
                self.progress.trained(iteration, configuration.iterations);
            } else {
                let share = f64::from(iteration) / f64::from(configuration.iterations);
                let share = (number as f64 + share) / models as f64;
                self.progress.share(Stage::Train, share);
            }
            self.stop.check()
        };
        if self.stop.check() == ControlFlow::Break(()) {
            return Err(Failure::interrupted());
        }
        train_trees(configuration, data, told).map_err(|error| match error {
            LightGbmError::Interrupted => Failure::interrupted(),
            LightGbmError::Refused { .. } | LightGbmError::TooLarge { .. } => Failure::data(error),
            other => Failure::internal(other),
        })
    }
}

fn read(text: &str) -> Result<RankingModel, Failure> {
    RankingModel::parse(text)
        .map_err(|error| Failure::internal(format!("the trained model: {error}")))
}
