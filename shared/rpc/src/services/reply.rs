//! Answers of the handlers.

use crate::pb;
use crate::status::domain_status;
use tonic::{Response, Status};

/// How a handler ends.
pub(super) type Reply<T> = Result<Response<T>, Status>;

/// Answers a message.
#[expect(
    clippy::unnecessary_wraps,
    reason = "the last expression of most handlers"
)]
pub(super) fn reply<T>(message: T) -> Reply<T> {
    Ok(Response::new(message))
}

/// The version of every service of ours.
pub(super) fn version() -> pb::GetVersionResponse {
    pb::GetVersionResponse {
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// A conversion of a request.
pub(super) trait Checked<T> {
    /// A conversion that failed is the caller's mistake.
    fn checked(self) -> Result<T, Status>;
}

impl<T> Checked<T> for domain::Result<T> {
    fn checked(self) -> Result<T, Status> {
        self.map_err(|error| domain_status(&error))
    }
}
