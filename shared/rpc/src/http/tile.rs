//! Tiles by HTTP, as maps ask for them.

use super::failure;
use crate::convert;
use crate::pb;
use crate::status::{domain_status, status};
use app::App;
use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use domain::{Error, Result};
use http::{HeaderMap, Uri};
use tonic::Status;

mod fresh;
mod query;

/// Instance, column, row and zoom, as the path gives them.
type Address = (String, String, String, String);

/// Route of the tiles: `/v1/catalog/mosaic/{instance_id}/{x}/{y}/{z}/png`.
pub fn tile_routes(app: App) -> Router {
    let tile = get(tile).fallback(|| async { failure::method_not_allowed() });
    Router::new()
        .route("/v1/catalog/mosaic/{instance_id}/{x}/{y}/{z}/png", tile)
        .with_state(app)
}

async fn tile(
    State(app): State<App>,
    address: Result<Path<Address>, PathRejection>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    match png(&app, address, &uri).await {
        Ok(png) => fresh::answer(png, &headers),
        Err(status) => failure::failure(&status),
    }
}

async fn png(
    app: &App,
    address: Result<Path<Address>, PathRejection>,
    uri: &Uri,
) -> Result<Bytes, Status> {
    let Path(address) =
        address.map_err(|rejection| Status::invalid_argument(rejection.body_text()))?;
    let invalid = |error: Error| domain_status(&error);
    let request = request(address, uri).map_err(invalid)?;
    let request = convert::tile_request(request, app.limits()).map_err(invalid)?;
    app.tile(request).await.map_err(status)
}

/// The request of gRPC that path and query stand for.
fn request((instance_id, x, y, z): Address, uri: &Uri) -> Result<pb::GetTileRequest> {
    let [x, y, z] = [("x", x), ("y", y), ("z", z)].map(|(field, text)| integer(field, &text));
    let mut request = pb::GetTileRequest {
        instance_id,
        x: x?,
        y: y?,
        z: z?,
        ..Default::default()
    };
    query::read(uri, &mut request)?;
    Ok(request)
}

fn integer(field: &str, text: &str) -> Result<i32> {
    text.parse()
        .map_err(|_| Error::invalid(format!("Invalid {field}: {text:.64?}, expected an integer")))
}
