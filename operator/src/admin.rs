//! The admin port: `/livez`, `/readyz`, `/metrics`. A replica that stands by is alive and ready too; `/metrics` says who leads.

use crate::metrics::SharedMetrics;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use kube::api::ListParams;
use kube::{Api, Client};
use searchop_crds::{DemoDataset, RankingModel, TrainingRun};
use serde::de::DeserializeOwned;
use serde_json::json;
use std::sync::{Arc, RwLock};
use std::time::Duration;

/// How often readiness is looked at again.
const INTERVAL: Duration = Duration::from_secs(10);
/// The same while something is pending.
const INTERVAL_PENDING: Duration = Duration::from_secs(1);

/// What keeps the operator from being ready: empty when nothing does.
#[derive(Clone, Debug)]
pub struct Readiness(Arc<RwLock<Vec<String>>>);

impl Default for Readiness {
    fn default() -> Self {
        Self(Arc::new(RwLock::new(vec!["API server".to_owned()])))
    }
}

impl Readiness {
    /// What is pending.
    #[must_use]
    pub fn pending(&self) -> Vec<String> {
        self.0
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clone()
    }

    fn set(&self, pending: Vec<String>) {
        *self
            .0
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = pending;
    }

    /// Asks the API server for each custom resource, for ever. `namespace` limits the question to what the operator may see.
    pub async fn follow(self, client: Client, namespace: Option<String>) {
        loop {
            let namespace = namespace.as_deref();
            let answers = [
                served::<DemoDataset>(&client, namespace, "DemoDataset").await,
                served::<TrainingRun>(&client, namespace, "TrainingRun").await,
                served::<RankingModel>(&client, namespace, "RankingModel").await,
            ];
            let pending: Vec<_> = answers.into_iter().flatten().collect();
            let interval = if pending.is_empty() {
                INTERVAL
            } else {
                INTERVAL_PENDING
            };
            self.set(pending);
            tokio::time::sleep(interval).await;
        }
    }
}

/// What is pending of one kind.
async fn served<K>(client: &Client, namespace: Option<&str>, kind: &str) -> Option<String>
where
    K: kube::Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
        + Clone
        + std::fmt::Debug
        + DeserializeOwned,
{
    let api = crate::controllers::api::<kube::core::PartialObjectMeta<K>>(client, namespace);
    let asked = tokio::time::timeout(Duration::from_secs(5), list(&api)).await;
    match asked {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(format!("{kind}: {error}")),
        Err(_) => Some(format!("{kind}: no answer from the API server")),
    }
}

async fn list<K>(api: &Api<K>) -> Result<(), kube::Error>
where
    K: Clone + std::fmt::Debug + DeserializeOwned,
{
    api.list(&ListParams::default().limit(1)).await.map(|_| ())
}

/// The admin port's routes.
pub fn routes(readiness: Readiness, metrics: SharedMetrics) -> Router {
    Router::new()
        .route("/livez", get(|| async { "ok" }))
        .route("/readyz", get(ready))
        .with_state(readiness)
        .merge(
            Router::new()
                .route("/metrics", get(text))
                .with_state(metrics),
        )
}

async fn ready(State(readiness): State<Readiness>) -> Response {
    let pending = readiness.pending();
    let status = if pending.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (
        status,
        axum::Json(json!({"ready": pending.is_empty(), "pending": pending})),
    )
        .into_response()
}

async fn text(State(metrics): State<SharedMetrics>) -> impl IntoResponse {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], metrics.text())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use axum::http::Request;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    async fn asked(readiness: &Readiness, path: &str) -> (StatusCode, String) {
        let request = Request::get(path).body(Body::empty()).expect("a request");
        let answer = routes(readiness.clone(), SharedMetrics::default())
            .oneshot(request)
            .await
            .expect("an answer");
        let status = answer.status();
        let body = answer
            .into_body()
            .collect()
            .await
            .expect("a body")
            .to_bytes();
        (status, String::from_utf8_lossy(&body).into_owned())
    }

    #[tokio::test]
    async fn readiness_names_what_is_pending_and_liveness_does_not_care() {
        let readiness = Readiness::default();
        let (status, body) = asked(&readiness, "/readyz").await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(body.contains("API server"));
        assert_eq!(asked(&readiness, "/livez").await.0, StatusCode::OK);
        readiness.set(Vec::new());
        assert_eq!(asked(&readiness, "/readyz").await.0, StatusCode::OK);
        assert!(
            asked(&readiness, "/metrics")
                .await
                .1
                .contains("searchop_leader")
        );
    }
}
