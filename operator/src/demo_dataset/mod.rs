//! DemoDataset: one generator Job, one dataset in the store.

pub mod build;
pub mod decide;
pub mod observe;
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
use kube::core::PartialObjectMeta;
use kube::runtime::{Controller, watcher};
use searchop_crds::labels::Component;
use searchop_crds::{DemoDataset, TrainingRun};
use std::sync::Arc;
use tokio::sync::watch;

/// The kind's name.
pub const KIND: &str = "DemoDataset";

/// Brings one DemoDataset a step further.
///
/// # Errors
/// The cluster cannot be read or written.
pub async fn reconcile(
    context: Arc<Context>,
    dataset: DemoDataset,
    owner: Owner,
    now: Timestamp,
) -> Result<Requeue, Error> {
    let observed = observe::observe(&context, &owner, &dataset).await?;
    let plan = decide::decide(&owner, &dataset, &observed, &context.settings, now);
    let before = dataset.status.clone().unwrap_or_default();
    execute(
        &context,
        &owner,
        dataset,
        &before,
        &observed.jobs,
        plan,
        now,
    )
    .await
}

/// Watches DemoDatasets of `namespace`, or of all, until `stop` turns true.
pub async fn run(context: Arc<Context>, namespace: Option<String>, stop: watch::Receiver<bool>) {
    let (client, scope) = (context.client.clone(), namespace.as_deref());
    let components = [Component::Generate, Component::Purge];
    let all = watcher::Config::default();
    let controller = Controller::new(api::<Watched<DemoDataset>>(&client, scope), all.clone());
    let store = controller.store();
    let controller = controller
        .owns(
            api::<PartialObjectMeta<Job>>(&client, scope),
            children(&components),
        )
        .watches(
            api::<PartialObjectMeta<Pod>>(&client, scope),
            children(&components),
            |pod| instance_of::<DemoDataset, _>(&pod),
        )
        // A run that goes may be the last user of a dataset that waits to be purged.
        .watches(
            api::<PartialObjectMeta<TrainingRun>>(&client, scope),
            all,
            move |_| controllers::deleting(&store),
        );
    controllers::run(controller, KIND, context, stop, reconcile).await;
}
