//! The OpenAPI document, collected from the routes themselves.

use std::sync::LazyLock;

use utoipa::OpenApi as _;

use super::routes;

#[derive(utoipa::OpenApi)]
#[openapi(info(
    title = "SearchOp ranking",
    description = "Ranks candidates with a learned model, and searches the model's catalogue. \
                   Every error has the shape of ErrorBody.",
    license(name = "Apache-2.0", identifier = "Apache-2.0")
))]
struct About;

static TEXT: LazyLock<String> = LazyLock::new(|| {
    document()
        .to_json()
        .expect("a document of strings and maps can be written as JSON")
});

/// The document without paths: title, version, license.
pub(crate) fn about() -> utoipa::openapi::OpenApi {
    About::openapi()
}

/// The document.
pub fn document() -> utoipa::openapi::OpenApi {
    routes::documented().into_openapi()
}

/// The document as JSON.
pub(crate) fn text() -> &'static str {
    &TEXT
}
