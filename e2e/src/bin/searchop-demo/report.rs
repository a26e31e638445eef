//! What the demo prints at its end: data, metrics, a query before and after, and what to type next.

use anyhow::{Context, Result, ensure};
use comfy_table::{CellAlignment, Table, presets};
use searchop_crds::{DemoDataset, MetricStatus, RankingModel, TrainingRun};
use searchop_e2e::cluster::Cluster;
use searchop_e2e::ranking::get;
use serde::Deserialize;

/// Rankings without the model, in the order of the table.
const BASELINES: [&str; 4] = ["random", "popularity", "retrieval", "bm25"];

/// Searches that shoppers type; the first whose order the model changes is shown.
const QUERIES: [&str; 6] = [
    "running shoes",
    "wireless headphones",
    "coffee machine",
    "winter jacket",
    "backpack",
    "lamp",
];

/// How many results are shown.
const SHOWN: usize = 8;

pub(crate) fn dataset(dataset: &DemoDataset) {
    let Some(counts) = dataset
        .status
        .as_ref()
        .and_then(|status| status.counts.as_ref())
    else {
        return;
    };
    println!(
        "Data: {} products, {} queries, {} users, {} events\n",
        counts.products, counts.queries, counts.users, counts.events
    );
}

pub(crate) fn metrics(run: &TrainingRun) {
    let Some(status) = &run.status else { return };
    let mut table = table([
        "metric",
        "model",
        "95 % interval",
        "random",
        "popularity",
        "retrieval",
        "BM25",
        "queries",
    ]);
    for metric in &status.metrics {
        table.add_row(row(metric));
    }
    println!("Quality on searches that the model has not seen:\n{table}");
    println!(
        "gain 2^label - 1, discount log2, ties in input order, queries without a relevant document left out\n"
    );
}

fn row(metric: &MetricStatus) -> Vec<String> {
    let mut cells = vec![
        metric.name.clone(),
        metric.value.clone(),
        format!("{} to {}", metric.low, metric.high),
    ];
    cells.extend(BASELINES.map(|name| {
        metric
            .baselines
            .get(name)
            .cloned()
            .unwrap_or_else(|| "not applicable".to_owned())
    }));
    cells.push(metric.queries.to_string());
    cells
}

/// What a search found.
#[derive(Deserialize)]
struct Found {
    results: Vec<Item>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    id: String,
    title: String,
    price: Option<f64>,
    position: u32,
    retrieval_position: u32,
}

/// Shows one query's results as text retrieval orders them, and as the model does.
pub(crate) async fn query(cluster: &Cluster, namespace: &str, model: &str) -> Result<()> {
    let mut shown = None;
    for query in QUERIES {
        let before = search(cluster, namespace, model, query, "retrieval").await?;
        let after = search(cluster, namespace, model, query, "model").await?;
        let changed = before
            .iter()
            .zip(&after)
            .any(|(before, after)| before.id != after.id);
        let enough = after.len() >= SHOWN;
        if shown.is_none() || (changed && enough) {
            shown = Some((query, before, after));
        }
        if changed && enough {
            break;
        }
    }
    let (query, before, after) = shown.context("there are queries")?;
    ensure!(!after.is_empty(), "the search for {query:?} found nothing");
    let mut table = table([
        "",
        "text retrieval",
        "price",
        "the model",
        "price",
        "was at",
    ]);
    for (before, after) in before.iter().zip(&after).take(SHOWN) {
        table.add_row([
            after.position.to_string(),
            before.title.clone(),
            price(before),
            after.title.clone(),
            price(after),
            after.retrieval_position.to_string(),
        ]);
    }
    println!("A search for {query:?}, before and after the model:\n{table}\n");
    Ok(())
}

fn price(item: &Item) -> String {
    item.price
        .map_or_else(String::new, |price| format!("{price:.2}"))
}

async fn search(
    cluster: &Cluster,
    namespace: &str,
    model: &str,
    query: &str,
    ranker: &str,
) -> Result<Vec<Item>> {
    let path = format!(
        "/v1/search?q={}&limit=20&ranker={ranker}",
        query.replace(' ', "%20")
    );
    let answer = get(cluster, namespace, model, &path).await?;
    ensure!(
        answer.status == 200,
        "search: status {}: {}",
        answer.status,
        answer.text
    );
    Ok(answer.json::<Found>()?.results)
}

pub(crate) fn model(model: &RankingModel) {
    let Some(status) = &model.status else { return };
    let Some(stable) = &status.stable else { return };
    println!("Serving {} ({})", stable.name, stable.sha256);
    if let Some(serving) = &status.serving {
        println!(
            "{} of {} servers ready, within the cluster at {}\n",
            serving.ready_replicas, serving.replicas, serving.url
        );
    }
}

pub(crate) fn next(url: &str) {
    println!(
        "Next:
  export KUBECONFIG=$(make -s kubeconfig)
  export PATH=\"$(dirname \"$KUBECONFIG\")/bin:$PATH\"   # kubectl, if you have none
  search      curl '{url}/v1/search?q=running%20shoes&limit=5'
  watch       kubectl -n searchop-demo get searchop -w
  promote     sed 's/storefront-001/storefront-002/; s/seed: 42/seed: 43/' config/samples/trainingrun.yaml | kubectl -n searchop-demo apply -f -
              kubectl -n searchop-demo wait --for=condition=Complete trun/storefront-002 --timeout=5m
              kubectl -n searchop-demo patch rkm storefront --type=merge -p '{{\"spec\":{{\"model\":{{\"trainingRunRef\":{{\"name\":\"storefront-002\"}}}}}}}}'
  roll back   kubectl -n searchop-demo patch rkm storefront --type=merge -p '{{\"spec\":{{\"model\":{{\"trainingRunRef\":{{\"name\":\"storefront-001\"}}}}}}}}'
  load        make load
  tear down   make cluster-down"
    );
}

fn table<const COLUMNS: usize>(header: [&str; COLUMNS]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_HORIZONTAL_ONLY)
        .set_header(header);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
