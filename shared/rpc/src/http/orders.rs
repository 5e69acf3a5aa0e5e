//! What a port answers where orders of consolidation are pushed.

use super::{Access, anything_else, guard, is_push, protected, push};
use app::worker::Worker;
use axum::Router;
use axum::extract::Request;
use axum::middleware::from_fn;

/// Pushed orders, and a sign of life for anything else.
pub fn orders_router(worker: &Worker, access: &Access) -> Router {
    let worker = worker.clone();
    let fallback = async move |request: Request| {
        if !is_push(&request) {
            return anything_else(request).await;
        }
        push(request, async |delivery| {
            worker
                .receive(&delivery.data, delivery.delivery_count)
                .await
        })
        .await
    };
    let routes = Router::new().fallback(fallback);
    protected(routes, access).layer(from_fn(guard))
}
