//! An edit of `spec.model` promotes while requests flow: none fails, and each answer names the model that ranked it.

use crate::samples::{deploy, digest, fixed_model, stable, train};
use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use searchop_crds::{RankingModel, names};
use searchop_e2e::cluster::Cluster;
use searchop_e2e::load::now;
use searchop_e2e::load_pod;
use searchop_e2e::namespace::with_namespace;
use searchop_e2e::objects::{apply, condition};
use searchop_e2e::ranking::candidates;
use searchop_e2e::wait::seconds;
use serde_json::json;

/// Requests, and requests a second.
const REQUESTS: u64 = 10_000;
const RATE: u64 = 150;

pub(crate) async fn run(cluster: Cluster) -> Result<()> {
    with_namespace(&cluster, "promotion", |namespace| {
        tell(cluster.clone(), namespace)
    })
    .await
}

async fn tell(cluster: Cluster, namespace: String) -> Result<()> {
    let runs = train(&cluster, &namespace, &["first", "second"]).await?;
    let (old, new) = (digest(&runs[0])?, digest(&runs[1])?);
    ensure!(old != new, "two seeds gave the same model");
    let model = deploy(&cluster, &namespace, "shop", fixed_model("first", 2)).await?;
    ensure!(stable(&model)? == old, "the first model does not serve");

    start_load(&cluster, &namespace).await?;
    tokio::time::sleep(seconds(10)).await;
    let edited = now();
    apply::<RankingModel>(&cluster, &namespace, "shop", fixed_model("second", 2)).await?;
    let model =
        condition::<RankingModel>(&cluster, &namespace, "shop", "Ready", "True", seconds(120))
            .await?;
    let ready = now();
    ensure!(
        stable(&model)? == new,
        "Ready, but the second model does not serve"
    );
    println!("  promoted in {:.1} s", (ready - edited) as f64 / 1e3);

    let load = load_pod::summary(&cluster, &namespace, "load", seconds(180)).await?;
    println!(
        "  {} requests in {:.0} s, latency in ms: {:?}",
        load.requests, load.seconds, load.latency
    );
    ensure!(
        load.requests == REQUESTS,
        "{} requests were sent",
        load.requests
    );
    ensure!(
        load.failures.is_empty(),
        "failed requests: {:?}",
        load.failures
    );
    ensure!(
        load.models.len() == 2,
        "answers name {:?}",
        load.models.keys()
    );
    let (by_old, by_new) = (
        load.models.get(&old).context("the old model")?,
        load.models.get(&new).context("the new model")?,
    );
    ensure!(
        by_new.first_received >= edited,
        "the new model ranked {} ms before the edit",
        edited - by_new.first_received
    );
    ensure!(
        by_old.last_sent <= ready,
        "the old model ranked {} ms after Ready",
        by_old.last_sent - ready
    );
    let seconds_left = load.seconds - (ready - edited) as f64 / 1e3 - 10.0;
    ensure!(
        seconds_left > 5.0,
        "only {seconds_left:.0} s of load were left after Ready: they prove nothing"
    );

    fast_rollback(&cluster, &namespace, &old).await
}

/// Back to the model before: its bundle is still loaded, so that no pod is replaced.
async fn fast_rollback(cluster: &Cluster, namespace: &str, old: &str) -> Result<()> {
    let pods = serving_pods(cluster, namespace).await?;
    let edited = now();
    apply::<RankingModel>(cluster, namespace, "shop", fixed_model("first", 2)).await?;
    let model =
        condition::<RankingModel>(cluster, namespace, "shop", "Ready", "True", seconds(60)).await?;
    println!("  back in {:.1} s", (now() - edited) as f64 / 1e3);
    ensure!(
        stable(&model)? == old,
        "Ready, but the first model does not serve"
    );
    ensure!(
        serving_pods(cluster, namespace).await? == pods,
        "going back replaced pods"
    );
    Ok(())
}

async fn serving_pods(cluster: &Cluster, namespace: &str) -> Result<Vec<String>> {
    let selector = kube::api::ListParams::default().labels("app.kubernetes.io/component=ranking");
    let pods = Api::<Pod>::namespaced(cluster.client.clone(), namespace)
        .list(&selector)
        .await?;
    let mut uids: Vec<_> = pods
        .items
        .into_iter()
        .filter_map(|pod| pod.metadata.uid)
        .collect();
    uids.sort();
    Ok(uids)
}

async fn start_load(cluster: &Cluster, namespace: &str) -> Result<()> {
    let url = format!(
        "http://{}.{namespace}.svc:8080/v1/rank",
        names::serving("shop")
    );
    let candidates = candidates(cluster, namespace, "shop", "shoes").await?;
    let body = json!({"query": "shoes", "candidates": candidates}).to_string();
    let arguments = [
        "--url".to_owned(),
        url,
        "--body".to_owned(),
        body,
        format!("--requests={REQUESTS}"),
        format!("--rate={RATE}"),
    ];
    load_pod::start(cluster, namespace, "load", &arguments).await
}
