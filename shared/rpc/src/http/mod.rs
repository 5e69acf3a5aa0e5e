//! What shares the port with gRPC: tiles for maps, pushes of queues and a sign of life. And what
//! every server of ours puts around its routes: bearer tokens, a guard against panics, an orderly
//! stop.
//!
//! ```
//! use axum::Router;
//! use axum::middleware::from_fn;
//! use rpc::http;
//!
//! let tokens = runtime::config::Tokens::default();
//! let router: Router = Router::new().fallback(http::anything_else);
//! let router = http::protected(router, &http::Access::new(&tokens)).layer(from_fn(http::guard));
//! # let _ = router;
//! ```

mod access;
mod anything_else;
mod connection;
mod cors;
mod failure;
mod guard;
mod oidc;
mod orders;
mod push;
mod serve;
mod tile;
mod tls;

pub use access::{Access, protected};
pub use anything_else::anything_else;
pub use guard::guard;
pub use oidc::PushVerifier;
pub use orders::orders_router;
pub use push::{MAX_PUSH_BYTES, push};
pub use serve::{ServeOptions, serve, serve_with};
pub use tile::tile_routes;
pub use tls::Tls;

use axum::extract::Request;
use http::{HeaderMap, header};

/// Root of the routes for maps; everything below answers as a gateway does.
const CATALOG: &str = "/v1/catalog";
/// Root of the routes that queues push to.
const PUSH: &str = "/push";

/// Whether a request belongs to [`push`], as its path begins so.
pub fn is_push(request: &Request) -> bool {
    request.uri().path().starts_with(PUSH) && !is_grpc(request.headers())
}

/// Whether a request speaks gRPC, so that its failures are statuses of gRPC.
fn is_grpc(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE);
    content_type.is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"))
}
