//! The phases of a server's life, and who learns of them.
//!
//! `Serving` → (SIGTERM) → `Leaving`: unready, still serving, so that endpoints are removed before
//! connections are refused → `Draining`: no new connections, what is in flight is finished → exit.
//! The phases are only told here; `connections` acts on them.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tracing::info;

/// Where a server is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Requests are welcome.
    Serving,
    /// Unready, but every request is still served.
    Leaving,
    /// No new connections.
    Draining,
}

/// How long the phases last.
#[derive(Clone, Copy, Debug)]
pub struct ShutdownTimes {
    /// Length of `Leaving`: how long the cluster may take to stop sending.
    pub grace: Duration,
    /// Longest length of `Draining`; what is in flight afterwards is cut off.
    pub drain: Duration,
}

/// Completes on SIGTERM or SIGINT.
///
/// # Errors
/// When the process may not handle signals.
pub fn termination() -> std::io::Result<impl Future<Output = ()> + Send> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        let name = tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        };
        info!(signal = name, "asked to stop");
    })
}

/// Steps through the phases once `stop` completes.
pub async fn step_through(
    stop: impl Future<Output = ()>,
    phase: watch::Sender<Phase>,
    grace: Duration,
) {
    stop.await;
    phase.send_replace(Phase::Leaving);
    info!(
        grace_seconds = grace.as_secs_f64(),
        "unready, still serving"
    );
    tokio::time::sleep(grace).await;
    phase.send_replace(Phase::Draining);
    info!("draining");
}

/// Completes when the phase is reached, or nobody is left to announce it.
pub async fn reached(phase: &mut watch::Receiver<Phase>, wanted: Phase) {
    // An error means that the sender is gone, which only happens when the process ends.
    let _ = phase.wait_for(|current| *current >= wanted).await;
}
