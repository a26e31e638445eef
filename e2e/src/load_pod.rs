//! The load generator as a pod of the cluster, so that requests take the way of real ones: DNS, Service, kube-proxy.

use crate::cluster::Cluster;
use crate::load::Summary;
use crate::wait::{Look, until};
use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{DeleteParams, LogParams, PostParams};
use serde_json::json;
use std::time::Duration;

/// Starts `searchop-load` with the arguments in a pod, and waits until it runs.
///
/// # Errors
/// When the load generator's image is not named (`SEARCHOP_LOAD_IMAGE`), or the pod does not start.
pub async fn start(
    cluster: &Cluster,
    namespace: &str,
    name: &str,
    arguments: &[String],
) -> Result<()> {
    ensure!(
        !cluster.load_image.is_empty(),
        "SEARCHOP_LOAD_IMAGE does not name the load generator's image"
    );
    let pod: Pod = serde_json::from_value(json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": false,
            "securityContext": {"runAsNonRoot": true, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [{
                "name": "load",
                "image": cluster.load_image,
                "imagePullPolicy": "IfNotPresent",
                "args": arguments,
                "resources": {"requests": {"cpu": "50m", "memory": "32Mi"}, "limits": {"memory": "256Mi"}},
                "securityContext": {"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]}},
            }],
        },
    }))?;
    let pods: Api<Pod> = Api::namespaced(cluster.client.clone(), namespace);
    pods.create(&PostParams::default(), &pod)
        .await
        .context("start the load")?;
    until(
        "the load generator runs",
        Duration::from_secs(60),
        || async {
            let phase = phase(&pods.get(name).await?);
            Ok(if matches!(phase.as_str(), "Running" | "Succeeded") {
                Look::Found(())
            } else {
                Look::NotYet(phase)
            })
        },
    )
    .await
}

/// Waits until the load has ended, reads what became of it, and deletes the pod.
///
/// # Errors
/// When it does not end within `bound`, or ended with an error.
pub async fn summary(
    cluster: &Cluster,
    namespace: &str,
    name: &str,
    bound: Duration,
) -> Result<Summary> {
    let pods: Api<Pod> = Api::namespaced(cluster.client.clone(), namespace);
    until("the load has ended", bound, || async {
        let phase = phase(&pods.get(name).await?);
        Ok(if matches!(phase.as_str(), "Succeeded" | "Failed") {
            Look::Found(())
        } else {
            Look::NotYet(phase)
        })
    })
    .await?;
    let log = pods.logs(name, &LogParams::default()).await?;
    let line = log.lines().last().unwrap_or_default();
    let summary =
        serde_json::from_str(line).with_context(|| format!("the load generator printed: {log}"))?;
    pods.delete(name, &DeleteParams::default()).await?;
    Ok(summary)
}

fn phase(pod: &Pod) -> String {
    pod.status
        .as_ref()
        .and_then(|status| status.phase.clone())
        .unwrap_or_default()
}
