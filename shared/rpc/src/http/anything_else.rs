//! Requests that no route takes.

use super::{CATALOG, failure, is_grpc};
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use tonic::Status;

/// Answers UNIMPLEMENTED to gRPC, a failure below the catalogue, and to anything else `ok`, which
/// is a sign of life.
pub async fn anything_else(request: Request) -> Response {
    let path = request.uri().path();
    if is_grpc(request.headers()) {
        let service = path
            .trim_start_matches('/')
            .split('/')
            .next()
            .unwrap_or_default();
        return Status::unimplemented(format!("unknown service {service:.200}"))
            .into_http::<Body>();
    }
    if path.starts_with(CATALOG) {
        return failure::not_found();
    }
    "ok".into_response()
}
