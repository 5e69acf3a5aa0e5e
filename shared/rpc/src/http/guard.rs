//! A panic ends its request, not its neighbours.

use super::is_grpc;
use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use http::StatusCode;
use std::any::Any;
use std::panic::AssertUnwindSafe;
use tonic::Status;
use uuid::Uuid;

/// Answers INTERNAL, or 500, with an id that the log repeats, where a handler panics.
pub async fn guard(request: Request, next: Next) -> Response {
    let grpc = is_grpc(request.headers());
    let path = request.uri().path().to_owned();
    // nothing of the request is looked at after a panic
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(panic) => {
            let id = Uuid::new_v4();
            tracing::error!(error_id = %id, path, panic = text(panic.as_ref()), "handler panicked");
            let message = format!("internal error (error id {id})");
            if grpc {
                Status::internal(message).into_http::<Body>()
            } else {
                (StatusCode::INTERNAL_SERVER_ERROR, message).into_response()
            }
        }
    }
}

fn text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a value that is no text")
}

#[cfg(test)]
mod tests {
    use super::guard;
    use axum::body::Body;
    use axum::routing::get;
    use axum::{Router, middleware};
    use http::{Request, StatusCode, header};
    use tower::ServiceExt;

    async fn broken() -> StatusCode {
        panic!("secret of the implementation")
    }

    #[tokio::test]
    async fn a_panic_is_answered_in_the_protocol_of_the_request() {
        let router: Router = Router::new()
            .route("/", get(broken))
            .layer(middleware::from_fn(guard));
        let request = |content_type: &str| {
            Request::builder()
                .uri("/")
                .header(header::CONTENT_TYPE, content_type)
                .body(Body::empty())
                .unwrap()
        };
        let plain = router.clone().oneshot(request("text/plain")).await.unwrap();
        assert_eq!(plain.status(), 500);
        let body = axum::body::to_bytes(plain.into_body(), 1000).await.unwrap();
        assert!(body.starts_with(b"internal error (error id "), "{body:?}");
        let grpc = router.oneshot(request("application/grpc")).await.unwrap();
        assert_eq!(
            (grpc.status().as_u16(), &grpc.headers()["grpc-status"]),
            (200, &"13".parse().unwrap())
        );
        let message = grpc.headers()["grpc-message"].to_str().unwrap();
        assert!(!message.contains("secret"), "{message}");
    }
}
