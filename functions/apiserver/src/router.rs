//! What the port answers.

use crate::grpc;
use app::App;
use axum::Router;
use axum::extract::Request;
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, post};
use http::StatusCode;
use rpc::OversizeLayer;
use rpc::http::{self as surface, Access};
use runtime::config::Sweep;

/// What the router needs to know besides the use cases.
#[derive(Clone, Copy, Debug)]
pub struct RouterOptions {
    /// Largest gRPC message that is received, in bytes.
    pub max_message_bytes: usize,
    /// When a sweep asked for takes something for lost.
    pub sweep: Sweep,
}

/// gRPC (both services, health and reflection), tiles for maps, pushed events and messages given
/// up, the sweep that a scheduler asks for, and a sign of life.
pub async fn router(app: &App, access: &Access, options: RouterOptions) -> Router {
    let grpc = grpc::routes(app, options.max_message_bytes).await;
    let (events, given_up, swept) = (app.clone(), app.clone(), app.clone());
    let dead_letter = async move |request| {
        let handle = async |delivery: messaging::Delivery| {
            given_up
                .receive_dead_letter(
                    &delivery.data,
                    &delivery.attributes,
                    delivery.delivery_count,
                )
                .await
        };
        surface::push(request, handle).await
    };
    let anything_else = async move |request: Request| {
        if !surface::is_push(&request) {
            return surface::anything_else(request).await;
        }
        let handle = async |delivery: messaging::Delivery| {
            events
                .receive(&delivery.data, delivery.delivery_count)
                .await
        };
        surface::push(request, handle).await
    };
    let routes = grpc
        .into_axum_router()
        .layer(OversizeLayer)
        .merge(surface::tile_routes(app.clone()))
        .route("/push/dead-letter", any(dead_letter))
        .route(
            "/tasks/sweep",
            post(async move || sweep(&swept, &options.sweep).await),
        )
        .fallback(anything_else);
    surface::protected(routes, access).layer(from_fn(surface::guard))
}

async fn sweep(app: &App, thresholds: &Sweep) -> Response {
    match app.sweep(thresholds).await {
        // another sweep is as good as this one
        Ok(Some(_) | None) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => {
            let status = rpc::status(error);
            let http = StatusCode::from_u16(rpc::http_status(status.code()));
            (
                http.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
                status.message().to_owned(),
            )
                .into_response()
        }
    }
}
