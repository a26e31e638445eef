//! `generate`: a demo dataset, written by the ranking crate in the formats that own data comes in,
//! and published. What is in the data is decided there.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use searchop_artifacts::{Kind, Owner};
use searchop_ranking::generate::{
    Change, Counts as Made, DriftError, GenerateError, Outputs, Settings, write_dataset,
};
use serde_json::{Value, json};

use crate::cli::GenerateOptions;
use crate::data::DATASET_FORMAT_VERSION;
use crate::failure::Failure;
use crate::job::{Job, TRAINER_VERSION, blocking, inputs_digest};
use crate::outcome::{ArtifactReference, Counts, GenerateSuccess, Success};
use crate::progress::Stage;

/// Files of a dataset. The catalogue is not compressed: bundles carry it as it is.
const FILES: [&str; 4] = [
    "catalogue.jsonl",
    "queries.jsonl.gz",
    "events.jsonl.gz",
    "judgements.jsonl.gz",
];

/// Makes and publishes a dataset, or finds the one that an earlier attempt published.
///
/// # Errors
/// Settings out of their ranges, the local disk, and what the store says.
pub async fn generate(job: &Job, options: &GenerateOptions) -> Result<Success, Failure> {
    let settings = settings(options)?;
    let owner: Owner = options.owner.parse()?;
    let repository = job.open_store().await?;
    let inputs = inputs_digest(&inputs(&settings));
    if let Some(earlier) = job.earlier_result(&repository, &owner, inputs).await? {
        return Ok(earlier);
    }
    job.progress.begin(Stage::Generate);
    let paths: Vec<PathBuf> = FILES.iter().map(|name| job.work_path(name)).collect();
    let made = {
        let (paths, progress) = (paths.clone(), job.progress.clone());
        let settings = settings.clone();
        blocking(move || {
            write(&settings, &paths, &mut |share| {
                progress.share(Stage::Generate, share)
            })
        })
        .await?
    };
    job.progress.begin(Stage::Upload);
    let metadata = json!({
        "counts": made,
        "seed": settings.seed,
        "settings": settings,
        "versions": versions(),
    });
    let files: Vec<(&str, &Path)> = FILES
        .iter()
        .copied()
        .zip(paths.iter().map(PathBuf::as_path))
        .collect();
    let published = repository
        .publish(
            Kind::Dataset,
            DATASET_FORMAT_VERSION,
            &files,
            metadata,
            &owner,
        )
        .await?;
    let success = Success::Generate(GenerateSuccess {
        artifact: ArtifactReference {
            uri: published.uri,
            sha256: published.sha256.to_string(),
            size_bytes: published.size_bytes,
        },
        counts: Counts {
            products: made.products,
            queries: made.queries,
            users: made.users,
            events: made.events,
        },
        versions: versions(),
        reused: false,
    });
    job.leave_result(&repository, &owner, inputs, &success)
        .await?;
    Ok(success)
}

fn versions() -> BTreeMap<String, String> {
    BTreeMap::from([("trainer".to_owned(), TRAINER_VERSION.to_owned())])
}

fn inputs(settings: &Settings) -> Value {
    json!({
        "command": "generate",
        "settings": settings,
        "trainer": TRAINER_VERSION,
    })
}

fn settings(options: &GenerateOptions) -> Result<Settings, Failure> {
    let bounded = |field: &str, value: u64| {
        u32::try_from(value)
            .map_err(|_| Failure::parameters(format!("--{field} {value} is too large")))
    };
    let mut settings = Settings {
        seed: options.seed,
        products: bounded("products", options.products)?,
        users: bounded("users", options.users)?,
        events: options.events,
        drift: options
            .drift
            .iter()
            .map(|text| text.parse())
            .collect::<Result<Vec<Change>, DriftError>>()
            .map_err(Failure::parameters)?,
    };
    // Their order means nothing, so it may not make another dataset.
    settings.drift.sort_by_key(|change| change.kind);
    settings.check().map_err(Failure::parameters)?;
    Ok(settings)
}

/// Writes the four files; the same settings give the same bytes.
fn write(
    settings: &Settings,
    paths: &[PathBuf],
    progress: &mut dyn FnMut(f64),
) -> Result<Made, Failure> {
    let failed = |path: &Path, error: &std::io::Error| {
        Failure::local_file(format!("write {}", path.display()), error)
    };
    let mut plain = Vec::new();
    let mut compressed = Vec::new();
    for path in paths {
        let file = BufWriter::new(File::create(path).map_err(|error| failed(path, &error))?);
        if path.extension().is_some_and(|extension| extension == "gz") {
            // The encoder writes no time and no name, so equal content gives equal bytes.
            compressed.push((path, GzEncoder::new(file, Compression::default())));
        } else {
            plain.push((path, file));
        }
    }
    let ([(catalogue_path, catalogue)], [queries, events, judgements]) =
        (&mut plain[..], &mut compressed[..])
    else {
        return Err(Failure::internal(
            "a dataset has one plain and three compressed files",
        ));
    };
    let mut outputs = Outputs {
        catalogue,
        queries: &mut queries.1,
        events: &mut events.1,
        judgements: &mut judgements.1,
    };
    let made = write_dataset(settings, &mut outputs, progress).map_err(|error| match &error {
        GenerateError::OutOfRange { .. } | GenerateError::Drift(_) => Failure::parameters(&error),
        GenerateError::Write { .. } => {
            Failure::local_file("write the dataset", &storage_error(&error))
        }
    })?;
    catalogue
        .flush()
        .map_err(|error| failed(catalogue_path, &error))?;
    for (path, encoder) in compressed {
        encoder
            .finish()
            .and_then(|mut file| file.flush())
            .map_err(|error| failed(path, &error))?;
    }
    Ok(made)
}

/// The input/output error at the bottom of an error, for its kind: a full disk may be tried again.
fn storage_error(error: &(dyn std::error::Error + 'static)) -> std::io::Error {
    let mut cause = Some(error);
    while let Some(inner) = cause {
        if let Some(found) = inner.downcast_ref::<std::io::Error>() {
            return std::io::Error::new(found.kind(), error.to_string());
        }
        cause = inner.source();
    }
    std::io::Error::other(error.to_string())
}
