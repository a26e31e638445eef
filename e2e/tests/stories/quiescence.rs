//! A converged system is left alone: the API server's audit log shows no write by the operator for a minute, and none when the
//! same manifests are applied again.

use crate::samples::{deploy, fixed_model, small_dataset, small_run, train};
use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Node;
use kube::ResourceExt;
use kube::api::{Api, ListParams};
use searchop_crds::{DemoDataset, RankingModel, TrainingRun};
use searchop_e2e::cluster::{Cluster, OPERATOR_NAMESPACE};
use searchop_e2e::namespace::with_namespace;
use searchop_e2e::objects::apply;
use searchop_e2e::wait::seconds;
use serde_json::Value;

/// The audit log, below the kubelet's folder of logs.
const LOG: &str = "kubernetes/audit/audit.log";

pub(crate) async fn run(cluster: Cluster) -> Result<()> {
    with_namespace(&cluster, "quiescence", |namespace| {
        tell(cluster.clone(), namespace)
    })
    .await
}

async fn tell(cluster: Cluster, namespace: String) -> Result<()> {
    train(&cluster, &namespace, &["run"]).await?;
    deploy(&cluster, &namespace, "shop", fixed_model("run", 1)).await?;
    let all = writes(&cluster, &namespace).await?;
    ensure!(
        all.len() >= 10,
        "the audit log shows only {} writes of the whole chain: it does not show what it should",
        all.len()
    );
    println!("  {} writes brought the chain about", all.len());
    // Status follows the last pods for a moment.
    tokio::time::sleep(seconds(10)).await;

    let before = writes(&cluster, &namespace).await?;
    tokio::time::sleep(seconds(60)).await;
    let after = writes(&cluster, &namespace).await?;
    ensure!(
        after.len() == before.len(),
        "in a converged minute the operator wrote: {:#?}",
        &after[before.len()..]
    );

    apply::<DemoDataset>(&cluster, &namespace, "shop", small_dataset(7)).await?;
    apply::<TrainingRun>(&cluster, &namespace, "run", small_run("shop", 1)).await?;
    apply::<RankingModel>(&cluster, &namespace, "shop", fixed_model("run", 1)).await?;
    tokio::time::sleep(seconds(10)).await;
    let again = writes(&cluster, &namespace).await?;
    ensure!(
        again.len() == after.len(),
        "after the same manifests the operator wrote: {:#?}",
        &again[after.len()..]
    );
    Ok(())
}

/// What the operator's ServiceAccount wrote in the namespace, oldest first: verb and address of each request.
async fn writes(cluster: &Cluster, namespace: &str) -> Result<Vec<String>> {
    let control_planes = ListParams::default().labels("node-role.kubernetes.io/control-plane");
    let nodes = Api::<Node>::all(cluster.client.clone())
        .list(&control_planes)
        .await?;
    let node = nodes
        .items
        .first()
        .context("a control-plane node")?
        .name_any();
    let log = cluster
        .get_text(&format!("/api/v1/nodes/{node}/proxy/logs/{LOG}"))
        .await
        .context("the audit log")?;
    let operator = format!("system:serviceaccount:{OPERATOR_NAMESPACE}:");
    let mut found = Vec::new();
    for line in log.lines() {
        let event: Value = serde_json::from_str(line)
            .with_context(|| format!("a line of the audit log: {line}"))?;
        let by_operator = event["user"]["username"]
            .as_str()
            .is_some_and(|user| user.starts_with(&operator));
        let here = event["objectRef"]["namespace"] == namespace;
        let is_write = matches!(
            event["verb"].as_str(),
            Some("create" | "update" | "patch" | "delete" | "deletecollection")
        );
        if by_operator && here && is_write {
            found.push(format!(
                "{} {} {}",
                event["requestReceivedTimestamp"], event["verb"], event["requestURI"]
            ));
        }
    }
    Ok(found)
}
