//! One reconcile of a RankingModel, from observation to status, and the watches that ask for one.

use super::apply::bring_about;
use super::build::Blueprint;
use super::decide::{Decision, decide};
use super::observe::{observe, store_target};
use super::status::{classify, status};
use crate::context::Context;
use crate::controllers::{self, Watched, api, children, instance_of};
use crate::error::Error;
use crate::owner::Owner;
use crate::requeue::Requeue;
use crate::status::write;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Service, ServiceAccount};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::{Controller, watcher};
use searchop_crds::labels::Component;
use searchop_crds::{RankingModel, TrainingRun};
use std::sync::Arc;
use tokio::sync::watch;

/// Kind of the objects that are reconciled here.
const KIND: &str = "RankingModel";

/// Runs the controller in one namespace, or in all, until `stop` turns true.
pub async fn run(context: Arc<Context>, namespace: Option<String>, stop: watch::Receiver<bool>) {
    let (client, namespace) = (&context.client, namespace.as_deref());
    let ours = || children(&[Component::Ranking]);
    let controller = Controller::new(
        api::<Watched<RankingModel>>(client, namespace),
        watcher::Config::default(),
    );
    let models = controller.store();
    let controller = controller
        .owns(api::<Deployment>(client, namespace), ours())
        .owns(api::<ConfigMap>(client, namespace), ours())
        .owns(api::<Service>(client, namespace), ours())
        .owns(api::<ServiceAccount>(client, namespace), ours())
        .owns(api::<HorizontalPodAutoscaler>(client, namespace), ours())
        .owns(api::<PodDisruptionBudget>(client, namespace), ours())
        .owns(api::<NetworkPolicy>(client, namespace), ours())
        .watches(api::<Pod>(client, namespace), ours(), |pod| {
            instance_of::<RankingModel, _>(&pod)
        })
        .watches(
            api::<Watched<TrainingRun>>(client, namespace),
            watcher::Config::default(),
            move |run| naming(&models, &run),
        );
    controllers::run(controller, KIND, Arc::clone(&context), stop, reconcile).await;
}

/// The models that name the run.
fn naming(
    models: &Store<Watched<RankingModel>>,
    run: &Watched<TrainingRun>,
) -> Vec<ObjectRef<Watched<RankingModel>>> {
    models
        .state()
        .iter()
        .filter(|model| model.namespace() == run.namespace() && names_run(model, &run.name_any()))
        .map(|model| ObjectRef::from_obj(model.as_ref()))
        .collect()
}

fn names_run(model: &Watched<RankingModel>, run: &str) -> bool {
    let reference = model
        .0
        .as_ref()
        .ok()
        .and_then(|model| model.spec.model.training_run_ref.as_ref());
    reference.is_some_and(|reference| reference.name == run)
}

async fn reconcile(
    context: Arc<Context>,
    model: RankingModel,
    owner: Owner,
    now: Timestamp,
) -> Result<Requeue, Error> {
    if model.metadata.deletion_timestamp.is_some() {
        // Everything of a RankingModel is in the cluster and goes with it.
        return Ok(Requeue::Steady);
    }
    let (observed, config) = observe(&context, &owner, &model).await?;
    let blueprint = Blueprint::new(&owner.name, &model, &context.settings);
    let target = store_target(&context, &owner, blueprint.endpoint()).await?;
    let blueprint = blueprint.leading_to(target);
    let decision = decide(
        &model,
        &observed,
        &|bundles| blueprint.template_digest(bundles),
        now,
    );
    let children = decision
        .plan
        .as_ref()
        .map(|plan| blueprint.children(&decision.bundles, plan, &decision.awaited));
    match bring_about(&context, &owner, &decision, children, config.as_ref()).await {
        Ok(()) => {
            record(&context, &owner, &model, &decision, now).await?;
            Ok(decision.requeue)
        }
        // The object itself will be deleted next, and is looked at then.
        Err(error) if error.is_namespace_terminating() => Ok(Requeue::Watch),
        Err(error) => {
            if let Some(obstacle) = error.obstacle() {
                let decision = decision.obstructed(obstacle, &error.note(), model.status.as_ref());
                record(&context, &owner, &model, &decision, now).await?;
            }
            Err(error)
        }
    }
}

async fn record(
    context: &Context,
    owner: &Owner,
    model: &RankingModel,
    decision: &Decision,
    now: Timestamp,
) -> Result<(), Error> {
    let before = model.status.clone().unwrap_or_default();
    let generation = model.metadata.generation.unwrap_or(0);
    let after = status(&before, decision, generation, now);
    write(context, owner, model, &before, &after, classify).await?;
    Ok(())
}
