//! What the port answers.

use app::worker::Worker;
use axum::Router;
use axum::extract::Request;
use axum::middleware::from_fn;
use rpc::http::{self, Access};

/// Pushed orders, and a sign of life for anything else.
pub fn router(worker: &Worker, access: &Access) -> Router {
    let worker = worker.clone();
    let fallback = async move |request: Request| {
        if !http::is_push(&request) {
            return http::anything_else(request).await;
        }
        http::push(request, async |delivery| {
            worker
                .receive(&delivery.data, delivery.delivery_count)
                .await
        })
        .await
    };
    let routes = Router::new().fallback(fallback);
    http::protected(routes, access).layer(from_fn(http::guard))
}
