//! Gathers what a DemoDataset's decision needs: its Jobs, their progress, and, when it is being deleted, who uses it.

use crate::context::Context;
use crate::controllers::Watched;
use crate::error::Error;
use crate::job::ObservedJobs;
use crate::job::observe::{is_terminating, jobs};
use crate::job::progress::{self, Progress};
use crate::owner::{Owner, name_from};
use kube::api::ListParams;
use searchop_crds::labels::Component;
use searchop_crds::{DemoDataset, TrainingRun};

/// What surrounds a DemoDataset.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// Its Jobs.
    pub jobs: ObservedJobs,
    /// What the running Job's pod says.
    pub progress: Option<Progress>,
    /// Whether its namespace is being deleted.
    pub is_namespace_terminating: bool,
    /// TrainingRuns that use it; gathered only while it is being deleted.
    pub users: Vec<String>,
}

/// Reads the surroundings.
///
/// # Errors
/// The API server refuses.
pub async fn observe(
    context: &Context,
    owner: &Owner,
    dataset: &DemoDataset,
) -> Result<Observed, Error> {
    let jobs = jobs(context, owner, Component::Generate).await?;
    if dataset.metadata.deletion_timestamp.is_none() {
        let progress = progress::of(context, &jobs).await;
        return Ok(Observed {
            jobs,
            progress,
            ..Observed::default()
        });
    }
    let runs = context
        .scoped::<Watched<TrainingRun>>()
        .into_iter()
        .map(|api| async move { api.list(&ListParams::default()).await });
    let runs = futures::future::try_join_all(runs)
        .await
        .map_err(|source| Error::List {
            kind: "TrainingRun",
            source,
        })?;
    let users = runs
        .iter()
        .flat_map(|list| &list.items)
        // One that cannot be read as its kind is reported by its own reconcile, and holds nobody else up.
        .filter_map(|run| run.0.as_ref().ok())
        .filter(|run| uses(run, dataset))
        .map(|run| format!("TrainingRun {}", name_from(&run.metadata, &owner.namespace)))
        .collect();
    Ok(Observed {
        jobs,
        progress: None,
        is_namespace_terminating: is_terminating(context, &owner.namespace).await?,
        users,
    })
}

/// Whether the run trains, or has trained, on the dataset: by name in its namespace, by digest anywhere.
#[must_use]
pub fn uses(run: &TrainingRun, dataset: &DemoDataset) -> bool {
    let source = &run.spec.dataset;
    let by_name = run.metadata.namespace == dataset.metadata.namespace
        && source
            .demo_dataset_ref
            .as_ref()
            .map(|reference| &reference.name)
            == dataset.metadata.name.as_ref()
        && source.demo_dataset_ref.is_some();
    let digest = dataset
        .status
        .as_ref()
        .and_then(|status| status.artifact.as_ref())
        .map(|artifact| &artifact.sha256);
    let named = source.artifact.as_ref().map(|artifact| &artifact.sha256);
    let trained = run
        .status
        .as_ref()
        .and_then(|status| status.dataset_sha256.as_ref());
    by_name || (digest.is_some() && (digest == named || digest == trained))
}
