//! Bundles that must not serve: stable serves on, the condition names the cause, and an edit of the spec recovers.

use crate::samples::{deploy, digest, fixed_model, stable, train};
use anyhow::{Context, Result, ensure};
use searchop_artifacts::Sha256;
use searchop_crds::{RankingModel, TrainingRun};
use searchop_e2e::cluster::Cluster;
use searchop_e2e::namespace::with_namespace;
use searchop_e2e::objects::{apply, condition, current_condition, reason};
use searchop_e2e::ranking::{candidates, rank};
use searchop_e2e::store::Store;
use searchop_e2e::wait::seconds;
use serde_json::{Value, json};
use uuid::Uuid;

pub(crate) async fn run(cluster: Cluster) -> Result<()> {
    // Damaged bundles stand in a store of their own: what is in the shared one is published by other runs too.
    let bad = Store::open(&cluster, &format!("e2e/bad-bundles/{}", Uuid::new_v4())).await?;
    let told = with_namespace(&cluster, "bad-bundles", |namespace| {
        tell(cluster.clone(), namespace, &bad)
    })
    .await;
    told.and(bad.remove_all().await)
}

async fn tell(cluster: Cluster, namespace: String, bad: &Store) -> Result<()> {
    let runs = train(&cluster, &namespace, &["first", "second", "damaged"]).await?;
    let store = Store::of(&cluster, &uri(&runs[0])?).await?;
    let model = deploy(&cluster, &namespace, "shop", fixed_model("first", 2)).await?;
    ensure!(
        stable(&model)? == digest(&runs[0])?,
        "the first model does not serve"
    );

    let damaged = with_damaged_model(&store, bad, &runs[2]).await?;
    refused(&cluster, &namespace, &runs[0], &damaged, "DigestMismatch").await?;
    recovers(&cluster, &namespace, &runs[1]).await?;

    let wrong = under_a_wrong_digest(&store, bad, &runs[2]).await?;
    refused(&cluster, &namespace, &runs[1], &wrong, "DigestMismatch").await?;
    recovers(&cluster, &namespace, &runs[1]).await?;

    let nowhere = artifact(bad, &"ab".repeat(32));
    refused(&cluster, &namespace, &runs[1], &nowhere, "ArtifactNotFound").await?;
    recovers(&cluster, &namespace, &runs[0]).await?;

    let unknown = of_unknown_version(&store, bad, &runs[1]).await?;
    refused(&cluster, &namespace, &runs[0], &unknown, "UnknownFormat").await?;
    recovers(&cluster, &namespace, &runs[1]).await
}

/// Promotes to the model and sees that the stable one serves every request while the new one is refused for the reason.
async fn refused(
    cluster: &Cluster,
    namespace: &str,
    serving: &TrainingRun,
    model: &Value,
    cause: &str,
) -> Result<()> {
    let mut spec = fixed_model("", 2);
    spec["model"] = json!({"artifact": model});
    api_replace(cluster, namespace, spec).await?;
    let expected = digest(serving)?;
    let refusal = async {
        let refused =
            reason::<RankingModel>(cluster, namespace, "shop", "Ready", cause, seconds(120))
                .await?;
        let available =
            current_condition(&refused, "Available").context("no condition Available")?;
        ensure!(
            available.status == "True",
            "{cause}: not available: {}",
            available.message
        );
        let ready = current_condition(&refused, "Ready").context("no condition Ready")?;
        ensure!(
            ready.status == "False" && !ready.message.is_empty(),
            "{ready:?}"
        );
        println!("  {cause}: {}", ready.message);
        ensure!(
            stable(&refused)? == expected,
            "{cause}: another model is stable"
        );
        anyhow::Ok(())
    };
    let request = json!({"query": "shoes", "candidates": candidates(cluster, namespace, "shop", "shoes").await?});
    let mut answers = 0_u64;
    let asking = async {
        loop {
            let ranked = rank(cluster, namespace, "shop", &request).await;
            let ranked = match ranked {
                Ok(ranked) => ranked,
                Err(error) => {
                    return Err::<(), _>(error.context(format!("{cause}: a request failed")));
                }
            };
            ensure!(
                ranked.model.sha256 == expected,
                "{cause}: {} ranked",
                ranked.model.sha256
            );
            answers += 1;
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    };
    tokio::select! {
        outcome = refusal => outcome?,
        outcome = asking => outcome?,
    }
    ensure!(answers >= 5, "{cause}: only {answers} answers were seen");
    Ok(())
}

async fn recovers(cluster: &Cluster, namespace: &str, run: &TrainingRun) -> Result<()> {
    let name = run.metadata.name.as_deref().context("a name")?;
    api_replace(cluster, namespace, fixed_model(name, 2)).await?;
    let model =
        condition::<RankingModel>(cluster, namespace, "shop", "Ready", "True", seconds(120))
            .await?;
    ensure!(
        stable(&model)? == digest(run)?,
        "after the fix, {name} does not serve"
    );
    Ok(())
}

async fn api_replace(cluster: &Cluster, namespace: &str, spec: Value) -> Result<()> {
    apply::<RankingModel>(cluster, namespace, "shop", spec)
        .await
        .map(drop)
}

/// A copy of a run's bundle with one byte of the model flipped.
async fn with_damaged_model(store: &Store, bad: &Store, run: &TrainingRun) -> Result<Value> {
    let digest = digest(run)?;
    let folder = format!("artifacts/{digest}/");
    let model = format!("{folder}files/model.txt");
    let keys = store.keys(&folder).await?;
    ensure!(keys.contains(&model), "no {model} among {keys:?}");
    for key in keys {
        let mut bytes = store.get(&key).await?;
        if key == model {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
        }
        bad.put(&key, bytes).await?;
    }
    Ok(artifact(bad, &digest))
}

/// A run's manifest under the digest of something else.
async fn under_a_wrong_digest(store: &Store, bad: &Store, run: &TrainingRun) -> Result<Value> {
    let digest = Sha256::of(b"something else").to_string();
    let manifest = manifest(store, run).await?;
    bad.put(&format!("artifacts/{digest}/manifest.json"), manifest)
        .await?;
    Ok(artifact(bad, &digest))
}

/// A bundle that says a format version which nobody knows.
async fn of_unknown_version(store: &Store, bad: &Store, run: &TrainingRun) -> Result<Value> {
    let mut manifest: Value = serde_json::from_slice(&manifest(store, run).await?)?;
    manifest["formatVersion"] = json!(999);
    let bytes = serde_json::to_vec(&manifest)?;
    let digest = Sha256::of(&bytes).to_string();
    bad.put(&format!("artifacts/{digest}/manifest.json"), bytes)
        .await?;
    Ok(artifact(bad, &digest))
}

async fn manifest(store: &Store, run: &TrainingRun) -> Result<Vec<u8>> {
    let key = format!("artifacts/{}/manifest.json", digest(run)?);
    store.get(&key).await
}

fn artifact(store: &Store, digest: &str) -> Value {
    json!({"uri": format!("{}/artifacts/{digest}", store.uri()), "sha256": digest})
}

fn uri(run: &TrainingRun) -> Result<String> {
    let model = run.status.as_ref().and_then(|status| status.model.as_ref());
    Ok(model.context("a complete run has a model")?.uri.clone())
}
