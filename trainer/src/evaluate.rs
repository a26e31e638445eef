//! `evaluate`: a published bundle measured on given data, scored as a server scores. With a split
//! the test queries are measured, without one (`None`) all are. Nothing is published.

use searchop_artifacts::Kind;
use searchop_ranking::bundle::{Bundle, MetricsTable, SchemaKind, SelfCheckError};

use crate::cli::EvaluateOptions;
use crate::data::{Data, Features, ResolvedSource};
use crate::evaluation::{TestRows, measure};
use crate::failure::{Failure, Reason};
use crate::job::{Job, blocking};
use crate::outcome::{EvaluateSuccess, Success};
use crate::partition::partition;
use crate::progress::Stage;
use crate::request::{DataRequest, SplitChoice, artifact};
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
/// A bundle that fails its self-check, data that it cannot rank, and what the store says.
pub async fn evaluate(job: &Job, options: &EvaluateOptions) -> Result<EvaluateReport, Failure> {
    let request = DataRequest::try_from(&options.data).map_err(Failure::parameters)?;
    let bundle = artifact(
        &options.bundle_uri,
        options.bundle_sha256.as_deref(),
        "--bundle-sha256",
    )
    .map_err(Failure::parameters)?;
    let (uri, repository) = job.locate(&bundle).await?;
    let folder = job.work_path("evaluated");
    let metadata = job
        .fetch(repository, uri.sha256, Kind::ModelBundle, &folder)
        .await?;
    let source = ResolvedSource::new(job, &request.source).await?;
    let dataset_sha256 = source.sha256();
    let mut data = source.load(job).await?;
    let notes = std::mem::take(&mut data.notes);
    let progress = job.progress.clone();
    let metrics = blocking(move || {
        let bundle = Bundle::load(&folder, &metadata).map_err(|error| refused(&error))?;
        require_same_features(&bundle, &data)?;
        let test = test_rows(data, &request)?;
        progress.begin(Stage::Evaluate);
        let scores = score_rows(&bundle.model, &test.rows, |done, total| {
            progress.part(Stage::Evaluate, done, total);
        })?;
        measure(&test, &scores, request.seed)
    })
    .await?;
    let success = Success::Evaluate(EvaluateSuccess {
        bundle_sha256: uri.sha256.to_string(),
        dataset_sha256,
        metrics: metrics.headline(),
    });
    Ok(EvaluateReport {
        success,
        metrics,
        notes,
    })
}

fn refused(error: &SelfCheckError) -> Failure {
    let reason = match error {
        SelfCheckError::UnknownFormat { .. } | SelfCheckError::SchemaUnknown(_) => {
            Reason::UnknownFormat
        }
        _ => Reason::InvalidData,
    };
    Failure::new(reason, format!("the bundle cannot be used: {error}"))
}

fn require_same_features(bundle: &Bundle, data: &Data) -> Result<(), Failure> {
    let problem = match (bundle.schema.kind, &data.features) {
        (SchemaKind::Dense, Features::Dense)
        | (SchemaKind::QueryItem, Features::QueryItem { .. }) => return Ok(()),
        (SchemaKind::Dense, Features::QueryItem { .. }) => {
            "the bundle ranks rows of given features, but a dataset is given; give SvmLight inputs"
        }
        (SchemaKind::QueryItem, Features::Dense) => {
            "the bundle ranks items of a catalogue, but rows of features are given; give a dataset"
        }
    };
    Err(Failure::data(problem))
}

fn test_rows(data: Data, request: &DataRequest) -> Result<TestRows, Failure> {
    if request.split == SplitChoice::None {
        return Ok(TestRows {
            rows: data.rows,
            baselines: data.baselines,
            split: "all queries".to_owned(),
        });
    }
    let (_, partition) = partition(data, request.split, request.seed, false)?;
    partition
        .test
        .ok_or_else(|| Failure::internal("a split without test queries"))
}
