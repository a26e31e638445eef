//! Load raises the number of ranking servers, its end lowers it, and an edit of the model keeps it.

use crate::samples::{deploy, digest, stable, train};
use anyhow::{Context, Result, ensure};
use k8s_openapi::api::apps::v1::Deployment;
use kube::Api;
use searchop_crds::{RankingModel, names};
use searchop_e2e::cluster::Cluster;
use searchop_e2e::load_pod;
use searchop_e2e::namespace::with_namespace;
use searchop_e2e::objects::{apply, condition};
use searchop_e2e::ranking::candidates;
use searchop_e2e::wait::{Look, seconds, until};
use serde_json::{Value, json};

/// Servers at rest, and at most.
const FEWEST: i32 = 2;
const MOST: i32 = 3;

/// Requests a second, and for how long: over the scaling up and the rollout that follows.
const RATE: u64 = 300;
const LOAD_SECONDS: u64 = 220;

/// So many answers of the API server in a row may fail.
const MOST_ERRORS: u32 = 5;

pub(crate) async fn run(cluster: Cluster) -> Result<()> {
    with_namespace(&cluster, "autoscaling", |namespace| {
        tell(cluster.clone(), namespace)
    })
    .await
}

async fn tell(cluster: Cluster, namespace: String) -> Result<()> {
    let runs = train(&cluster, &namespace, &["first", "second"]).await?;
    deploy(&cluster, &namespace, "shop", spec("first")).await?;
    ensure!(
        servers(&cluster, &namespace).await? == FEWEST,
        "it does not start with the fewest servers"
    );

    let url = format!(
        "http://{}.{namespace}.svc:8080/v1/rank",
        names::serving("shop")
    );
    let body = json!({"query": "shoes", "candidates": candidates(&cluster, &namespace, "shop", "shoes").await?}).to_string();
    let arguments = [
        "--url".to_owned(),
        url,
        "--body".to_owned(),
        body,
        format!("--requests={}", RATE * LOAD_SECONDS),
        format!("--rate={RATE}"),
    ];
    load_pod::start(&cluster, &namespace, "load", &arguments).await?;
    servers_become(&cluster, &namespace, MOST, 120).await?;
    println!("  scaled to {MOST}");

    apply::<RankingModel>(&cluster, &namespace, "shop", spec("second")).await?;
    let rollout =
        condition::<RankingModel>(&cluster, &namespace, "shop", "Ready", "True", seconds(120));
    let kept = async {
        let mut errors = 0;
        loop {
            match servers(&cluster, &namespace).await {
                Ok(servers) => {
                    errors = 0;
                    ensure!(
                        servers == MOST,
                        "the edit of the model changed {MOST} servers to {servers}"
                    );
                }
                Err(error) if errors == MOST_ERRORS => return Err(error),
                Err(_) => errors += 1,
            }
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
    };
    let model = tokio::select! {
        model = rollout => model?,
        broken = kept => return broken,
    };
    ensure!(
        stable(&model)? == digest(&runs[1])?,
        "Ready, but the second model does not serve"
    );

    let load = load_pod::summary(&cluster, &namespace, "load", seconds(300)).await?;
    println!(
        "  {} requests at {:.0} a second, latency in ms: {:?}",
        load.requests,
        load.requests as f64 / load.seconds,
        load.latency
    );
    ensure!(
        load.failures.is_empty(),
        "failed requests: {:?}",
        load.failures
    );
    servers_become(&cluster, &namespace, FEWEST, 180).await?;
    println!("  scaled back to {FEWEST}");
    Ok(())
}

/// A little CPU is requested, so that little load is a lot of it; and the autoscaler does not wait before it scales down.
fn spec(run: &str) -> Value {
    json!({
        "model": {"trainingRunRef": {"name": run}},
        "serving": {
            "autoscaling": {
                "mode": "Managed", "minReplicas": FEWEST, "maxReplicas": MOST,
                "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "AverageValue", "averageValue": "10m"}}}],
                "behavior": {
                    "scaleUp": {"stabilizationWindowSeconds": 0},
                    "scaleDown": {"stabilizationWindowSeconds": 5, "policies": [{"type": "Pods", "value": 10, "periodSeconds": 5}]},
                },
            },
            "template": {"resources": {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}}},
        },
    })
}

async fn servers(cluster: &Cluster, namespace: &str) -> Result<i32> {
    let deployment = Api::<Deployment>::namespaced(cluster.client.clone(), namespace)
        .get(&names::serving("shop"))
        .await?;
    deployment
        .spec
        .and_then(|spec| spec.replicas)
        .context("a Deployment has a replica count")
}

async fn servers_become(cluster: &Cluster, namespace: &str, wanted: i32, bound: u64) -> Result<()> {
    until(
        &format!("{wanted} ranking servers"),
        seconds(bound),
        || async {
            let servers = servers(cluster, namespace).await?;
            Ok(if servers == wanted {
                Look::Found(())
            } else {
                Look::NotYet(format!("{servers} servers"))
            })
        },
    )
    .await
}
