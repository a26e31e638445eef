//! The demo: applies the samples, shows how a dataset becomes a trained, served model, and what the model does to a real query.

mod progress;
mod report;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use searchop_crds::{DemoDataset, RankingModel, TrainingRun};
use searchop_e2e::cluster::Cluster;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

/// Namespace of the samples.
const NAMESPACE: &str = "searchop-demo";
/// Name of the sample's dataset and model.
const STOREFRONT: &str = "storefront";
/// Name of the sample's run.
const RUN: &str = "storefront-001";

/// Applies SearchOp's samples to the cluster of `KUBECONFIG` and shows what becomes of them.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    /// Folder with the samples' kustomization.
    #[arg(long, default_value = "config/samples")]
    samples: PathBuf,
    /// URL of the ranking service from here.
    #[arg(long, default_value = "http://127.0.0.1:31080")]
    url: String,
    /// Longest wait for each of the three objects, in seconds.
    #[arg(long, default_value_t = 600)]
    timeout_seconds: u64,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let bound = Duration::from_secs(arguments.timeout_seconds);
    let cluster = Cluster::connect().await?;
    let start = Instant::now();
    apply(&arguments.samples)?;

    let progress = progress::Progress::new();
    let dataset = progress
        .follow::<DemoDataset>(&cluster, NAMESPACE, STOREFRONT, "Complete", bound)
        .await?;
    let run = progress
        .follow::<TrainingRun>(&cluster, NAMESPACE, RUN, "Complete", bound)
        .await?;
    let model = progress
        .follow::<RankingModel>(&cluster, NAMESPACE, STOREFRONT, "Ready", bound)
        .await?;
    println!(
        "\nFrom apply to a ready ranking service: {:.0} s\n",
        start.elapsed().as_secs_f64()
    );

    report::dataset(&dataset);
    report::metrics(&run);
    report::query(&cluster, NAMESPACE, STOREFRONT).await?;
    report::model(&model);
    report::next(&arguments.url);
    Ok(())
}

fn apply(samples: &std::path::Path) -> Result<()> {
    println!("kubectl apply -k {}", samples.display());
    let status = Command::new("kubectl")
        .args(["apply", "-k"])
        .arg(samples)
        .status()
        .context("kubectl")?;
    ensure!(status.success(), "the samples could not be applied");
    Ok(())
}
