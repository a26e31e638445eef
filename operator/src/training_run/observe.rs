//! Gathers what a TrainingRun's decision needs: its dataset, its Jobs, their progress, and, when it is being deleted, who
//! uses its model.

use crate::context::Context;
use crate::controllers::Watched;
use crate::error::Error;
use crate::job::ObservedJobs;
use crate::job::observe::{is_terminating, jobs};
use crate::job::progress::{self, Progress};
use crate::owner::{Owner, name_from};
use kube::Api;
use kube::api::ListParams;
use searchop_crds::labels::Component;
use searchop_crds::{DemoDataset, RankingModel, TrainingRun};

/// What surrounds a TrainingRun.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// Its Jobs.
    pub jobs: ObservedJobs,
    /// The DemoDataset that it names, if that exists.
    pub dataset: Option<DemoDataset>,
    /// What the running Job's pod says.
    pub progress: Option<Progress>,
    /// Whether its namespace is being deleted.
    pub is_namespace_terminating: bool,
    /// RankingModels that use its model; gathered only while it is being deleted.
    pub users: Vec<String>,
}

/// Reads the surroundings.
///
/// # Errors
/// The API server refuses.
pub async fn observe(
    context: &Context,
    owner: &Owner,
    run: &TrainingRun,
) -> Result<Observed, Error> {
    let jobs = jobs(context, owner, Component::Train).await?;
    if run.metadata.deletion_timestamp.is_none() {
        return Ok(Observed {
            dataset: dataset(context, owner, run).await?,
            progress: progress::of(context, &jobs).await,
            jobs,
            ..Observed::default()
        });
    }
    let models = context
        .scoped::<Watched<RankingModel>>()
        .into_iter()
        .map(|api| async move { api.list(&ListParams::default()).await });
    let models = futures::future::try_join_all(models)
        .await
        .map_err(|source| Error::List {
            kind: "RankingModel",
            source,
        })?;
    let users = models
        .iter()
        .flat_map(|list| &list.items)
        // One that cannot be read as its kind is reported by its own reconcile, and holds nobody else up.
        .filter_map(|model| model.0.as_ref().ok())
        .filter(|model| uses(model, run))
        .map(|model| {
            format!(
                "RankingModel {}",
                name_from(&model.metadata, &owner.namespace)
            )
        })
        .collect();
    Ok(Observed {
        jobs,
        is_namespace_terminating: is_terminating(context, &owner.namespace).await?,
        users,
        ..Observed::default()
    })
}

async fn dataset(
    context: &Context,
    owner: &Owner,
    run: &TrainingRun,
) -> Result<Option<DemoDataset>, Error> {
    let has_model = run
        .status
        .as_ref()
        .is_some_and(|status| status.model.is_some());
    match &run.spec.dataset.demo_dataset_ref {
        Some(reference) if !has_model => {
            Api::<DemoDataset>::namespaced(context.client.clone(), &owner.namespace)
                .get_opt(&reference.name)
                .await
                .map_err(|source| Error::Read {
                    kind: "DemoDataset",
                    name: reference.name.clone(),
                    source,
                })
        }
        _ => Ok(None),
    }
}

/// Whether the RankingModel serves, or shall serve, the run's model: by name in its namespace, by digest anywhere.
#[must_use]
pub fn uses(model: &RankingModel, run: &TrainingRun) -> bool {
    let source = &model.spec.model;
    let by_name = model.metadata.namespace == run.metadata.namespace
        && source
            .training_run_ref
            .as_ref()
            .is_some_and(|reference| Some(&reference.name) == run.metadata.name.as_ref());
    let Some(digest) = run
        .status
        .as_ref()
        .and_then(|status| status.model.as_ref())
        .map(|model| model.sha256.as_str())
    else {
        return by_name;
    };
    let status = model.status.clone().unwrap_or_default();
    let loaded = [status.stable, status.candidate, status.previous];
    by_name
        || source
            .artifact
            .as_ref()
            .is_some_and(|artifact| artifact.sha256 == digest)
        || loaded.iter().flatten().any(|model| model.sha256 == digest)
}
