//! Leave for the scripts of other origins to read tiles.

use super::CATALOG;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, Method, StatusCode, header};

const ALLOWED: [(HeaderName, &str); 2] = [
    (header::ACCESS_CONTROL_ALLOW_METHODS, "OPTIONS, GET"),
    (
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        "authorization,X-Esri-Authorization",
    ),
];

/// Marks the answers of the catalogue as readable for every origin, and answers preflight requests:
/// browsers send them without tokens.
pub(super) async fn cross_origin(request: Request, next: Next) -> Response {
    if !request.uri().path().starts_with(CATALOG) {
        return next.run(request).await;
    }
    let mut response = match *request.method() {
        Method::OPTIONS => (StatusCode::OK, ALLOWED).into_response(),
        _ => next.run(request).await,
    };
    response.headers_mut().insert(
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        HeaderValue::from_static("*"),
    );
    response
}
