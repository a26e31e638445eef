//! Puts the server together and runs it: loads bundles, follows the plan, serves both ports, and
//! leaves in order.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tracing::{error, info};

use crate::admin;
use crate::api::body_memory::BodyMemory;
use crate::api::routes::app;
use crate::api::state::{Limits, ServerState, SharedState};
use crate::bundle::{self, LoadedBundle};
use crate::command::ServeArguments;
use crate::connections::{self, ConnectionLimits};
use crate::digest::Digest;
use crate::metrics::Metrics;
use crate::plan::Plan;
use crate::plan_follower;
use crate::scoring_pool::ScoringPool;
use crate::shutdown::{self, Phase};
use crate::tracks::{Track, TrackFailure, Tracks};

/// How many requests to explain may wait for each other.
const EXPLANATIONS_IN_FLIGHT: usize = 4;

/// Why the server could not start.
#[derive(Debug, Error)]
pub enum ServeError {
    /// A port cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address and port.
        address: String,
        /// The cause.
        source: std::io::Error,
    },
    /// Signals cannot be handled.
    #[error("cannot handle signals: {0}")]
    Signals(std::io::Error),
}

/// Serves until SIGTERM or SIGINT, then leaves in order.
///
/// # Errors
/// When it cannot start. A bundle that cannot be loaded is no error: it is a failed track.
pub async fn run(arguments: &ServeArguments) -> Result<(), ServeError> {
    let api = listen(arguments, arguments.port).await?;
    let admin = listen(arguments, arguments.admin_port).await?;
    let stop = shutdown::termination().map_err(ServeError::Signals)?;
    serve(arguments, api, admin, stop).await;
    Ok(())
}

async fn listen(arguments: &ServeArguments, port: u16) -> Result<TcpListener, ServeError> {
    TcpListener::bind((arguments.address, port))
        .await
        .map_err(|source| ServeError::Listen {
            address: format!("{}:{port}", arguments.address),
            source,
        })
}

/// Serves on the given listeners until `stop` completes, then leaves in order.
pub async fn serve(
    arguments: &ServeArguments,
    api: TcpListener,
    admin: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) {
    let (phase_sender, phase) = watch::channel(Phase::Serving);
    let state = state(arguments, phase.clone());
    let address = |listener: &TcpListener| {
        listener
            .local_addr()
            .map(|address| address.to_string())
            .ok()
    };
    info!(
        api = address(&api),
        admin = address(&admin),
        version = env!("CARGO_PKG_VERSION"),
        "listening"
    );

    // The admin port is served until the very end, so that probes and scrapes see the drain.
    let (admin_phase_sender, admin_phase) = watch::channel(Phase::Serving);
    let limits = connection_limits(arguments);
    let admin_limits = ConnectionLimits {
        drain_timeout: Duration::from_secs(1),
        ..limits
    };
    let admin_task = tokio::spawn(connections::serve(
        admin,
        admin::admin(Arc::clone(&state)),
        admin_phase,
        admin_limits,
    ));
    let background = [
        tokio::spawn(follow_plan(arguments.clone(), Arc::clone(&state))),
        tokio::spawn(load_all(arguments.clone(), Arc::clone(&state))),
        tokio::spawn(shutdown::step_through(
            stop,
            phase_sender,
            milliseconds(arguments.shutdown_grace_milliseconds),
        )),
    ];

    connections::serve(api, app(Arc::clone(&state)), phase, limits).await;
    background.iter().for_each(tokio::task::JoinHandle::abort);
    admin_phase_sender.send_replace(Phase::Draining);
    if let Err(error) = admin_task.await {
        error!(%error, "the admin port ended with an error");
    }
    info!("stopped");
}

fn state(arguments: &ServeArguments, phase: watch::Receiver<Phase>) -> SharedState {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = arguments.scoring_threads.map_or(cores, usize::from);
    let pool = ScoringPool::new(
        arguments.maximum_in_flight.get(),
        threads,
        milliseconds(arguments.scoring_timeout_milliseconds),
    );
    let limits = Limits {
        body_bytes: arguments.maximum_body_bytes,
        candidates: arguments.maximum_candidates,
        request_timeout: milliseconds(arguments.request_timeout_milliseconds),
        retrieval_depth: arguments.retrieval_depth.get(),
        ..Limits::default()
    };
    let tracks = Tracks::new(arguments.bundles.iter().cloned());
    Arc::new(ServerState {
        tracks,
        pool,
        explanations: ScoringPool::new(
            EXPLANATIONS_IN_FLIGHT,
            1,
            milliseconds(arguments.request_timeout_milliseconds),
        ),
        metrics: Metrics::new(),
        limits,
        bodies: BodyMemory::new(
            arguments
                .maximum_bodies_bytes
                .max(arguments.maximum_body_bytes),
        ),
        phase,
        started: Instant::now(),
    })
}

fn connection_limits(arguments: &ServeArguments) -> ConnectionLimits {
    ConnectionLimits {
        connections: arguments.maximum_connections.get(),
        idle_timeout: milliseconds(arguments.idle_timeout_milliseconds),
        drain_timeout: milliseconds(arguments.drain_timeout_milliseconds),
    }
}

fn milliseconds(count: u64) -> Duration {
    Duration::from_millis(count)
}

async fn follow_plan(arguments: ServeArguments, state: SharedState) {
    match &arguments.plan {
        Some(path) => {
            let interval = milliseconds(arguments.plan_interval_milliseconds.max(1));
            plan_follower::follow(path, interval, &state.tracks).await;
        }
        None => state
            .tracks
            .follow(Plan::single(arguments.bundles[0].clone())),
    }
}

/// Loads one bundle after another, by their share of the traffic, so that a server is ready as soon
/// as it can be. One at a time: they are read, hashed and indexed beside requests that are being
/// served already.
async fn load_all(arguments: ServeArguments, state: SharedState) {
    state.tracks.plan_is_known().await;
    while let Some(digest) = state.tracks.snapshot().next_to_load(&arguments.bundles) {
        let track = load(&arguments.bundles_directory, digest).await;
        state.tracks.set(digest, &track);
    }
}

async fn load(bundles: &Path, digest: &Digest) -> Track {
    let started = Instant::now();
    let (directory, wanted) = (bundles.to_owned(), digest.clone());
    let loaded = tokio::task::spawn_blocking(move || {
        LoadedBundle::load(&directory, &wanted)
            .map_err(|error| bundle::failure(&directory, &wanted, &error))
    });
    let loaded = loaded.await.unwrap_or_else(|_| {
        let message = "loading panicked; the log has more".to_owned();
        Err(TrackFailure {
            reason: "Internal".to_owned(),
            message,
        })
    });
    match loaded {
        Ok(bundle) => {
            info!(model = %digest, seconds = started.elapsed().as_secs_f64(), "a bundle passed its self-check");
            Track::Ready(Arc::new(bundle))
        }
        Err(failure) => {
            error!(model = %digest, reason = failure.reason, message = failure.message, "a bundle is unusable");
            Track::Failed(failure)
        }
    }
}
