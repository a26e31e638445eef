//! A shop's own catalogue with its dirty log, and with judgements, from files in S3 to ranked answers.

use crate::samples::{deploy, digest, fixed_model, stable};
use crate::shop;
use anyhow::{Context, Result, ensure};
use searchop_crds::TrainingRun;
use searchop_e2e::cluster::Cluster;
use searchop_e2e::namespace::with_namespace;
use searchop_e2e::objects::{apply, condition};
use searchop_e2e::ranking;
use searchop_e2e::store::Store;
use searchop_e2e::wait::seconds;
use serde_json::{Value, json};
use uuid::Uuid;

pub(crate) async fn run(cluster: Cluster) -> Result<()> {
    let store = Store::open(&cluster, &format!("e2e/own-data/{}", Uuid::new_v4())).await?;
    let told = with_namespace(&cluster, "own-data", |namespace| {
        tell(cluster.clone(), namespace, &store)
    })
    .await;
    told.and(store.remove_all().await)
}

async fn tell(cluster: Cluster, namespace: String, store: &Store) -> Result<()> {
    let catalogue = store
        .put("products.jsonl", shop::catalogue().into_bytes())
        .await?;
    let log = store
        .put("ubi.ndjson", shop::dirty_log().into_bytes())
        .await?;
    let judgements = store
        .put("judgements.csv", shop::judgements().into_bytes())
        .await?;
    let with_log = json!({
        "dataset": {
            "inputs": [{"name": "Catalogue", "uri": catalogue}, {"name": "Events", "uri": log}],
            "actions": [{"name": "product_click", "action": "Click"}],
        },
        "split": {"mode": "Time"},
        "trainer": {"numIterations": 60},
    });
    let with_judgements = json!({
        "dataset": {
            "inputs": [{"name": "Catalogue", "uri": catalogue}, {"name": "Judgements", "uri": judgements}],
            "grades": [
                {"grade": "Exact", "label": 2},
                {"grade": "Substitute", "label": 1},
                {"grade": "Irrelevant", "label": 0},
            ],
        },
        "split": {"mode": "Query"},
        "trainer": {"numIterations": 60},
    });
    apply::<TrainingRun>(&cluster, &namespace, "log", with_log).await?;
    apply::<TrainingRun>(&cluster, &namespace, "judgements", with_judgements).await?;

    let from_log = trained(&cluster, &namespace, "log").await?;
    let notes = notes(&from_log);
    for dirt in shop::DIRT {
        ensure!(
            notes.contains(dirt),
            "the notes do not tell {dirt}: {notes}"
        );
    }
    beats_chance(&from_log, &["bm25", "popularity", "random", "retrieval"])?;
    let from_judgements = trained(&cluster, &namespace, "judgements").await?;
    // Nothing was shown, so there is no retrieval order.
    beats_chance(&from_judgements, &["bm25", "popularity", "random"])?;

    for run in [&from_log, &from_judgements] {
        let name = run.metadata.name.as_deref().context("a name")?;
        let model = deploy(&cluster, &namespace, "shop", fixed_model(name, 1)).await?;
        ensure!(
            stable(&model)? == digest(run)?,
            "another model serves than {name}"
        );
        answers(&cluster, &namespace, &digest(run)?).await?;
    }
    Ok(())
}

async fn trained(cluster: &Cluster, namespace: &str, run: &str) -> Result<TrainingRun> {
    condition::<TrainingRun>(cluster, namespace, run, "Complete", "True", seconds(180)).await
}

fn notes(run: &TrainingRun) -> String {
    run.status
        .as_ref()
        .map(|status| status.notes.join("; "))
        .unwrap_or_default()
}

/// The model is above the random order, and stands beside just these baselines.
fn beats_chance(run: &TrainingRun, baselines: &[&str]) -> Result<()> {
    let status = run.status.as_ref().context("a status")?;
    let metric = status
        .metrics
        .iter()
        .find(|metric| metric.name == "ndcg@10")
        .context("ndcg@10")?;
    let names: Vec<_> = metric.baselines.keys().map(String::as_str).collect();
    ensure!(names == baselines, "baselines are {names:?}");
    let value: f64 = metric.value.parse()?;
    let random: f64 = metric.baselines["random"].parse()?;
    println!("  NDCG@10 {value}, random {random}");
    ensure!(value > random + 0.1, "NDCG@10 is {value}, random {random}");
    Ok(())
}

/// The servers find products of the own catalogue, put the right ones on top, and rank them by id.
async fn answers(cluster: &Cluster, namespace: &str, digest: &str) -> Result<()> {
    let path = "/v1/search?q=red%20trail%20boots&limit=10";
    let answer = ranking::get(cluster, namespace, "shop", path).await?;
    ensure!(answer.status == 200, "search: {}", answer.text);
    let found: Value = answer.json()?;
    ensure!(found["model"]["sha256"] == digest, "{found}");
    let title = found["results"][0]["title"].as_str().unwrap_or_default();
    ensure!(
        title.contains("Red Trail Boot"),
        "on top is {title:?}: {found}"
    );
    let candidates = ranking::candidates(cluster, namespace, "shop", "wool sock").await?;
    let request = json!({"query": "wool sock", "candidates": candidates});
    let ranked = ranking::rank(cluster, namespace, "shop", &request).await?;
    ensure!(
        ranked.model.sha256 == digest && !ranked.degraded && ranked.results.len() == 20,
        "{ranked:?}"
    );
    Ok(())
}
