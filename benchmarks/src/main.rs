//! The parts of the benchmarks that are written in Rust, for `benchmarks/run.py` to call.

use std::fs;
use std::io::{stdin, stdout};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::{Parser, Subcommand};
use searchop_benchmarks::load::{self, Plan};
use searchop_benchmarks::parsing::ParserWorker;
use searchop_benchmarks::scorer::{ScorerWorker, compare};
use searchop_benchmarks::training::TrainingWorker;
use searchop_benchmarks::{messages, servers, worker};

#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Score documents as asked for by lines of input.
    Scorer {
        /// A model in LightGBM's text format.
        model: PathBuf,
        /// Documents: float64, row-major.
        documents: PathBuf,
    },
    /// Compare scores with those of LightGBM, bit by bit, and print how many differ.
    Compare {
        /// Holds N.txt, N.rows and N.scores for each model.
        folder: PathBuf,
    },
    /// Parse bodies of requests as asked for by lines of input.
    Parse {
        /// Bodies of requests, one a line, which take turns.
        bodies: PathBuf,
    },
    /// Train as asked for by lines of input.
    Train {
        /// Rows: float64, row-major.
        matrix: PathBuf,
        /// A byte for each row.
        labels: PathBuf,
        /// Rows of each query.
        #[arg(long, default_value_t = 100)]
        group: usize,
        /// Trees.
        #[arg(long)]
        iterations: u32,
        /// Leaves of a tree.
        #[arg(long)]
        leaves: u32,
        /// Threads.
        #[arg(long)]
        threads: usize,
    },
    /// Serve what was sent.
    Echo {
        /// Where to listen.
        address: SocketAddr,
    },
    /// Rank with serde_json and LightGBM's C API.
    Lightgbm {
        /// Where to listen.
        address: SocketAddr,
        /// A model in LightGBM's text format.
        model: PathBuf,
    },
    /// Send requests at a constant rate, and print what became of them as JSON.
    Load {
        /// Where to send them.
        address: SocketAddr,
        /// The path of the request.
        #[arg(long, default_value = "/v1/rank")]
        path: String,
        /// A file with the JSON to send: bodies of requests, one a line, which take turns.
        #[arg(long)]
        bodies: PathBuf,
        /// How many requests.
        #[arg(long, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
        requests: u64,
        /// Requests a second.
        #[arg(long)]
        rate: f64,
        /// Bound on one request, in seconds.
        #[arg(long, default_value_t = 5.0)]
        timeout_seconds: f64,
        /// The most connections at a time.
        #[arg(long, default_value_t = 512)]
        connections: usize,
        /// A header that only full answers have.
        #[arg(long)]
        mark: Option<String>,
    },
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    match Arguments::parse().command {
        Command::Scorer { model, documents } => {
            let mut scorer = ScorerWorker::new(&model, &documents)?;
            worker::answer_lines(stdin().lock(), stdout(), |words| scorer.act(words))
        }
        Command::Compare { folder } => {
            println!("{}", serde_json::to_string(&compare(&folder)?)?);
            Ok(())
        }
        Command::Parse { bodies } => {
            let mut parser = ParserWorker::new(messages::lines(&bodies)?)?;
            worker::answer_lines(stdin().lock(), stdout(), |words| parser.act(words))
        }
        Command::Train {
            matrix,
            labels,
            group,
            iterations,
            leaves,
            threads,
        } => {
            let sizes = (iterations, leaves, threads);
            let mut trainer = TrainingWorker::new(&matrix, &labels, group, sizes)?;
            worker::answer_lines(stdin().lock(), stdout(), |words| trainer.act(words))
        }
        Command::Echo { address } => servers::serve(address, servers::echo()).await,
        Command::Lightgbm { address, model } => {
            let text = fs::read_to_string(model)?;
            servers::serve(address, servers::lightgbm(&text)?).await
        }
        Command::Load {
            address,
            path,
            bodies,
            requests,
            rate,
            timeout_seconds,
            connections,
            mark,
        } => {
            let bodies = messages::lines(&bodies)?;
            let posts = bodies.iter().map(|body| load::post(address, &path, body));
            let summary = load::run(Plan {
                address,
                messages: posts.collect(),
                requests,
                rate,
                timeout: Duration::try_from_secs_f64(timeout_seconds)?,
                connections,
                mark,
            })
            .await?;
            println!("{}", serde_json::to_string(&summary)?);
            Ok(())
        }
    }
}
