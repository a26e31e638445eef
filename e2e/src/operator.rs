//! The operator's own pods and settings, and the object store's Deployment: what stories disturb.

use crate::cluster::{Cluster, OPERATOR_DEPLOYMENT, OPERATOR_NAMESPACE, STORAGE_NAMESPACE};
use crate::wait::{Look, seconds, until};
use anyhow::{Context, Result};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams, Patch, PatchParams};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The operator's pods, without those that are being deleted.
///
/// # Errors
/// When they cannot be listed.
pub async fn pods(cluster: &Cluster) -> Result<Vec<Pod>> {
    let listed = Api::<Pod>::namespaced(cluster.client.clone(), OPERATOR_NAMESPACE)
        .list(&ListParams::default())
        .await?;
    let mut pods = listed.items;
    pods.retain(|pod| pod.metadata.deletion_timestamp.is_none());
    Ok(pods)
}

/// The operator's pods: restarts by uid.
///
/// # Errors
/// When they cannot be listed.
pub async fn restarts(cluster: &Cluster) -> Result<BTreeMap<String, i32>> {
    Ok(pods(cluster)
        .await?
        .into_iter()
        .map(|pod| {
            let restarts = pod
                .status
                .iter()
                .flat_map(|status| status.container_statuses.iter().flatten())
                .map(|status| status.restart_count)
                .sum();
            (pod.metadata.uid.unwrap_or_default(), restarts)
        })
        .collect())
}

/// Name of the pod that leads, as the Lease says.
///
/// # Errors
/// When there is no Lease.
pub async fn leader(cluster: &Cluster) -> Result<Option<String>> {
    let leases = Api::<Lease>::namespaced(cluster.client.clone(), OPERATOR_NAMESPACE)
        .list(&ListParams::default())
        .await?;
    let holder = leases
        .items
        .into_iter()
        .find_map(|lease| lease.spec.and_then(|spec| spec.holder_identity));
    Ok(holder.filter(|holder| !holder.is_empty()))
}

/// Sets a variable of the operator, or removes it, and waits until every pod has it.
///
/// # Errors
/// When the operator does not roll out.
pub async fn set_variable(cluster: &Cluster, name: &str, value: Option<&str>) -> Result<()> {
    let deployments = Api::<Deployment>::namespaced(cluster.client.clone(), OPERATOR_NAMESPACE);
    let deployment = deployments.get(OPERATOR_DEPLOYMENT).await?;
    let container = deployment
        .spec
        .as_ref()
        .and_then(|spec| spec.template.spec.as_ref())
        .and_then(|spec| spec.containers.first());
    let container = &container.context("the operator has a container")?.name;
    let variable: Value = match value {
        Some(value) => json!({"name": name, "value": value}),
        None => json!({"name": name, "$patch": "delete"}),
    };
    let patch = json!({"spec": {"template": {"spec": {"containers": [{"name": container, "env": [variable]}]}}}});
    deployments
        .patch(
            OPERATOR_DEPLOYMENT,
            &PatchParams::default(),
            &Patch::Strategic(&patch),
        )
        .await?;
    rolled_out(&deployments, OPERATOR_DEPLOYMENT).await
}

/// Sets the number of the object store's pods and waits until it is so.
///
/// # Errors
/// When it is not so within two minutes.
pub async fn scale_object_store(cluster: &Cluster, replicas: i32) -> Result<()> {
    let deployments = Api::<Deployment>::namespaced(cluster.client.clone(), STORAGE_NAMESPACE);
    let patch = json!({"spec": {"replicas": replicas}});
    deployments
        .patch(
            "object-store",
            &PatchParams::default(),
            &Patch::Merge(&patch),
        )
        .await?;
    rolled_out(&deployments, "object-store").await
}

async fn rolled_out(deployments: &Api<Deployment>, name: &str) -> Result<()> {
    until(&format!("{name} has rolled out"), seconds(120), || async {
        let deployment = deployments.get(name).await?;
        let wanted = deployment
            .spec
            .as_ref()
            .and_then(|spec| spec.replicas)
            .unwrap_or(1);
        let status = deployment.status.unwrap_or_default();
        let current = status.observed_generation == deployment.metadata.generation;
        let counts = [
            status.replicas,
            status.updated_replicas,
            status.ready_replicas,
        ]
        .map(Option::unwrap_or_default);
        let done = current
            && counts.iter().all(|count| *count == wanted)
            && status.terminating_replicas.unwrap_or_default() == 0;
        Ok(if done {
            Look::Found(())
        } else {
            Look::NotYet(format!("{counts:?} of {wanted}"))
        })
    })
    .await
}
