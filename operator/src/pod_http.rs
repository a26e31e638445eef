//! Plain HTTP GET of small JSON documents from pods, by address. It never blocks a reconcile for long and never fails one:
//! whoever asks decides what a missing answer means.

use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::de::DeserializeOwned;
use std::net::IpAddr;
use std::time::Duration;

/// Port of the admin endpoints of Jobs and servers.
pub const ADMIN_PORT: u16 = 8081;
/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(1);
/// Longest answer in bytes.
const BODY_LIMIT: usize = 256 * 1024;

/// Why a pod gave no usable answer.
#[derive(Debug, thiserror::Error)]
pub enum PodHttpError {
    #[error("{0:?} is no IP address")]
    Address(String),
    #[error("no answer within {} s", PATIENCE.as_secs())]
    Timeout,
    #[error("no connection: {0}")]
    Connect(#[source] hyper_util::client::legacy::Error),
    #[error("answered with status {0}")]
    Status(hyper::StatusCode),
    #[error("answer was cut off or is too long")]
    Body,
    #[error("answer is not the expected JSON: {0}")]
    Json(#[source] serde_json::Error),
}

/// A client for pods.
#[derive(Clone, Debug)]
pub struct PodHttp(Client<HttpConnector, Empty<Bytes>>);

impl Default for PodHttp {
    fn default() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(PATIENCE));
        // Pods come and go: a kept connection would often be to a pod that is gone.
        Self(
            Client::builder(TokioExecutor::new())
                .pool_max_idle_per_host(0)
                .build(connector),
        )
    }
}

impl PodHttp {
    /// Gets `path` from a pod's admin port within a second.
    ///
    /// # Errors
    /// No answer in time, another status than 2xx, or a body that is not the expected JSON.
    pub async fn get<T: DeserializeOwned>(
        &self,
        ip: &str,
        port: u16,
        path: &str,
    ) -> Result<T, PodHttpError> {
        tokio::time::timeout(PATIENCE, self.answer(ip, port, path))
            .await
            .unwrap_or(Err(PodHttpError::Timeout))
    }

    async fn answer<T: DeserializeOwned>(
        &self,
        ip: &str,
        port: u16,
        path: &str,
    ) -> Result<T, PodHttpError> {
        let address: IpAddr = ip
            .parse()
            .map_err(|_| PodHttpError::Address(ip.to_owned()))?;
        let authority = std::net::SocketAddr::new(address, port);
        let uri = format!("http://{authority}{path}")
            .parse()
            .map_err(|_| PodHttpError::Address(ip.to_owned()))?;
        let response = self.0.get(uri).await.map_err(PodHttpError::Connect)?;
        if !response.status().is_success() {
            return Err(PodHttpError::Status(response.status()));
        }
        let body = Limited::new(response.into_body(), BODY_LIMIT)
            .collect()
            .await
            .map_err(|_| PodHttpError::Body)?
            .to_bytes();
        serde_json::from_slice(&body).map_err(PodHttpError::Json)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{Router, routing::get};

    async fn served(router: Router) -> u16 {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        tokio::spawn(async move { axum::serve(listener, router).await });
        port
    }

    #[tokio::test]
    async fn an_answer_is_read_and_a_bad_one_is_named() {
        let port = served(
            Router::new()
                .route("/good", get(|| async { r#"{"percent":5}"# }))
                .route("/garbage", get(|| async { "<html>" }))
                .route("/long", get(|| async { "1".repeat(BODY_LIMIT + 1) }))
                .route(
                    "/slow",
                    get(|| async { tokio::time::sleep(Duration::from_secs(30)).await }),
                ),
        )
        .await;
        let pods = PodHttp::default();
        let good: serde_json::Value = pods
            .get("127.0.0.1", port, "/good")
            .await
            .expect("an answer");
        assert_eq!(good["percent"], 5);
        for (path, expected) in [
            ("/garbage", "JSON"),
            ("/long", "too long"),
            ("/slow", "within"),
            ("/absent", "404"),
        ] {
            let error = pods
                .get::<serde_json::Value>("127.0.0.1", port, path)
                .await
                .expect_err(path);
            assert!(error.to_string().contains(expected), "{path}: {error}");
        }
        assert!(
            pods.get::<serde_json::Value>("example.org", port, "/good")
                .await
                .is_err()
        );
    }
}
