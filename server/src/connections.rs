//! Accepts connections and serves them, bounded in number and in the time a head may take, and
//! drains them at the end without dropping a request.
//!
//! By hand on top of hyper, because axum's own loop has no timeout for slow heads and no deadline
//! for draining.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower::ServiceExt;
use tracing::{debug, info, warn};

use crate::shutdown::{Phase, reached};

/// What is sent to a connection too many. Raw, so that it costs no task and no allocation.
const REFUSAL: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nretry-after: 1\r\n\
connection: close\r\ncontent-length: 76\r\n\r\n\
{\"error\":{\"code\":\"Overloaded\",\"message\":\"too many connections, try again\"}}\n";

/// The most bytes that a connection reads at once, and that a head may have: what an idle connection keeps.
const READ_BYTES: usize = 16 * 1024;

/// How long the door stays open once draining begins. Connections that the kernel has accepted
/// already would otherwise be reset.
const LAST_CALL: Duration = Duration::from_millis(50);

/// Bounds on connections.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// The most connections at a time.
    pub connections: usize,
    /// The longest time that a head may take, and that a connection may be idle.
    pub idle_timeout: Duration,
    /// The longest time that draining may take.
    pub drain_timeout: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            connections: 1_024,
            idle_timeout: Duration::from_secs(75),
            drain_timeout: Duration::from_secs(20),
        }
    }
}

/// Serves `router` on `listener` until the phase is `Draining` and what was in flight is done.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    mut phase: watch::Receiver<Phase>,
    limits: ConnectionLimits,
) {
    let connection_phase = phase.clone();
    let mut connections = JoinSet::new();
    let mut draining = std::pin::pin!(reached(&mut phase, Phase::Draining));
    loop {
        tokio::select! {
            // The phase first: however many come, draining begins.
            biased;
            () = &mut draining => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept() => {
                admit(accepted, &router, &connection_phase, limits, &mut connections).await;
            }
        }
    }
    let mut door_closes = std::pin::pin!(tokio::time::sleep(LAST_CALL));
    loop {
        tokio::select! {
            // The time first: however many come, the door closes.
            biased;
            () = &mut door_closes => break,
            accepted = listener.accept() => {
                admit(accepted, &router, &connection_phase, limits, &mut connections).await;
            }
        }
    }
    drop(listener);
    drain(connections, limits.drain_timeout).await;
}

async fn admit(
    accepted: std::io::Result<(TcpStream, SocketAddr)>,
    router: &Router,
    phase: &watch::Receiver<Phase>,
    limits: ConnectionLimits,
    connections: &mut JoinSet<()>,
) {
    let stream = match accepted {
        Ok((stream, _)) => stream,
        Err(error) => {
            if !matches!(
                error.kind(),
                ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset
            ) {
                // Out of file descriptors, most likely; accepting at once would only spin.
                warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            return;
        }
    };
    if connections.len() >= limits.connections {
        // As much as fits without waiting; a client too many is not waited for.
        let _ = stream.try_write(REFUSAL);
        return;
    }
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "cannot turn off delays of a connection");
    }
    connections.spawn(serve_connection(
        stream,
        router.clone(),
        phase.clone(),
        limits.idle_timeout,
    ));
}

async fn serve_connection(
    stream: TcpStream,
    router: Router,
    mut phase: watch::Receiver<Phase>,
    idle_timeout: Duration,
) {
    let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
        router.clone().oneshot(request.map(Body::new))
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(idle_timeout)
        .max_buf_size(READ_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);

    let served = tokio::select! {
        // The connection first: a request that has arrived is read before the connection is told to
        // end, or it would be closed as one that was never used. It cannot hold up the phase, for it
        // is ready only once.
        biased;
        served = connection.as_mut() => served,
        () = reached(&mut phase, Phase::Draining) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        debug!(%error, "a connection ended early");
    }
}

async fn drain(mut connections: JoinSet<()>, timeout: Duration) {
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(timeout, drained).await.is_ok() {
        info!("drained");
    } else {
        warn!(
            connections = connections.len(),
            "cut off what was not done in time"
        );
        connections.shutdown().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_refusal_is_as_long_as_it_says() {
        let text = std::str::from_utf8(REFUSAL).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(
            head.contains(&format!("content-length: {}", body.len())),
            "the body has {} bytes",
            body.len()
        );
        serde_json::from_str::<serde_json::Value>(body).unwrap();
    }
}
