//! `generate`: a demo dataset, made by the ranking crate, written as Parquet with the columns of own
//! data, and published. What is in the data is decided there.

mod columns;
mod files;
mod tables;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use searchop_artifacts::{Kind, Owner};
use searchop_ranking::generate::{
    Change, Counts as Made, DriftError, GenerateError, Settings, write_dataset,
};
use serde_json::{Value, json};

use crate::cli::GenerateOptions;
use crate::data::DATASET_FORMAT_VERSION;
use crate::failure::Failure;
use crate::job::{Job, TRAINER_VERSION, blocking, inputs_digest};
use crate::outcome::{ArtifactReference, Counts, GenerateSuccess, Success};
use crate::progress::Stage;
use files::{DatasetFiles, FILES};

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
    let folder = job.work_path("dataset");
    let paths: Vec<PathBuf> = FILES.iter().map(|name| folder.join(name)).collect();
    let made = {
        let progress = job.progress.clone();
        let settings = settings.clone();
        blocking(move || {
            write(&settings, &folder, &mut |share| {
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
        "files": FILES,
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

/// Writes the files into a folder; the same settings give the same bytes.
fn write(
    settings: &Settings,
    folder: &Path,
    progress: &mut dyn FnMut(f64),
) -> Result<Made, Failure> {
    let failed = |error: &std::io::Error| Failure::local_file("write the dataset", error);
    std::fs::create_dir_all(folder).map_err(|error| failed(&error))?;
    let mut files = DatasetFiles::create(folder).map_err(|error| failed(&error))?;
    let made = write_dataset(settings, &mut files, progress).map_err(|error| match &error {
        GenerateError::OutOfRange { .. } | GenerateError::Drift(_) => Failure::parameters(&error),
        // Its kind is kept: a full disk may be tried again.
        GenerateError::Write { source, .. } => {
            failed(&std::io::Error::new(source.kind(), error.to_string()))
        }
    })?;
    files.finish().map_err(|error| failed(&error))?;
    Ok(made)
}

#[cfg(test)]
mod tests;
