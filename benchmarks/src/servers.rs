//! Servers to measure beside: one that says back what it was sent, and one that ranks with LightGBM's C API.

use std::cell::OnceCell;
use std::net::SocketAddr;

use anyhow::{Context, Result};
use axum::http::StatusCode;
use axum::routing::post;
use axum::serve::ListenerExt as _;
use axum::{Json, Router};
use searchop_trainer::lightgbm::LoadedModel;
use tokio::net::TcpListener;

use crate::messages::{RankRequest, RankResponse, ranked};

thread_local! {
    /// LightGBM's models stay on one thread, as the whole server does.
    static MODEL: OnceCell<LoadedModel> = const { OnceCell::new() };
}

/// Answers a request with the same request, read into structs and written again.
pub fn echo() -> Router {
    Router::new().route(
        "/v1/rank",
        post(|Json(request): Json<RankRequest>| async move { Json(request) }),
    )
}

/// Ranks with LightGBM, on the thread that calls this.
///
/// # Errors
/// LightGBM cannot read the model.
pub fn lightgbm(model: &str) -> Result<Router> {
    let model = LoadedModel::from_text(model)?;
    MODEL.with(|cell| cell.set(model).ok().context("there is a model already"))?;
    Ok(Router::new().route("/v1/rank", post(rank)))
}

async fn rank(
    Json(request): Json<RankRequest>,
) -> Result<Json<RankResponse>, (StatusCode, &'static str)> {
    let refused = |reason| (StatusCode::UNPROCESSABLE_ENTITY, reason);
    let mut rows = Vec::new();
    let mut columns = None;
    for candidate in &request.candidates {
        let features = candidate.features.as_deref();
        let features = features.ok_or(refused("each candidate needs features"))?;
        if *columns.get_or_insert(features.len()) != features.len() {
            return Err(refused("candidates have different numbers of features"));
        }
        rows.extend_from_slice(features);
    }
    let scores = MODEL.with(|model| {
        let model = model.get()?;
        model.score(&rows, columns.unwrap_or(1)).ok()
    });
    let scores = scores.ok_or(refused("LightGBM does not score this"))?;
    Ok(Json(ranked(request.candidates, &scores)))
}

/// Serves until the process ends.
///
/// # Errors
/// The address cannot be listened on.
pub async fn serve(address: SocketAddr, router: Router) -> Result<()> {
    // As SearchOp's server does.
    let listener = TcpListener::bind(address).await?.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, router).await?;
    Ok(())
}
