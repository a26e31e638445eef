//! SVMlight / LETOR inputs: fetched to the work folder, then read. The format itself is read by
//! the ranking crate.

use std::path::PathBuf;

use searchop_artifacts::{Sha256, fetch_input};
use searchop_ranking::split::{SplitError, check_disjoint, check_rows_disjoint};
use searchop_ranking::svmlight::{
    FeatureNumbering, Queries, RankingRows, ReadOptions, SvmLightError, read, read_groups,
};

use super::open::{is_of_content, open};
use super::{Data, Features};
use crate::failure::Failure;
use crate::job::Job;
use crate::progress::Stage;
use crate::request::{InputFile, Numbering, SvmLightFiles};

/// No input may be larger: rows are held in memory.
const MAXIMUM_INPUT_BYTES: u64 = 16 * 1024 * 1024 * 1024;

/// A fetched input.
#[derive(Clone, Debug)]
pub(super) struct LocalFile {
    pub(super) name: &'static str,
    pub(super) path: PathBuf,
    pub(super) sha256: Sha256,
}

/// The fetched inputs.
#[derive(Clone, Debug)]
pub struct LocalFiles {
    rows: LocalFile,
    groups: Option<LocalFile>,
    validation: Option<LocalFile>,
    validation_groups: Option<LocalFile>,
    numbering: Numbering,
}

impl LocalFiles {
    /// Fetches the inputs.
    pub(super) async fn fetch(job: &Job, files: &SvmLightFiles) -> Result<Self, Failure> {
        Ok(Self {
            rows: fetch(job, "SvmLight", &files.rows).await?,
            groups: fetch_optional(job, "Groups", files.groups.as_ref()).await?,
            validation: fetch_optional(job, "Validation", files.validation.as_ref()).await?,
            validation_groups: fetch_optional(
                job,
                "ValidationGroups",
                files.validation_groups.as_ref(),
            )
            .await?,
            numbering: files.numbering,
        })
    }

    /// The digest of all inputs together: of their names, their digests and the numbering.
    pub(super) fn digest(&self) -> Sha256 {
        let files = [
            Some(&self.rows),
            self.groups.as_ref(),
            self.validation.as_ref(),
            self.validation_groups.as_ref(),
        ];
        let mut text = format!("numbering={:?}\n", self.numbering);
        for file in files.into_iter().flatten() {
            text.push_str(&format!("{}={}\n", file.name, file.sha256));
        }
        Sha256::of(text.as_bytes())
    }

    /// Reads the rows.
    pub(super) fn load(&self) -> Result<Data, Failure> {
        let mut rows = self.read(&self.rows, self.groups.as_ref(), None)?;
        let mut provided_test = None;
        if let Some(validation) = &self.validation {
            let groups = self.validation_groups.as_ref();
            let test = self.read(validation, groups, None)?;
            // Both need the same width; a feature that only one of them has is 0 in the other.
            let width = rows.feature_count().max(test.feature_count());
            if rows.feature_count() < width {
                rows = self.read(&self.rows, self.groups.as_ref(), Some(width))?;
            }
            provided_test = Some(if test.feature_count() < width {
                self.read(validation, groups, Some(width))?
            } else {
                test
            });
        }
        if let Some(test) = &provided_test {
            self.require_disjoint(&rows, test)?;
        }
        Ok(Data {
            query_keys: rows.query_identifiers().to_vec(),
            rows,
            provided_test,
            timestamps: None,
            baselines: Default::default(),
            lists: None,
            randomised: None,
            features: Features::Dense {
                first: match self.numbering {
                    Numbering::ZeroBased => 0,
                    Numbering::OneBased => 1,
                },
            },
            label_gains: None,
            notes: Vec::new(),
            found: None,
        })
    }

    /// A query that is both trained on and measured on makes the figures worthless.
    fn require_disjoint(&self, rows: &RankingRows, test: &RankingRows) -> Result<(), Failure> {
        let in_validation = |error: SplitError| Failure::data(format!("input Validation: {error}"));
        // Queries of a group file have no names: they are counted from 0 in each file.
        if self.groups.is_none() && self.validation_groups.is_none() {
            check_disjoint(rows.query_identifiers(), test.query_identifiers())
                .map_err(in_validation)?;
        }
        check_rows_disjoint(rows, test).map_err(in_validation)
    }

    fn read(
        &self,
        rows: &LocalFile,
        groups: Option<&LocalFile>,
        feature_count: Option<usize>,
    ) -> Result<RankingRows, Failure> {
        let in_file = |file: &LocalFile, error: SvmLightError| match error {
            SvmLightError::Read { source, .. } if !is_of_content(&source) => {
                Failure::local_file(format!("read input {}", file.name), &source)
            }
            error => Failure::data(format!("input {}: {error}", file.name)),
        };
        let sizes = groups
            .map(|file| {
                read_groups(open(file.name, &file.path)?).map_err(|error| in_file(file, error))
            })
            .transpose()?;
        let options = ReadOptions {
            numbering: match self.numbering {
                Numbering::ZeroBased => FeatureNumbering::ZeroBased,
                Numbering::OneBased => FeatureNumbering::OneBased,
            },
            queries: sizes.as_deref().map_or(Queries::InLines, Queries::Groups),
            feature_count,
        };
        read(open(rows.name, &rows.path)?, &options).map_err(|error| in_file(rows, error))
    }
}

pub(super) async fn fetch(
    job: &Job,
    name: &'static str,
    file: &InputFile,
) -> Result<LocalFile, Failure> {
    let path = job.work_path(name);
    let expected = match &file.sha256 {
        Some(hex) => Some(hex.parse::<Sha256>().map_err(Failure::parameters)?),
        None => None,
    };
    let on_bytes = |_| job.progress.begin(Stage::Download);
    let digest = fetch_input(
        &job.connection()?,
        &file.uri,
        expected,
        &path,
        MAXIMUM_INPUT_BYTES,
        &on_bytes,
    )
    .await
    .map_err(|error| {
        let mut failure = Failure::from(error);
        failure.message = format!("input {name}: {}", failure.message);
        failure
    })?;
    Ok(LocalFile {
        name,
        path,
        sha256: digest.sha256,
    })
}

pub(super) async fn fetch_optional(
    job: &Job,
    name: &'static str,
    file: Option<&InputFile>,
) -> Result<Option<LocalFile>, Failure> {
    match file {
        Some(file) => Ok(Some(fetch(job, name, file).await?)),
        None => Ok(None),
    }
}
