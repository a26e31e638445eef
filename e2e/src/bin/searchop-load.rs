//! Sends ranking requests at a constant rate and prints what became of them as one line of JSON.

use anyhow::Result;
use clap::Parser;
use searchop_e2e::load::{Plan, run};
use std::time::Duration;

/// Load for a ranking service: a bounded number of requests at a constant rate.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    /// Where to POST, such as http://storefront-ranking.searchop-demo.svc:8080/v1/rank.
    #[arg(long)]
    url: hyper::Uri,
    /// Body of each request, as JSON.
    #[arg(long)]
    body: String,
    /// Number of requests.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    requests: u64,
    /// Requests a second.
    #[arg(long, default_value_t = 100.0)]
    rate: f64,
    /// Bound on one request, in seconds.
    #[arg(long, default_value_t = 10.0)]
    timeout_seconds: f64,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let plan = Plan {
        url: arguments.url,
        body: arguments.body.into(),
        requests: arguments.requests,
        rate: arguments.rate,
        timeout: Duration::try_from_secs_f64(arguments.timeout_seconds)?,
    };
    println!("{}", serde_json::to_string(&run(&plan).await?)?);
    Ok(())
}
