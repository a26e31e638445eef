//! `features`: the feature matrix of a dataset as files that other programs read. Nothing is
//! split, trained or published.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use searchop_ranking::bundle::FeatureSchema;

use crate::cli::FeaturesOptions;
use crate::data::{QueryWriter, ResolvedSource, Written};
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

/// Queries between two times that progress is told.
const TOLD_QUERIES: u64 = 256;

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
    let folder = options.output.clone();
    let progress = job.progress.clone();
    let Written {
        writer,
        schema,
        notes,
    } = source
        .write_queries(job, request.log, move |schema| {
            MatrixFiles::create(folder, schema, progress)
        })
        .await?;
    let features = schema.features.len() as u64;
    let (rows, queries) = blocking(move || writer.finish()).await?;
    let success = Success::Features(FeaturesSuccess {
        dataset_sha256,
        feature_schema_sha256: schema.sha256(),
        rows,
        queries,
        features,
        notes: bounded_notes(&notes),
    });
    Ok((success, notes))
}

/// The files of a matrix, being written.
#[derive(Debug)]
struct MatrixFiles {
    folder: PathBuf,
    output: BufWriter<File>,
    groups: BufWriter<File>,
    features: usize,
    rows: u64,
    queries: u64,
    progress: Progress,
}

impl MatrixFiles {
    fn create(
        folder: PathBuf,
        schema: &FeatureSchema,
        progress: Progress,
    ) -> Result<Self, Failure> {
        let created = || {
            std::fs::create_dir_all(&folder)?;
            let created = |name: &str| File::create(folder.join(name)).map(BufWriter::new);
            let mut names = created(NAMES_FILE)?;
            for feature in &schema.features {
                writeln!(names, "{}", feature.name)?;
            }
            names.flush()?;
            Ok((created(ROWS_FILE)?, created(GROUPS_FILE)?))
        };
        let (output, groups) = created().map_err(|error| failed(&folder, &error))?;
        Ok(Self {
            folder,
            output,
            groups,
            features: schema.features.len(),
            rows: 0,
            queries: 0,
            progress,
        })
    }

    /// The numbers of rows and queries that were written.
    fn finish(mut self) -> Result<(u64, u64), Failure> {
        let flushed = self.output.flush().and_then(|()| self.groups.flush());
        flushed.map_err(|error| failed(&self.folder, &error))?;
        Ok((self.rows, self.queries))
    }
}

impl QueryWriter for MatrixFiles {
    fn write(&mut self, labels: &[u8], values: &[f64], total: u64) -> Result<(), Failure> {
        if self.queries.is_multiple_of(TOLD_QUERIES) {
            self.progress.part(Stage::Features, self.rows, total);
        }
        let mut write = || {
            for (label, values) in labels.iter().zip(values.chunks_exact(self.features)) {
                write_row(&mut self.output, *label, values)?;
            }
            writeln!(self.groups, "{}", labels.len())
        };
        write().map_err(|error| failed(&self.folder, &error))?;
        self.rows += labels.len() as u64;
        self.queries += 1;
        Ok(())
    }
}

fn failed(folder: &Path, error: &std::io::Error) -> Failure {
    Failure::local_file(format!("write to {}", folder.display()), error)
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
        let matrix = [0.1 + 0.2, 0.0, 1e-300, 5.0, 0.0, -7.25];
        let place = tempfile::tempdir().unwrap();
        let schema = FeatureSchema::dense(2);
        let folder = place.path().join("new");
        let mut files = MatrixFiles::create(folder.clone(), &schema, Progress::silent()).unwrap();
        files.write(&[1], &matrix[..2], 3).unwrap();
        files.write(&[0, 2], &matrix[2..], 3).unwrap();
        assert_eq!(files.finish().unwrap(), (3, 2));
        let bytes = |name: &str| std::fs::read(folder.join(name)).unwrap();
        let groups = read_groups(&bytes(GROUPS_FILE)[..]).unwrap();
        let options = ReadOptions {
            numbering: FeatureNumbering::ZeroBased,
            queries: Queries::Groups(&groups),
            feature_count: Some(2),
        };
        let read = read(&bytes(ROWS_FILE)[..], &options).unwrap();
        assert_eq!(read.to_dense(), matrix);
        assert_eq!(read.labels(), [1, 0, 2]);
        assert_eq!(read.boundaries(), [0, 1, 3]);
        assert_eq!(bytes(NAMES_FILE), b"f0\nf1\n");
    }
}
