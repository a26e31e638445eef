//! The files of own data: fetched, digested, read.

use std::path::Path;

use searchop_artifacts::Sha256;
use searchop_ranking::catalogue_files::{read_catalogue, read_catalogue_records};
use searchop_ranking::judgements::{
    JudgementOptions, read_judgement_records, read_judgements, read_topics,
};
use searchop_ranking::ubi::UbiLog;

use super::{OwnData, OwnLog};
use crate::data::open::{failed, is_parquet, open};
use crate::data::parquet_rows::ParquetRows;
use crate::data::svmlight_files::{LocalFile, fetch, fetch_optional};
use crate::failure::Failure;
use crate::job::Job;
use crate::request::{FileFormat, OwnFiles};

/// The fetched files.
#[derive(Debug)]
pub struct LocalOwnFiles {
    request: OwnFiles,
    catalogue: LocalFile,
    judgements: Option<LocalFile>,
    topics: Option<LocalFile>,
    queries: Option<LocalFile>,
    events: Option<LocalFile>,
}

impl LocalOwnFiles {
    /// Fetches the files.
    pub(in crate::data) async fn fetch(job: &Job, request: &OwnFiles) -> Result<Self, Failure> {
        let judgements = request.judgements.as_ref().map(|file| &file.file);
        Ok(Self {
            catalogue: fetch(job, "Catalogue", &request.catalogue.file).await?,
            judgements: fetch_optional(job, "Judgements", judgements).await?,
            topics: fetch_optional(job, "Topics", request.topics.as_ref()).await?,
            queries: fetch_optional(job, "Queries", request.queries.as_ref()).await?,
            events: fetch_optional(job, "Events", request.events.as_ref()).await?,
            request: request.clone(),
        })
    }

    /// The digest of all files together: of their names, their digests and how they are read.
    pub(in crate::data) fn digest(&self) -> Sha256 {
        let files = [
            Some(&self.catalogue),
            self.judgements.as_ref(),
            self.topics.as_ref(),
            self.queries.as_ref(),
            self.events.as_ref(),
        ];
        let mut text = self.request.reading();
        for file in files.into_iter().flatten() {
            text.push_str(&format!("{}={}\n", file.name, file.sha256));
        }
        Sha256::of(text.as_bytes())
    }

    /// Reads the files.
    ///
    /// # Errors
    /// Input, line and field are named.
    pub fn read(&self) -> Result<OwnData, Failure> {
        let request = &self.request;
        let LocalFile { name, path, .. } = &self.catalogue;
        let read = match request.catalogue.format {
            FileFormat::Parquet => read_catalogue_records(parquet(name, path)?, request.bad_lines),
            FileFormat::Text(format) => {
                read_catalogue(open(name, path)?, format, request.bad_lines)
            }
        };
        let (catalogue, catalogue_notes) = read.map_err(|error| failed(name, error))?;
        if catalogue.is_empty() {
            return Err(Failure::data("input Catalogue: there are no products"));
        }
        let topics = match &self.topics {
            Some(file) => Some(
                read_topics(open(file.name, &file.path)?)
                    .map_err(|error| failed(file.name, error))?,
            ),
            None => None,
        };
        let judgements = match (&self.judgements, &request.judgements) {
            (Some(file), Some(requested)) => {
                let LocalFile { name, path, .. } = file;
                let read = match requested.format {
                    FileFormat::Parquet => read_judgement_records(
                        parquet(name, path)?,
                        &request.grades,
                        request.bad_lines,
                    ),
                    FileFormat::Text(format) => {
                        let options = JudgementOptions {
                            format,
                            grades: &request.grades,
                            topics: topics.as_ref(),
                            allowed_bad_lines: request.bad_lines,
                        };
                        read_judgements(open(name, path)?, &options)
                    }
                };
                Some(read.map_err(|error| failed(name, error))?)
            }
            _ => None,
        };
        Ok(OwnData {
            catalogue: catalogue.in_language(request.language),
            catalogue_notes,
            judgements,
            log: self.read_log()?,
        })
    }

    fn read_log(&self) -> Result<Option<OwnLog>, Failure> {
        if self.events.is_none() {
            return Ok(None);
        }
        let mut log = UbiLog::new(self.request.log.clone());
        for file in [&self.queries, &self.events].into_iter().flatten() {
            let LocalFile { name, path, .. } = file;
            let read = if is_parquet(&format!("input {name}"), path)? {
                log.read_records(parquet(name, path)?)
            } else {
                log.read(open(name, path)?)
            };
            read.map_err(|error| failed(name, error))?;
        }
        let bad_lines = log.bad_lines().clone();
        let bulk_actions = log.bulk_actions();
        Ok(Some(OwnLog {
            clean: log.finish(),
            bad_lines,
            bulk_actions,
        }))
    }
}

fn parquet(name: &str, path: &Path) -> Result<ParquetRows, Failure> {
    ParquetRows::open(&format!("input {name}"), path)
}
