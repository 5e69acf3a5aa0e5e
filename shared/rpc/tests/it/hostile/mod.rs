//! Malformed and oversized requests, sent to every method: each is answered at once, none as a fault of the
//! service, and the service goes on.

mod generate;
mod random;
mod raw;
mod sweep;

use crate::harness::{Bounds, Server};
use generate::Known;

/// A service that consolidates, and what is in its catalogue.
async fn start() -> Option<(Server, Known)> {
    let bounds = Bounds {
        consolidates: true,
        ..Bounds::default()
    };
    let server = Server::with_bounds(bounds).await?;
    let known = Known::stored(&server).await?;
    Some((server, known))
}
