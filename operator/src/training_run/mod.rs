//! TrainingRun: one trainer Job, one model bundle in the store.

pub mod build;
pub mod decide;
pub mod observe;
pub mod source;
#[cfg(test)]
mod tests;

use crate::context::Context;
use crate::controllers::{self, Watched, api, children, instance_of};
use crate::error::Error;
use crate::job::execute::execute;
use crate::owner::Owner;
use crate::requeue::Requeue;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt;
use kube::core::PartialObjectMeta;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::{Controller, watcher};
use searchop_crds::labels::Component;
use searchop_crds::{DemoDataset, RankingModel, TrainingRun};
use std::sync::Arc;
use tokio::sync::watch;

/// The kind's name.
pub const KIND: &str = "TrainingRun";

/// Brings one TrainingRun a step further.
///
/// # Errors
/// The cluster cannot be read or written.
pub async fn reconcile(
    context: Arc<Context>,
    run: TrainingRun,
    owner: Owner,
    now: Timestamp,
) -> Result<Requeue, Error> {
    let observed = observe::observe(&context, &owner, &run).await?;
    let plan = decide::decide(&owner, &run, &observed, &context.settings, now);
    let before = run.status.clone().unwrap_or_default();
    execute(&context, &owner, run, &before, &observed.jobs, plan, now).await
}

/// Watches TrainingRuns of `namespace`, or of all, until `stop` turns true.
pub async fn run(context: Arc<Context>, namespace: Option<String>, stop: watch::Receiver<bool>) {
    let (client, scope) = (context.client.clone(), namespace.as_deref());
    let components = [Component::Train, Component::Purge];
    let all = watcher::Config::default();
    let controller = Controller::new(api::<Watched<TrainingRun>>(&client, scope), all.clone());
    let (store, runs) = (controller.store(), controller.store());
    let controller = controller
        .owns(
            api::<PartialObjectMeta<Job>>(&client, scope),
            children(&components),
        )
        .watches(
            api::<PartialObjectMeta<Pod>>(&client, scope),
            children(&components),
            |pod| instance_of::<TrainingRun, _>(&pod),
        )
        .watches(
            api::<PartialObjectMeta<DemoDataset>>(&client, scope),
            all.clone(),
            move |dataset| trained_on(&runs, &dataset),
        )
        // A model that goes may be the last user of a bundle that waits to be purged.
        .watches(
            api::<PartialObjectMeta<RankingModel>>(&client, scope),
            all,
            move |_| controllers::deleting(&store),
        );
    controllers::run(controller, KIND, context, stop, reconcile).await;
}

/// The runs without a model that name the dataset.
fn trained_on(
    runs: &Store<Watched<TrainingRun>>,
    dataset: &PartialObjectMeta<DemoDataset>,
) -> Vec<ObjectRef<Watched<TrainingRun>>> {
    let names = |run: &TrainingRun| {
        let reference = run.spec.dataset.demo_dataset_ref.as_ref();
        let has_model = run
            .status
            .as_ref()
            .is_some_and(|status| status.model.is_some());
        !has_model
            && run.namespace() == dataset.namespace()
            && reference.is_some_and(|reference| reference.name == dataset.name_any())
    };
    runs.state()
        .iter()
        .filter(|watched| watched.0.as_ref().is_ok_and(names))
        .map(|watched| ObjectRef::from_obj(&**watched))
        .collect()
}
