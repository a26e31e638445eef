//! The files of a model bundle: written to a folder, then loaded and checked exactly as a server
//! does before using them. What does not pass is not published.

use std::path::{Path, PathBuf};

use searchop_ranking::bundle::{
    BEHAVIOUR_FILE, Bundle, BundleMetadata, BundleVersions, CATALOGUE_FILE, FEATURES_FILE,
    FeatureSchema, METRICS_FILE, MODEL_FILE, MetricsTable, PARITY_FILE, ParitySample, REPORT_FILE,
    SelfCheckError, canonical_json, choose_parity_rows,
};
use searchop_ranking::metrics::Conventions;
use searchop_ranking::metrics::statistics::Bootstrap;
use searchop_ranking::model::RankingModel;
use searchop_ranking::svmlight::RankingRows;
use serde::Serialize;
use serde_json::{Value, json};

use crate::data::Features;
use crate::failure::Failure;
use crate::job::TRAINER_VERSION;
use crate::lightgbm::{LIGHTGBM_VERSION, TrainingConfiguration, predict};
use crate::partition::PartitionSizes;
use crate::request::SplitChoice;

/// Rows in the parity sample.
const PARITY_ROWS: usize = 64;

/// What a bundle is made of.
#[derive(Debug)]
pub struct BundleParts<'a> {
    /// The normalised model text.
    pub text: String,
    /// The same, read.
    pub model: RankingModel,
    /// What its features are.
    pub schema: FeatureSchema,
    /// How good it is, if there are test queries.
    pub metrics: Option<MetricsTable>,
    /// The page for people.
    pub report: String,
    /// Files from which features are computed when serving.
    pub features: Features,
    /// The rows of which some make the parity sample.
    pub sample: &'a RankingRows,
}

/// What the manifest says of the model.
#[derive(Clone, Debug)]
pub struct ModelDescription {
    /// What it was trained on.
    pub dataset_sha256: String,
    /// How it was trained.
    pub configuration: TrainingConfiguration,
    /// Its trees.
    pub trees: u32,
    /// How test queries were chosen.
    pub split: SplitChoice,
    /// How many queries and rows each part had.
    pub partition: PartitionSizes,
}

/// A bundle that is ready to be published.
#[derive(Debug)]
pub struct WrittenBundle {
    /// Names in the bundle and local files.
    pub files: Vec<(&'static str, PathBuf)>,
    /// The manifest's metadata.
    pub metadata: Value,
    /// Digest of the feature schema.
    pub feature_schema_sha256: String,
    /// The metrics; without any metric if there are no test queries.
    pub metrics: MetricsTable,
    /// Trees.
    pub trees: u32,
}

impl BundleParts<'_> {
    /// Writes the files to `folder`, which is created, and checks them.
    ///
    /// # Errors
    /// The local disk, or a self-check that fails: then our scorer and LightGBM disagree in a bit,
    /// which is a fault of this program.
    pub fn write(
        self,
        folder: &Path,
        description: ModelDescription,
    ) -> Result<WrittenBundle, Failure> {
        std::fs::create_dir_all(folder)
            .map_err(|error| Failure::local_file("create the bundle's folder", &error))?;
        let metrics = self.metrics.unwrap_or_else(no_metrics);
        let parity = parity_sample(&self.text, &self.model, self.sample)?;
        let mut files = Vec::new();
        let mut write = |name: &'static str, text: String| {
            let path = folder.join(name);
            std::fs::write(&path, text)
                .map_err(|error| Failure::local_file(format!("write {name}"), &error))?;
            files.push((name, path));
            Ok::<_, Failure>(())
        };
        write(MODEL_FILE, self.text)?;
        write(FEATURES_FILE, json_text(&self.schema)?)?;
        write(PARITY_FILE, json_text(&parity)?)?;
        write(METRICS_FILE, json_text(&metrics)?)?;
        write(REPORT_FILE, self.report)?;
        let mut rows_of_log = None;
        if let Features::QueryItem {
            catalogue,
            behaviour,
            log,
            ..
        } = self.features
        {
            rows_of_log = log;
            files.push((CATALOGUE_FILE, catalogue));
            files.push((BEHAVIOUR_FILE, behaviour));
        }
        let feature_schema_sha256 = self.schema.sha256();
        let trees = description.trees;
        let mut metadata = metadata(description, &metrics, &feature_schema_sha256)?;
        if let Some(log) = rows_of_log {
            metadata["log"] = json!(log);
        }
        Bundle::load(folder, &metadata).map_err(|error| match &error {
            SelfCheckError::Unreadable { path, source } => {
                Failure::local_file(format!("read {}", path.display()), source)
            }
            _ => Failure::internal(format!("the bundle fails its self-check: {error}")),
        })?;
        Ok(WrittenBundle {
            files,
            metadata,
            feature_schema_sha256,
            metrics,
            trees,
        })
    }
}

/// Rows with the scores LightGBM itself gives them.
fn parity_sample(
    text: &str,
    model: &RankingModel,
    rows: &RankingRows,
) -> Result<ParitySample, Failure> {
    let sample: Vec<Vec<f64>> = choose_parity_rows(rows.row_count(), PARITY_ROWS)
        .into_iter()
        .map(|row| rows.row(row))
        .collect();
    let scores = predict(text, &sample, model.feature_count()).map_err(Failure::internal)?;
    ParitySample::new(&sample, scores).map_err(Failure::internal)
}

fn no_metrics() -> MetricsTable {
    MetricsTable::new(
        Conventions::default(),
        "no test queries",
        Vec::new(),
        &[],
        &[],
        &Default::default(),
        &Bootstrap::seeded(0),
    )
}

fn metadata(
    description: ModelDescription,
    metrics: &MetricsTable,
    feature_schema_sha256: &str,
) -> Result<Value, Failure> {
    let ModelDescription {
        dataset_sha256,
        configuration,
        trees,
        split,
        partition,
    } = description;
    let known = BundleMetadata {
        feature_schema_sha256: feature_schema_sha256.to_owned(),
        dataset_sha256,
        objective: configuration.objective.name().to_owned(),
        seed: u64::from(configuration.seed),
        parameters: configuration.named_parameters(),
        trees: usize::try_from(trees).map_err(Failure::internal)?,
        versions: BundleVersions {
            trainer: TRAINER_VERSION.to_owned(),
            lightgbm: LIGHTGBM_VERSION.to_owned(),
        },
        metrics: metrics.headline(),
    };
    let mut metadata = serde_json::to_value(known).map_err(Failure::internal)?;
    metadata["split"] = json!(split);
    metadata["partition"] = json!(partition);
    Ok(metadata)
}

fn json_text(value: &impl Serialize) -> Result<String, Failure> {
    canonical_json(value).map_err(Failure::internal)
}

/// The metrics of a fetched bundle.
///
/// # Errors
/// The file is missing or is no such table.
pub fn read_metrics(folder: &Path) -> Result<MetricsTable, Failure> {
    let text = std::fs::read(folder.join(METRICS_FILE))
        .map_err(|error| Failure::local_file(format!("read {METRICS_FILE}"), &error))?;
    serde_json::from_slice(&text).map_err(|error| Failure::data(format!("{METRICS_FILE}: {error}")))
}
