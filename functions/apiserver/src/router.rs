//! What the port answers.

use crate::grpc;
use app::App;
use axum::Router;
use axum::extract::Request;
use axum::middleware::from_fn;
use rpc::OversizeLayer;
use rpc::http::{self, Access};

/// gRPC (both services, health and reflection), tiles for maps, pushed events and a sign of life.
///
/// `max_message_bytes` bounds a gRPC message.
pub async fn router(app: &App, access: &Access, max_message_bytes: usize) -> Router {
    let grpc = grpc::routes(app, max_message_bytes)
        .await
        .into_axum_router()
        .layer(OversizeLayer);
    let events = app.clone();
    let fallback = async move |request: Request| {
        if !http::is_push(&request) {
            return http::anything_else(request).await;
        }
        http::push(request, async |delivery| {
            events
                .receive(&delivery.data, delivery.delivery_count)
                .await
        })
        .await
    };
    let routes = grpc
        .merge(http::tile_routes(app.clone()))
        .fallback(fallback);
    http::protected(routes, access).layer(from_fn(http::guard))
}
