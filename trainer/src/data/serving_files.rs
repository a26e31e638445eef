//! The files that a bundle takes along so that serving computes the features that training had.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use searchop_ranking::catalogue::Catalogue;
use searchop_ranking::features::BehaviourTable;

use crate::failure::Failure;
use crate::job::Job;

/// Where they are written.
#[derive(Debug)]
pub(super) struct ServingFiles {
    /// `catalogue.jsonl`.
    pub(super) catalogue: PathBuf,
    /// `behaviour.json`.
    pub(super) behaviour: PathBuf,
}

impl ServingFiles {
    /// In the work folder of a Job.
    pub(super) fn of(job: &Job) -> Self {
        Self {
            catalogue: job.work_path("catalogue.jsonl"),
            behaviour: job.work_path("behaviour.json"),
        }
    }

    /// Writes both.
    pub(super) fn write(
        &self,
        catalogue: &Catalogue,
        behaviour: &BehaviourTable,
    ) -> Result<(), Failure> {
        write(&self.catalogue, "catalogue.jsonl", |output| {
            catalogue.write(output).map_err(std::io::Error::other)
        })?;
        write(&self.behaviour, "behaviour.json", |output| {
            let written = behaviour.write(catalogue, output);
            written.map_err(std::io::Error::other)
        })
    }
}

fn write(
    path: &Path,
    name: &str,
    content: impl FnOnce(&mut BufWriter<File>) -> std::io::Result<()>,
) -> Result<(), Failure> {
    File::create(path)
        .and_then(|file| {
            let mut output = BufWriter::new(file);
            content(&mut output)?;
            output.flush()
        })
        .map_err(|error| Failure::local_file(format!("write {name}"), &error))
}
