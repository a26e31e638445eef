//! `features`: the feature matrix of a dataset as files that other programs read. Nothing is
//! split, trained or published.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use searchop_ranking::bundle::FeatureSchema;
use searchop_ranking::svmlight::RankingRows;

use crate::cli::FeaturesOptions;
use crate::data::ResolvedSource;
use crate::failure::Failure;
use crate::job::{Job, blocking};
use crate::outcome::{FeaturesSuccess, Success, bounded_notes};
use crate::progress::{Progress, Stage};
use crate::request::FeaturesRequest;

/// Rows, zero-based, without zeros; a missing value is `nan`, which LightGBM reads as missing. For
/// LightGBM itself: `train` does not take `nan`.
pub const ROWS_FILE: &str = "features.svmlight";
/// Rows of each query.
pub const GROUPS_FILE: &str = "features.svmlight.query";
/// Names of the columns, one a line, as models and requests name them.
pub const NAMES_FILE: &str = "features.names";

/// Rows between two times that progress is told.
const TOLD_ROWS: usize = 4_096;

/// Computes and writes the matrix; what was left out of the data comes with the result.
///
/// # Errors
/// Data that cannot be used, the local disk, and what the store says.
pub async fn features(
    job: &Job,
    options: &FeaturesOptions,
) -> Result<(Success, Vec<String>), Failure> {
    let request = FeaturesRequest::try_from(&options.source).map_err(Failure::parameters)?;
    let source = ResolvedSource::new(job, &request.source).await?;
    let dataset_sha256 = source.sha256();
    let mut data = source.load(job, request.log).await?;
    let notes = std::mem::take(&mut data.notes);
    let folder = options.output.clone();
    let progress = job.progress.clone();
    let (rows, schema) = blocking(move || {
        let schema = data.features.schema(data.rows.feature_count());
        write(&folder, &data.rows, &schema, &progress).map_err(|error| {
            Failure::local_file(format!("write to {}", folder.display()), &error)
        })?;
        Ok((data.rows, schema))
    })
    .await?;
    let success = Success::Features(FeaturesSuccess {
        dataset_sha256,
        feature_schema_sha256: schema.sha256(),
        rows: rows.row_count() as u64,
        queries: rows.query_count() as u64,
        features: rows.feature_count() as u64,
        notes: bounded_notes(&notes),
    });
    Ok((success, notes))
}

fn write(
    folder: &Path,
    rows: &RankingRows,
    schema: &FeatureSchema,
    progress: &Progress,
) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut output = BufWriter::new(File::create(folder.join(ROWS_FILE))?);
    let mut values = vec![0.0; rows.feature_count()];
    for (row, label) in rows.labels().iter().enumerate() {
        if row % TOLD_ROWS == 0 {
            progress.part(Stage::Evaluate, row as u64, rows.row_count() as u64);
        }
        rows.copy_row(row, &mut values);
        write_row(&mut output, *label, &values)?;
    }
    output.flush()?;
    let mut output = BufWriter::new(File::create(folder.join(GROUPS_FILE))?);
    rows.group_sizes()
        .try_for_each(|size| writeln!(output, "{size}"))?;
    output.flush()?;
    let mut output = BufWriter::new(File::create(folder.join(NAMES_FILE))?);
    schema
        .features
        .iter()
        .try_for_each(|feature| writeln!(output, "{}", feature.name))?;
    output.flush()
}

/// One line. Numbers are the shortest text that reads back to the same bits.
fn write_row(output: &mut impl Write, label: u8, values: &[f64]) -> std::io::Result<()> {
    write!(output, "{label}")?;
    for (column, value) in values.iter().enumerate() {
        if value.is_nan() {
            write!(output, " {column}:nan")?;
        } else if *value != 0.0 {
            write!(output, " {column}:{value}")?;
        }
    }
    writeln!(output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_are_left_out_and_missing_values_are_written() {
        let mut output = Vec::new();
        write_row(&mut output, 3, &[0.0, 0.1, f64::NAN, -2.0]).unwrap();
        assert_eq!(String::from_utf8(output).unwrap(), "3 1:0.1 2:nan 3:-2\n");
    }

    #[test]
    fn what_is_written_reads_back_to_the_same_rows() {
        use searchop_ranking::svmlight::{
            FeatureNumbering, Queries, ReadOptions, read, read_groups,
        };
        let matrix = vec![0.1 + 0.2, 0.0, 1e-300, 5.0, 0.0, -7.25];
        let rows = RankingRows::from_dense(
            vec![1, 0, 2],
            &[1, 2],
            vec!["1".into(), "2".into()],
            2,
            matrix,
        )
        .unwrap();
        let folder = tempfile::tempdir().unwrap();
        write(
            folder.path(),
            &rows,
            &FeatureSchema::dense(2),
            &Progress::silent(),
        )
        .unwrap();
        let bytes = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
        let groups = read_groups(&bytes(GROUPS_FILE)[..]).unwrap();
        let options = ReadOptions {
            numbering: FeatureNumbering::ZeroBased,
            queries: Queries::Groups(&groups),
            feature_count: Some(2),
        };
        let read = read(&bytes(ROWS_FILE)[..], &options).unwrap();
        assert_eq!(read.to_dense(), rows.to_dense());
        assert_eq!(read.labels(), rows.labels());
        assert_eq!(read.boundaries(), rows.boundaries());
        assert_eq!(bytes(NAMES_FILE), b"f0\nf1\n");
    }
}
