//! LightGBM's own ranking example, from files in S3 to ranked answers: the scores are those that Python's LightGBM 4.7.0 gives,
//! to the last bit, once with `.query` files and once with `qid:`.
//!
//! The data is not part of the repository: it is read from the folder that `SEARCHOP_TEST_DATA` names.

use crate::samples::{digest, fixed_model, stable};
use anyhow::{Context, Result, bail, ensure};
use searchop_crds::{RankingModel, TrainingRun};
use searchop_e2e::cluster::Cluster;
use searchop_e2e::namespace::with_namespace;
use searchop_e2e::objects::{apply, condition};
use searchop_e2e::ranking;
use searchop_e2e::store::Store;
use searchop_e2e::tally::Told;
use searchop_e2e::wait::seconds;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// Features of the data as LightGBM counts them: numbers 0 to 300.
const FEATURES: usize = 301;

pub(crate) async fn run(cluster: Cluster) -> Result<Told> {
    let folder = std::env::var_os("SEARCHOP_TEST_DATA")
        .map(|folder| PathBuf::from(folder).join("lightgbm-lambdarank"))
        .filter(|folder| folder.is_dir());
    let Some(folder) = folder else {
        let missing = "SEARCHOP_TEST_DATA names no folder with a folder lightgbm-lambdarank";
        ensure!(
            std::env::var_os("CI").is_none(),
            "{missing}: in CI this story may not be skipped"
        );
        return Ok(Told::Skipped(missing.to_owned()));
    };
    let store = Store::open(&cluster, &format!("e2e/real-data/{}", Uuid::new_v4())).await?;
    let told = with_namespace(&cluster, "real-data", |namespace| {
        tell(cluster.clone(), namespace, &store, folder)
    })
    .await;
    told.and(store.remove_all().await)?;
    Ok(Told::Passed)
}

async fn tell(cluster: Cluster, namespace: String, store: &Store, folder: PathBuf) -> Result<()> {
    let test = Rows::read(&folder.join("rank.test"), &folder.join("rank.test.query"))?;
    let reference = scores(&folder.join("parity_4_7_0.scores"))?;
    ensure!(
        reference.len() == test.features.len(),
        "{} scores of {} rows",
        reference.len(),
        test.features.len()
    );

    let beside = [
        ("SvmLight", "rank.train"),
        ("Groups", "rank.train.query"),
        ("Validation", "rank.test"),
        ("ValidationGroups", "rank.test.query"),
    ];
    let mut inputs = Vec::new();
    for (name, file) in beside {
        inputs.push(json!({"name": name, "uri": store.upload(file, &folder.join(file)).await?}));
    }
    train(&cluster, &namespace, "beside", &inputs).await?;

    let mut inputs = Vec::new();
    // No query may be in both files, so each has numbers of its own.
    for (name, file, first) in [
        ("SvmLight", "rank.train", 1),
        ("Validation", "rank.test", 1_001),
    ] {
        let groups = folder.join(format!("{file}.query"));
        let text = with_query_ids(&folder.join(file), &groups, first)?;
        inputs.push(json!({"name": name, "uri": store.put(&format!("{file}.qid"), text.into_bytes()).await?}));
    }
    train(&cluster, &namespace, "inline", &inputs).await?;

    for run in ["beside", "inline"] {
        let trained =
            condition::<TrainingRun>(&cluster, &namespace, run, "Complete", "True", seconds(180))
                .await?;
        let status = trained.status.as_ref().context("a status")?;
        let ndcg = status
            .metrics
            .iter()
            .find(|metric| metric.name == "ndcg@10")
            .context("ndcg@10")?;
        let value: f64 = ndcg.value.parse()?;
        ensure!(
            (value - 0.731_529_579_5).abs() < 1e-4,
            "NDCG@10 is {value}, LightGBM says 0.7315295795"
        );
        ensure!(
            ndcg.baselines.contains_key("random") && !ndcg.baselines.contains_key("bm25"),
            "baselines of bare features: {:?}",
            ndcg.baselines
        );
        apply::<RankingModel>(&cluster, &namespace, "letor", fixed_model(run, 1)).await?;
        let model =
            condition::<RankingModel>(&cluster, &namespace, "letor", "Ready", "True", seconds(120))
                .await?;
        ensure!(
            stable(&model)? == digest(&trained)?,
            "another model serves than {run}"
        );
        compare(&cluster, &namespace, &test, &reference, &digest(&trained)?).await?;
    }
    no_catalogue_is_a_named_error(&cluster, &namespace).await
}

/// The parameters of the data's parity script. One CPU is one thread.
async fn train(cluster: &Cluster, namespace: &str, name: &str, inputs: &[Value]) -> Result<()> {
    let spec = json!({
        "dataset": {"inputs": inputs, "featureNumbering": "ZeroBased"},
        "split": {"mode": "Provided"},
        "trainer": {
            "objective": "lambdarank", "numIterations": 100, "numLeaves": 31, "learningRate": "0.1", "seed": 42,
            "parameters": {"min_data_in_leaf": "50", "min_sum_hessian_in_leaf": "5.0", "bagging_freq": "1", "bagging_fraction": "0.9"},
        },
        "template": {"resources": {"requests": {"cpu": "500m", "memory": "256Mi"}, "limits": {"cpu": "1", "memory": "1Gi"}}},
    });
    apply::<TrainingRun>(cluster, namespace, name, spec)
        .await
        .map(drop)
}

/// Ranks every query of the test file with its features inline and compares each score with the reference.
async fn compare(
    cluster: &Cluster,
    namespace: &str,
    test: &Rows,
    reference: &[f64],
    digest: &str,
) -> Result<()> {
    let mut row = 0;
    for (query, &size) in test.groups.iter().enumerate() {
        let candidates: Vec<Value> = (row..row + size)
            .map(|row| json!({"id": row.to_string(), "features": test.features[row]}))
            .collect();
        let ranked = ranking::rank(
            cluster,
            namespace,
            "letor",
            &json!({"candidates": candidates}),
        )
        .await?;
        ensure!(
            ranked.model.sha256 == digest,
            "query {query} was ranked by {}",
            ranked.model.sha256
        );
        ensure!(
            ranked.results.len() == size,
            "query {query}: {} of {size} candidates came back",
            ranked.results.len()
        );
        for result in &ranked.results {
            let expected = reference[result.id.parse::<usize>()?];
            ensure!(
                result.score.to_bits() == expected.to_bits(),
                "row {}: score {:e}, LightGBM's is {expected:e}",
                result.id,
                result.score
            );
        }
        row += size;
    }
    println!("  {row} scores equal LightGBM's to the last bit");
    Ok(())
}

async fn no_catalogue_is_a_named_error(cluster: &Cluster, namespace: &str) -> Result<()> {
    let answer = ranking::get(cluster, namespace, "letor", "/v1/search?q=shoes").await?;
    let body: Value = answer.json()?;
    ensure!(
        answer.status.is_client_error() && body["error"]["code"] == "CatalogueNotAvailable",
        "status {}: {body}",
        answer.status
    );
    Ok(())
}

/// Rows of an SVMlight file with features counted from 0, and how many belong to each query.
struct Rows {
    features: Vec<Vec<f64>>,
    groups: Vec<usize>,
}

impl Rows {
    fn read(rows: &Path, groups: &Path) -> Result<Self> {
        let mut features = Vec::new();
        for line in fs::read_to_string(rows)?.lines() {
            let mut row = vec![0.0; FEATURES];
            for pair in line.split_whitespace().skip(1) {
                let (number, value) = pair.split_once(':').context("a feature without a colon")?;
                row[number.parse::<usize>()?] = value.parse()?;
            }
            features.push(row);
        }
        let groups: Vec<usize> = read_groups(groups)?;
        ensure!(
            groups.iter().sum::<usize>() == features.len(),
            "groups and rows differ"
        );
        Ok(Self { features, groups })
    }
}

fn read_groups(path: &Path) -> Result<Vec<usize>> {
    fs::read_to_string(path)?
        .lines()
        .map(|line| Ok(line.trim().parse()?))
        .collect()
}

fn scores(path: &Path) -> Result<Vec<f64>> {
    fs::read_to_string(path)?
        .lines()
        .map(|line| Ok(line.trim().parse()?))
        .collect()
}

/// The same rows, each naming its query.
fn with_query_ids(rows: &Path, groups: &Path, first: usize) -> Result<String> {
    let text = fs::read_to_string(rows)?;
    let mut lines = text.lines();
    let mut converted = String::new();
    for (query, size) in read_groups(groups)?.into_iter().enumerate() {
        for _ in 0..size {
            let line = lines.next().context("fewer rows than the groups say")?;
            let Some((label, features)) = line.split_once(char::is_whitespace) else {
                bail!("a row without features: {line}")
            };
            converted.push_str(&format!("{label} qid:{} {features}\n", first + query));
        }
    }
    ensure!(lines.next().is_none(), "more rows than the groups say");
    Ok(converted)
}
