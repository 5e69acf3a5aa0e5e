//! What the port answers.

use app::Downloader;
use axum::Router;
use axum::middleware::from_fn;
use rpc::OversizeLayer;
use rpc::http::{self, Access};
use rpc::pb::geocube_downloader_server::SERVICE_NAME;

/// gRPC (the service, health and reflection), and a sign of life for anything else.
pub async fn router(downloader: &Downloader, access: &Access, max_message_bytes: usize) -> Router {
    let routes = rpc::downloader_routes(downloader, max_message_bytes);
    let grpc = rpc::described(routes, &[SERVICE_NAME]).await;
    let routes = grpc
        .into_axum_router()
        .layer(OversizeLayer)
        .fallback(http::anything_else);
    http::protected(routes, access).layer(from_fn(http::guard))
}
