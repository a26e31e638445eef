//! Brings the cluster to the decision: children in the order in which they need each other, then what is no longer wanted.
//! It needs a client. Nothing is written that is so already.
//!
//! Three concerns have a field manager of their own: the plan, the replica count, and the note on a pod that a plan is there.

use super::build::Children;
use super::decide::Decision;
use super::observed::SCALED;
use super::plan::{TrafficPlan, holds};
use crate::apply::{apply, delete_named};
use crate::context::Context;
use crate::error::Error;
use crate::metrics::Verb;
use crate::owner::Owner;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Service, ServiceAccount};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::api::{Patch, PatchParams};
use kube::{Api, ResourceExt};
use searchop_crds::{labels, names};
use serde_json::{Value, json};

/// Applies the decision. `children` are built from it; `None`: there shall be no servers. `config` is the plan's ConfigMap as
/// it was read for the decision.
pub(crate) async fn bring_about(
    context: &Context,
    owner: &Owner,
    decision: &Decision,
    children: Option<Children>,
    config: Option<&ConfigMap>,
) -> Result<(), Error> {
    let Some(children) = children else {
        return remove_all(context, owner).await;
    };
    let name = names::serving(&owner.name);
    if let Some(account) = children.service_account {
        apply(context, owner, account).await?;
    }
    write_plan(context, owner, &children.plan, config).await?;
    apply(context, owner, children.service).await?;
    apply(context, owner, children.network_policy).await?;
    match children.disruption_budget {
        Some(budget) => drop(apply(context, owner, budget).await?),
        None => delete_named::<PodDisruptionBudget>(context, owner, &name).await?,
    }
    apply(context, owner, children.deployment).await?;
    match children.autoscaler {
        Some(autoscaler) => {
            scale(context, owner, decision.replicas).await?;
            apply(context, owner, autoscaler).await?;
        }
        None => {
            // First the one who would write another count.
            delete_named::<HorizontalPodAutoscaler>(context, owner, &name).await?;
            scale(context, owner, decision.replicas).await?;
        }
    }
    tell(context, owner, decision).await
}

async fn remove_all(context: &Context, owner: &Owner) -> Result<(), Error> {
    let name = names::serving(&owner.name);
    delete_named::<HorizontalPodAutoscaler>(context, owner, &name).await?;
    delete_named::<Deployment>(context, owner, &name).await?;
    delete_named::<PodDisruptionBudget>(context, owner, &name).await?;
    delete_named::<NetworkPolicy>(context, owner, &name).await?;
    delete_named::<Service>(context, owner, &name).await?;
    delete_named::<ServiceAccount>(context, owner, &name).await?;
    delete_named::<ConfigMap>(context, owner, &names::plan(&owner.name)).await
}

/// Writes the plan if the live one differs. It is refused if somebody else has written it since it was read.
async fn write_plan(
    context: &Context,
    owner: &Owner,
    wanted: &ConfigMap,
    live: Option<&ConfigMap>,
) -> Result<(), Error> {
    let data = wanted.data.clone().unwrap_or_default();
    if live.is_some_and(|live| holds(live, &data)) {
        return Ok(());
    }
    let plan = TrafficPlan::read(wanted);
    let name = wanted.name_any();
    let api: Api<ConfigMap> = Api::namespaced(context.client.clone(), &owner.namespace);
    if live.is_none() {
        refuse_taken(owner, &api, &name).await?;
    }
    let mut body = serde_json::to_value(wanted).expect("a ConfigMap is JSON");
    body["metadata"]["ownerReferences"] = json!([owner.controller_reference()]);
    if let Some(live) = live {
        body["metadata"]["uid"] = json!(live.metadata.uid);
        body["metadata"]["resourceVersion"] = json!(live.metadata.resource_version);
    }
    let parameters = PatchParams {
        force: live.is_some(),
        ..PatchParams::apply(labels::PLAN_MANAGER)
    };
    patch(context, &api, "ConfigMap", &name, &parameters, &body).await?;
    let sequence = plan.map_or(0, |plan| plan.sequence);
    tracing::info!(owner = owner.key(), sequence, "wrote the traffic plan");
    Ok(())
}

/// An object of the plan's name that is not the owner's is left alone.
async fn refuse_taken(owner: &Owner, api: &Api<ConfigMap>, name: &str) -> Result<(), Error> {
    let kind = "ConfigMap";
    let found = api
        .get_metadata_opt(name)
        .await
        .map_err(|source| Error::Read {
            kind,
            name: name.to_owned(),
            source,
        })?;
    match found {
        Some(found) if !owner.owns(&found.metadata) => Err(owner.dispute(kind, &found.metadata)),
        _ => Ok(()),
    }
}

/// Sets the replica count. The annotation stays when another writer takes the count over, and so tells that it was handed
/// over.
async fn scale(context: &Context, owner: &Owner, replicas: Option<i32>) -> Result<(), Error> {
    let Some(replicas) = replicas else {
        return Ok(());
    };
    let body = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": names::serving(&owner.name), "annotations": {SCALED: replicas.to_string()}},
        "spec": {"replicas": replicas},
    });
    let api: Api<Deployment> = Api::namespaced(context.client.clone(), &owner.namespace);
    let parameters = PatchParams::apply(labels::SCALE_MANAGER).force();
    patch(
        context,
        &api,
        "Deployment",
        &names::serving(&owner.name),
        &parameters,
        &body,
    )
    .await
}

/// Notes the plan's number on pods that follow an older one, whereupon the kubelet refreshes the mount at once.
async fn tell(context: &Context, owner: &Owner, decision: &Decision) -> Result<(), Error> {
    let Some(plan) = &decision.plan else {
        return Ok(());
    };
    let api: Api<Pod> = Api::namespaced(context.client.clone(), &owner.namespace);
    let parameters = PatchParams::apply(labels::PLAN_MANAGER).force();
    for (name, uid) in &decision.to_be_told {
        let body = json!({
            "apiVersion": "v1",
            "kind": "Pod",
            // With its UID a pod that has gone is not made anew.
            "metadata": {"name": name, "uid": uid, "annotations": {labels::PLAN_SEQUENCE: plan.sequence.to_string()}},
        });
        match patch(context, &api, "Pod", name, &parameters, &body).await {
            Err(Error::Apply {
                source: kube::Error::Api(status),
                ..
            }) if status.is_not_found() || status.is_conflict() => {}
            outcome => outcome?,
        }
    }
    Ok(())
}

async fn patch<K>(
    context: &Context,
    api: &Api<K>,
    kind: &'static str,
    name: &str,
    parameters: &PatchParams,
    body: &Value,
) -> Result<(), Error>
where
    K: Clone + std::fmt::Debug + serde::de::DeserializeOwned,
{
    api.patch(name, parameters, &Patch::Apply(body))
        .await
        .map_err(|source| Error::Apply {
            kind,
            name: name.to_owned(),
            source,
        })?;
    context.metrics.wrote(kind, Verb::Apply);
    Ok(())
}
