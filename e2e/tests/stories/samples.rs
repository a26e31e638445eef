//! Small datasets, runs and models that the stories start from.

use anyhow::{Context, Result};
use searchop_crds::{DemoDataset, RankingModel, TrainingRun};
use searchop_e2e::cluster::Cluster;
use searchop_e2e::objects::{apply, condition};
use searchop_e2e::wait::seconds;
use serde_json::{Value, json};

/// A dataset that is generated in a second.
pub(crate) fn small_dataset(seed: i64) -> Value {
    json!({"seed": seed, "products": 300, "users": 200, "events": 20_000})
}

/// A run on a DemoDataset that takes a few seconds.
pub(crate) fn small_run(dataset: &str, seed: i64) -> Value {
    json!({
        "dataset": {"demoDatasetRef": {"name": dataset}},
        "trainer": {"numIterations": 30, "seed": seed},
    })
}

/// A model of a run, on `servers` ranking servers.
pub(crate) fn fixed_model(run: &str, servers: i32) -> Value {
    json!({
        "model": {"trainingRunRef": {"name": run}},
        "serving": {"replicas": servers, "autoscaling": {"mode": "Fixed"}},
    })
}

/// Generates a small dataset and trains a run of each name on it, each with another seed.
pub(crate) async fn train(
    cluster: &Cluster,
    namespace: &str,
    runs: &[&str],
) -> Result<Vec<TrainingRun>> {
    apply::<DemoDataset>(cluster, namespace, "shop", small_dataset(7)).await?;
    for (number, run) in runs.iter().enumerate() {
        let seed = 1 + i64::try_from(number)?;
        apply::<TrainingRun>(cluster, namespace, run, small_run("shop", seed)).await?;
    }
    let mut trained = Vec::new();
    for run in runs {
        trained.push(
            condition::<TrainingRun>(cluster, namespace, run, "Complete", "True", seconds(180))
                .await?,
        );
    }
    Ok(trained)
}

/// Deploys a model and waits until its spec is in effect.
pub(crate) async fn deploy(
    cluster: &Cluster,
    namespace: &str,
    name: &str,
    spec: Value,
) -> Result<RankingModel> {
    apply::<RankingModel>(cluster, namespace, name, spec).await?;
    condition::<RankingModel>(cluster, namespace, name, "Ready", "True", seconds(180)).await
}

/// Digest of a run's model.
pub(crate) fn digest(run: &TrainingRun) -> Result<String> {
    let model = run.status.as_ref().and_then(|status| status.model.as_ref());
    Ok(model.context("a complete run has a model")?.sha256.clone())
}

/// Digest of the model that serves.
pub(crate) fn stable(model: &RankingModel) -> Result<String> {
    let stable = model
        .status
        .as_ref()
        .and_then(|status| status.stable.as_ref());
    Ok(stable
        .context("a ready model has a stable one")?
        .sha256
        .clone())
}
