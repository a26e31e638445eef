//! What a TrainingRun trains on: its spec, with a DemoDataset's name turned into a digest. Pure.

use crate::training_run::observe::Observed;
use searchop_crds::condition::{self, FAILED};
use searchop_crds::reason::JobReason;
use searchop_crds::{DatasetSource, DemoDataset, InputName};

/// Data that a Job can be started on.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// A dataset in the store.
    Dataset { uri: String, sha256: String },
    /// Files, and how they are read.
    Files(Box<DatasetSource>),
}

/// Why there is no data yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The condition's reason.
    pub reason: JobReason,
    /// For people.
    pub message: String,
}

/// The data of a spec.
///
/// # Errors
/// The DemoDataset that it names is not there, is going, has failed, or is not complete.
pub fn resolve(spec: &DatasetSource, observed: &Observed) -> Result<Source, Missing> {
    if let Some(reference) = &spec.demo_dataset_ref {
        return of_demo_dataset(&reference.name, observed.dataset.as_ref());
    }
    Ok(match &spec.artifact {
        Some(artifact) => Source::Dataset {
            uri: artifact.uri.clone(),
            sha256: artifact.sha256.clone(),
        },
        None => Source::Files(Box::new(spec.clone())),
    })
}

fn of_demo_dataset(name: &str, dataset: Option<&DemoDataset>) -> Result<Source, Missing> {
    let waiting = |state: &str| {
        Err(Missing {
            reason: JobReason::WaitingForDataset,
            message: format!("DemoDataset {name} {state}"),
        })
    };
    let Some(dataset) = dataset else {
        return waiting("does not exist");
    };
    if dataset.metadata.deletion_timestamp.is_some() {
        return waiting("is being deleted");
    }
    let status = dataset.status.clone().unwrap_or_default();
    if condition::is_true(&status.conditions, FAILED) {
        return Err(Missing {
            reason: JobReason::DatasetFailed,
            message: format!("DemoDataset {name} has failed: see its conditions"),
        });
    }
    match status.artifact {
        Some(artifact) => Ok(Source::Dataset {
            uri: artifact.uri,
            sha256: artifact.sha256,
        }),
        None => waiting("is not complete"),
    }
}

/// The name of an input as the trainer knows it.
#[must_use]
pub fn input_name(name: InputName) -> &'static str {
    match name {
        InputName::SvmLight => "SvmLight",
        InputName::Groups => "Groups",
        InputName::Validation => "Validation",
        InputName::ValidationGroups => "ValidationGroups",
        InputName::Catalogue => "Catalogue",
        InputName::Judgements => "Judgements",
        InputName::Topics => "Topics",
        InputName::Queries => "Queries",
        InputName::Events => "Events",
    }
}
