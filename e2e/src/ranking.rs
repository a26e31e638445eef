//! Requests to a RankingModel's servers, through the API server's proxy to its Service.

use crate::cluster::{Answer, Cluster};
use anyhow::{Result, ensure};
use serde::Deserialize;
use serde_json::Value;

/// Answer of `POST /v1/rank`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ranked {
    /// The model that ranked.
    pub model: Model,
    /// The candidates, best first.
    pub results: Vec<Scored>,
    /// Whether scoring failed and the order is that of the request.
    pub degraded: bool,
}

/// A model, by its digest.
#[derive(Clone, Debug, Deserialize)]
pub struct Model {
    /// SHA-256 of the bundle's manifest.
    pub sha256: String,
}

/// One candidate with its score.
#[derive(Clone, Debug, Deserialize)]
pub struct Scored {
    /// The candidate's id.
    pub id: String,
    /// The model's score.
    pub score: f64,
}

/// Asks a RankingModel's Service to rank.
///
/// # Errors
/// When the answer is not 200.
pub async fn rank(
    cluster: &Cluster,
    namespace: &str,
    model: &str,
    request: &Value,
) -> Result<Ranked> {
    let answer = post(cluster, namespace, model, "/v1/rank", request).await?;
    ensure!(
        answer.status == 200,
        "rank: status {}: {}",
        answer.status,
        answer.text
    );
    answer.json()
}

/// Sends a POST to a RankingModel's Service.
///
/// # Errors
/// When the API server cannot be asked.
pub async fn post(
    cluster: &Cluster,
    namespace: &str,
    model: &str,
    path: &str,
    request: &Value,
) -> Result<Answer> {
    cluster
        .proxy("POST", namespace, &service(model), path, Some(request))
        .await
}

/// Sends a GET to a RankingModel's Service.
///
/// # Errors
/// When the API server cannot be asked.
pub async fn get(cluster: &Cluster, namespace: &str, model: &str, path: &str) -> Result<Answer> {
    cluster
        .proxy("GET", namespace, &service(model), path, None)
        .await
}

fn service(model: &str) -> String {
    format!("services/{}:http", searchop_crds::names::serving(model))
}

/// What a search finds, as candidates of a request: ids only.
///
/// # Errors
/// When the search fails.
pub async fn candidates(
    cluster: &Cluster,
    namespace: &str,
    model: &str,
    query: &str,
) -> Result<Vec<Value>> {
    let path = format!("/v1/search?q={}&limit=20", query.replace(' ', "%20"));
    let answer = get(cluster, namespace, model, &path).await?;
    ensure!(
        answer.status == 200,
        "search: status {}: {}",
        answer.status,
        answer.text
    );
    let found: Value = answer.json()?;
    let results = found["results"].as_array().cloned().unwrap_or_default();
    Ok(results
        .into_iter()
        .map(|mut result| serde_json::json!({"id": result["id"].take()}))
        .collect())
}
