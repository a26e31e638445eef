//! The fence: no write reaches the API server unless this process is the leader now.
//!
//! It is a layer of the Kubernetes client, so that no controller can forget it. A process that was paused past its lease
//! finds the gate closed on its first write. Reads always pass. The lease itself is written through a client without the fence.

use futures::future::{Either, Ready, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context as TaskContext, Poll};
use std::time::{Duration, Instant};
use tower::{BoxError, Layer, Service};

/// A write that the fence held back.
#[derive(Debug, thiserror::Error)]
#[error("not the leader any more: {method} {path} was not sent")]
pub struct NotLeader {
    method: String,
    path: String,
}

/// Whether this process may write, until when.
#[derive(Clone, Debug)]
pub struct Gate {
    epoch: Instant,
    open_until_milliseconds: Arc<AtomicU64>,
}

impl Default for Gate {
    fn default() -> Self {
        Self::new(Instant::now())
    }
}

impl Gate {
    /// A closed gate. `epoch` is any instant that is not after the first renewal.
    #[must_use]
    pub fn new(epoch: Instant) -> Self {
        Self {
            epoch,
            open_until_milliseconds: Arc::new(AtomicU64::new(0)),
        }
    }

    /// Opens the gate until `instant`.
    pub fn open_until(&self, instant: Instant) {
        let milliseconds = instant.saturating_duration_since(self.epoch).as_millis();
        let milliseconds = u64::try_from(milliseconds).unwrap_or(u64::MAX);
        self.open_until_milliseconds
            .store(milliseconds, Ordering::SeqCst);
    }

    /// Closes the gate.
    pub fn close(&self) {
        self.open_until_milliseconds.store(0, Ordering::SeqCst);
    }

    /// Whether writes may pass at `now`.
    #[must_use]
    pub fn is_open(&self, now: Instant) -> bool {
        let until = Duration::from_millis(self.open_until_milliseconds.load(Ordering::SeqCst));
        now.saturating_duration_since(self.epoch) < until
    }
}

/// Puts a [`Gate`] in front of a client.
#[derive(Clone, Debug)]
pub struct FenceLayer(pub Gate);

impl<S> Layer<S> for FenceLayer {
    type Service = Fence<S>;

    fn layer(&self, inner: S) -> Fence<S> {
        Fence {
            gate: self.0.clone(),
            inner,
        }
    }
}

/// A client behind a [`Gate`].
#[derive(Clone, Debug)]
pub struct Fence<S> {
    gate: Gate,
    inner: S,
}

impl<S, B> Service<hyper::Request<B>> for Fence<S>
where
    S: Service<hyper::Request<B>>,
    S::Error: Into<BoxError>,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Either<
        futures::future::MapErr<S::Future, fn(S::Error) -> BoxError>,
        Ready<Result<S::Response, BoxError>>,
    >;

    fn poll_ready(&mut self, context: &mut TaskContext<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, request: hyper::Request<B>) -> Self::Future {
        use futures::TryFutureExt;
        let is_read = request.method() == hyper::Method::GET;
        if is_read || self.gate.is_open(Instant::now()) {
            return Either::Left(
                self.inner
                    .call(request)
                    .map_err(Into::into as fn(S::Error) -> BoxError),
            );
        }
        Either::Right(ready(Err(Box::new(NotLeader {
            method: request.method().to_string(),
            path: request.uri().path().to_owned(),
        }))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;
    use tower::ServiceExt;

    fn request(method: &str) -> hyper::Request<()> {
        hyper::Request::builder()
            .method(method)
            .uri("/api/v1/namespaces/demo/pods")
            .body(())
            .expect("a valid request")
    }

    async fn passes(gate: &Gate, method: &str) -> bool {
        let server =
            tower::service_fn(|_: hyper::Request<()>| async { Ok::<_, Infallible>("answer") });
        FenceLayer(gate.clone())
            .layer(server)
            .oneshot(request(method))
            .await
            .is_ok()
    }

    #[tokio::test]
    async fn a_write_passes_only_while_the_lease_lasts() {
        let start = Instant::now();
        let gate = Gate::new(start);
        assert!(!passes(&gate, "PATCH").await, "closed from the start");
        gate.open_until(start + Duration::from_secs(3_600));
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            assert!(passes(&gate, method).await, "{method} by the leader");
        }
        gate.close();
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            assert!(!passes(&gate, method).await, "{method} after the loss");
        }
        assert!(passes(&gate, "GET").await, "reads always pass");
    }

    #[test]
    fn the_gate_closes_by_itself_when_renewals_stop() {
        let start = Instant::now();
        let gate = Gate::new(start);
        gate.open_until(start + Duration::from_secs(10));
        assert!(gate.is_open(start + Duration::from_millis(9_999)));
        assert!(!gate.is_open(start + Duration::from_secs(10)));
        assert!(!gate.is_open(start + Duration::from_secs(60)));
    }
}
