//! Which paths exist, and what is around every one of them: counting, catching of panics, and the
//! request to reconnect elsewhere once the server leaves.
//!
//! A route exists only together with its documentation: both come from `documented`.

use std::any::Any;
use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::error::{ApiError, ErrorCode};
use super::state::SharedState;
use super::{explain, handlers, openapi};
use crate::shutdown::Phase;

/// The routes with their documentation.
pub(crate) fn documented() -> OpenApiRouter<SharedState> {
    OpenApiRouter::with_openapi(openapi::about())
        .routes(routes!(handlers::rank))
        .routes(routes!(explain::explain))
        .routes(routes!(handlers::search, handlers::search_with_context))
        .routes(routes!(handlers::feedback))
        .routes(routes!(handlers::report))
        .routes(routes!(handlers::openapi_document))
}

/// The public API.
pub fn app(state: SharedState) -> Router {
    let (router, _) = documented().split_for_parts();
    router
        .fallback(|| async {
            ApiError::new(ErrorCode::NotFound, "no such path; see /openapi.json")
        })
        .method_not_allowed_fallback(|| async {
            ApiError::new(
                ErrorCode::MethodNotAllowed,
                "not for this method; see /openapi.json",
            )
        })
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(SharedState::clone(&state), around))
        .with_state(state)
}

async fn around(State(state): State<SharedState>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let mut response = next.run(request).await;

    let route = matched.as_ref().map_or("unmatched", MatchedPath::as_str);
    state
        .metrics
        .answered(route, response.status().as_u16(), started.elapsed());
    if *state.phase.borrow() != Phase::Serving {
        response
            .headers_mut()
            .insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the signature that the layer asks for"
)]
fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    tracing::error!(panic = message, "a handler panicked");
    ApiError::new(
        ErrorCode::Internal,
        "a fault of the server; its log has more",
    )
    .into_response()
}
