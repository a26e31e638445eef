//! The sample's three manifests become ranked answers, and `kubectl get` tells the story.

use crate::samples::{digest, stable};
use anyhow::{Context, Result, ensure};
use k8s_openapi::api::apps::v1::Deployment;
use kube::Api;
use searchop_crds::{DemoDataset, RankingModel, TrainingRun, names};
use searchop_e2e::cluster::Cluster;
use searchop_e2e::namespace::with_namespace;
use searchop_e2e::objects::{apply_yaml, condition, summary};
use searchop_e2e::ranking;
use searchop_e2e::wait::seconds;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// What `config/samples` makes in its namespace, but for the way in from outside: its node port can be had once. What waits
/// for the others comes first.
const SAMPLES: [&str; 3] = ["rankingmodel.yaml", "trainingrun.yaml", "demodataset.yaml"];

/// Name of the sample's dataset and model, and of its run.
const STOREFRONT: &str = "storefront";
const RUN: &str = "storefront-001";

pub(crate) async fn run(cluster: Cluster) -> Result<()> {
    with_namespace(&cluster, "demo-chain", |namespace| {
        tell(cluster.clone(), namespace)
    })
    .await
}

async fn tell(cluster: Cluster, namespace: String) -> Result<()> {
    // All at once, as `kubectl apply -k folder` does: each waits for what it needs.
    for file in SAMPLES {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../config/samples")
            .join(file);
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        apply_yaml(&cluster, &namespace, &text).await?;
    }

    let dataset = condition::<DemoDataset>(
        &cluster,
        &namespace,
        STOREFRONT,
        "Complete",
        "True",
        seconds(180),
    )
    .await?;
    let status = dataset.status.context("a complete dataset has a status")?;
    let counts = status.counts.context("counts")?;
    ensure!(
        counts.products == 2_000 && counts.events == 100_000,
        "the dataset holds {counts:?}"
    );
    let dataset_digest = status.artifact.context("an artifact")?.sha256;

    let trained =
        condition::<TrainingRun>(&cluster, &namespace, RUN, "Complete", "True", seconds(240))
            .await?;
    let status = trained
        .status
        .clone()
        .context("a complete run has a status")?;
    ensure!(
        status.dataset_sha256.as_deref() == Some(dataset_digest.as_str()),
        "the run names another dataset than it had"
    );
    let ndcg = status
        .metrics
        .iter()
        .find(|metric| metric.name == "ndcg@10")
        .context("ndcg@10")?;
    let (low, value, high): (f64, f64, f64) =
        (ndcg.low.parse()?, ndcg.value.parse()?, ndcg.high.parse()?);
    ensure!(
        low <= value && value <= high && 0.0 < value && value < 1.0,
        "{ndcg:?}"
    );
    for baseline in ["random", "popularity", "retrieval", "bm25"] {
        ensure!(
            ndcg.baselines.contains_key(baseline),
            "no baseline {baseline} in {ndcg:?}"
        );
    }

    let model = condition::<RankingModel>(
        &cluster,
        &namespace,
        STOREFRONT,
        "Ready",
        "True",
        seconds(180),
    )
    .await?;
    ensure!(
        stable(&model)? == digest(&trained)?,
        "another model serves than was trained"
    );
    let conditions = &model.status.as_ref().context("a status")?.conditions;
    for (type_, status) in [
        ("Available", "True"),
        ("ModelResolved", "True"),
        ("Promoted", "True"),
        ("Progressing", "False"),
    ] {
        let found = conditions
            .iter()
            .any(|condition| condition.type_ == type_ && condition.status == status);
        ensure!(found, "{type_} is not {status}: {}", summary(conditions));
    }

    answers_are_ranked(&cluster, &namespace, &stable(&model)?).await?;
    columns_tell_the_story(&cluster, &namespace, &ndcg.value).await?;
    serving_pods_hold_no_credentials(&cluster, &namespace).await
}

async fn answers_are_ranked(cluster: &Cluster, namespace: &str, digest: &str) -> Result<()> {
    let answer = ranking::get(
        cluster,
        namespace,
        STOREFRONT,
        "/v1/search?q=shoes&limit=10",
    )
    .await?;
    ensure!(
        answer.status == 200,
        "search: status {}: {}",
        answer.status,
        answer.text
    );
    let found: Value = answer.json()?;
    ensure!(
        found["model"]["sha256"] == digest,
        "search was ranked by {}",
        found["model"]
    );
    let ids: Vec<String> = found["results"]
        .as_array()
        .context("results")?
        .iter()
        .filter_map(|result| result["id"].as_str().map(str::to_owned))
        .collect();
    ensure!(ids.len() >= 2, "a search for shoes finds {ids:?}");
    let candidates: Vec<Value> = ids.iter().map(|id| json!({"id": id})).collect();
    let ranked = ranking::rank(
        cluster,
        namespace,
        STOREFRONT,
        &json!({"query": "shoes", "candidates": candidates}),
    )
    .await?;
    ensure!(
        ranked.model.sha256 == digest && !ranked.degraded,
        "{ranked:?}"
    );
    ensure!(
        ranked.results.len() == ids.len(),
        "{} of {} candidates came back",
        ranked.results.len(),
        ids.len()
    );
    ensure!(
        ranked
            .results
            .windows(2)
            .all(|pair| pair[0].score >= pair[1].score),
        "not in order of score: {ranked:?}"
    );
    Ok(())
}

/// The API server's own table is what `kubectl get` prints.
async fn columns_tell_the_story(cluster: &Cluster, namespace: &str, ndcg: &str) -> Result<()> {
    let expected: [(&str, &[(&str, &str)]); 3] = [
        (
            "demodatasets",
            &[
                ("Complete", "True"),
                ("Reason", "Generated"),
                ("Products", "2000"),
                ("Events", "100000"),
            ],
        ),
        (
            "trainingruns",
            &[
                ("Complete", "True"),
                ("Reason", "Trained"),
                ("NDCG@10", ndcg),
            ],
        ),
        (
            "rankingmodels",
            &[
                ("Stable", RUN),
                ("NDCG@10", ndcg),
                ("Ready", "True"),
                ("Available", "True"),
                ("Replicas", "2"),
            ],
        ),
    ];
    for (plural, columns) in expected {
        let request = hyper::Request::get(format!(
            "/apis/searchop.dev/v1alpha1/namespaces/{namespace}/{plural}"
        ))
        .header("accept", "application/json;as=Table;v=v1;g=meta.k8s.io")
        .body(Vec::new())?;
        let table: Value = cluster.client.request(request).await?;
        let names: Vec<&str> = table["columnDefinitions"]
            .as_array()
            .context("columns")?
            .iter()
            .filter_map(|column| column["name"].as_str())
            .collect();
        let cells = table["rows"][0]["cells"].as_array().context("a row")?;
        for (name, value) in columns {
            let position = names
                .iter()
                .position(|known| known == name)
                .with_context(|| format!("{plural} has no column {name}: {names:?}"))?;
            let cell = match &cells[position] {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            ensure!(
                cell == *value,
                "{plural}: column {name} is {cell}, not {value}"
            );
        }
    }
    Ok(())
}

/// Only the init step that fetches bundles mounts the store's credentials, and nothing has an API token.
async fn serving_pods_hold_no_credentials(cluster: &Cluster, namespace: &str) -> Result<()> {
    let deployment = Api::<Deployment>::namespaced(cluster.client.clone(), namespace)
        .get(&names::serving(STOREFRONT))
        .await?;
    let pod = deployment
        .spec
        .and_then(|spec| spec.template.spec)
        .context("a pod template")?;
    ensure!(
        pod.automount_service_account_token == Some(false),
        "ranking pods have an API token"
    );
    for container in &pod.containers {
        let mounts = container.volume_mounts.iter().flatten();
        ensure!(
            mounts
                .clone()
                .all(|mount| !mount.mount_path.contains("secrets")),
            "{} mounts credentials",
            container.name
        );
        ensure!(
            container
                .env
                .iter()
                .flatten()
                .all(|variable| variable.value_from.is_none()),
            "{} has variables from elsewhere",
            container.name
        );
    }
    Ok(())
}
