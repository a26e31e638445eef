//! Stories on a real cluster, one after another: `make e2e`, or `make e2e STORIES="real_data promotion"` for some of them.
//!
//! Needs a cluster (`KUBECONFIG`) with SearchOp deployed. Without `SEARCHOP_E2E` it says that it was not asked to run, so that
//! a plain `cargo test` needs no cluster.

use futures::future::BoxFuture;
use futures::{FutureExt, TryFutureExt};
use searchop_e2e::cluster::Cluster;
use searchop_e2e::tally::{Tally, Told};
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use std::time::{Duration, Instant};

#[path = "stories/autoscaling.rs"]
mod autoscaling;
#[path = "stories/bad_bundles.rs"]
mod bad_bundles;
#[path = "stories/deletion.rs"]
mod deletion;
#[path = "stories/demo_chain.rs"]
mod demo_chain;
#[path = "stories/invalid_manifests.rs"]
mod invalid_manifests;
#[path = "stories/killed_operator.rs"]
mod killed_operator;
#[path = "stories/own_data.rs"]
mod own_data;
#[path = "stories/promotion.rs"]
mod promotion;
#[path = "stories/quiescence.rs"]
mod quiescence;
#[path = "stories/real_data.rs"]
mod real_data;
#[path = "stories/samples.rs"]
mod samples;
#[path = "stories/shop.rs"]
mod shop;
#[path = "stories/storage_trouble.rs"]
mod storage_trouble;

/// The last resort: what is told in one namespace has a bound of its own, after which a story puts back what it disturbed. A
/// story that is ended by this one does not.
const BOUND: Duration = Duration::from_secs(3_000);

struct Story {
    name: &'static str,
    tells: &'static str,
    run: fn(Cluster) -> BoxFuture<'static, anyhow::Result<Told>>,
}

macro_rules! stories {
    ($($module:ident: $tells:literal,)+) => {
        &[$(Story { name: stringify!($module), tells: $tells, run: |cluster| $module::run(cluster).map_ok(Told::from).boxed() },)+]
    };
}

const STORIES: &[Story] = stories! {
    invalid_manifests: "each invalid manifest is refused with a message that names the field",
    demo_chain: "three manifests become ranked answers",
    real_data: "LightGBM's own ranking data gives the reference scores to the last bit",
    own_data: "a shop's catalogue with its dirty log, and with judgements, becomes ranked answers",
    bad_bundles: "a bundle that must not serve is refused by name, and stable serves on",
    promotion: "an edit of spec.model promotes while requests flow, and none fails",
    autoscaling: "load raises the number of servers, and an edit of the model keeps it",
    deletion: "what is deleted takes what it owns, and what others use stays",
    storage_trouble: "wrong credentials and a store that is down are named, and recover",
    killed_operator: "an operator killed after each of its writes does the same, and no Job twice",
    quiescence: "a converged system is left alone",
};

fn main() -> ExitCode {
    if std::env::var_os("SEARCHOP_E2E").is_none() {
        println!("the stories need a cluster and were not asked for: make e2e");
        return ExitCode::SUCCESS;
    }
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    if let Some(unknown) = wanted
        .iter()
        .find(|name| STORIES.iter().all(|story| story.name != name.as_str()))
    {
        let names: Vec<_> = STORIES.iter().map(|story| story.name).collect();
        eprintln!(
            "no story is called {unknown}; there are: {}",
            names.join(" ")
        );
        return ExitCode::from(2);
    }
    tokio::runtime::Runtime::new()
        .expect("a runtime starts")
        .block_on(tell(&wanted))
}

async fn tell(wanted: &[String]) -> ExitCode {
    let cluster = match Cluster::connect().await {
        Ok(cluster) => cluster,
        Err(error) => {
            eprintln!("{error:#}");
            return ExitCode::FAILURE;
        }
    };
    let mut tally = Tally::default();
    for story in STORIES
        .iter()
        .filter(|story| wanted.is_empty() || wanted.iter().any(|name| name == story.name))
    {
        println!("story {}: {}", story.name, story.tells);
        let start = Instant::now();
        let told = AssertUnwindSafe(tokio::time::timeout(BOUND, (story.run)(cluster.clone())))
            .catch_unwind()
            .await;
        let seconds = start.elapsed().as_secs_f64();
        let told = match told {
            Ok(Ok(Ok(told))) => Ok(told),
            Ok(Ok(Err(error))) => Err(format!("{error:#}")),
            Ok(Err(_)) => Err(format!("not told within {} s", BOUND.as_secs())),
            Err(_) => Err("it panicked (see above)".to_owned()),
        };
        match told {
            Ok(Told::Passed) => {
                tally.passed += 1;
                println!("  passed in {seconds:.1} s\n");
            }
            Ok(Told::Skipped(why)) => {
                tally.skipped += 1;
                println!("  skipped: {why}\n");
            }
            Err(trouble) => {
                tally.failed += 1;
                println!("  FAILED after {seconds:.1} s: {trouble}\n");
            }
        }
    }
    println!("{tally}");
    if tally.is_good() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
