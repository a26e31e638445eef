//! A converged system is left alone: the API server's audit log shows no write by the operator for a minute, and none when the
//! same manifests are applied again.

use crate::samples::{deploy, small_dataset, small_run, train};
use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Node;
use kube::ResourceExt;
use kube::api::{Api, ListParams};
use searchop_crds::{DemoDataset, RankingModel, TrainingRun};
use searchop_e2e::audit::{Write, writes};
use searchop_e2e::cluster::Cluster;
use searchop_e2e::namespace::with_namespace;
use searchop_e2e::objects::apply;
use searchop_e2e::wait::seconds;
use serde_json::{Value, json};

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
    deploy(&cluster, &namespace, "shop", autoscaled("run")).await?;
    let mut chain = log(&cluster).await?;
    chain.retain(|write| write.namespace == namespace);
    ensure!(
        chain.len() >= 10,
        "the audit log shows only {} writes of the whole chain: it does not show what it should",
        chain.len()
    );
    println!("  {} writes brought the chain about", chain.len());
    // Status follows the last pods, and the autoscaler's first measurements, for a moment.
    tokio::time::sleep(seconds(20)).await;

    let before = log(&cluster).await?;
    tokio::time::sleep(seconds(60)).await;
    let after = log(&cluster).await?;
    let new = since(&before, &after);
    ensure!(
        new.is_empty(),
        "in a converged minute the operator wrote: {new:#?}"
    );

    apply::<DemoDataset>(&cluster, &namespace, "shop", small_dataset(7)).await?;
    apply::<TrainingRun>(&cluster, &namespace, "run", small_run("shop", 1)).await?;
    apply::<RankingModel>(&cluster, &namespace, "shop", autoscaled("run")).await?;
    tokio::time::sleep(seconds(10)).await;
    let again = log(&cluster).await?;
    let new = since(&after, &again);
    ensure!(
        new.is_empty(),
        "after the same manifests the operator wrote: {new:#?}"
    );
    Ok(())
}

/// Autoscaled by a target that nothing here comes near: the autoscaler measures and writes its own status, and scales nothing.
fn autoscaled(run: &str) -> Value {
    json!({
        "model": {"trainingRunRef": {"name": run}},
        "serving": {"autoscaling": {
            "mode": "Managed", "minReplicas": 1, "maxReplicas": 3,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "AverageValue", "averageValue": "100"}}}],
        }},
    })
}

/// The writes that an earlier reading of the log did not show. The log may have been rotated in between.
fn since<'a>(before: &[Write], after: &'a [Write]) -> Vec<&'a Write> {
    after
        .iter()
        .filter(|write| !before.contains(write))
        .collect()
}

/// Every write of the operator in the whole cluster that the audit log shows.
async fn log(cluster: &Cluster) -> Result<Vec<Write>> {
    let control_planes = ListParams::default().labels("node-role.kubernetes.io/control-plane");
    let nodes = Api::<Node>::all(cluster.client.clone())
        .list(&control_planes)
        .await?;
    let node = nodes
        .items
        .first()
        .context("a control-plane node")?
        .name_any();
    let text = cluster
        .get_text(&format!("/api/v1/nodes/{node}/proxy/logs/{LOG}"))
        .await
        .context("the audit log")?;
    writes(&text)
}
