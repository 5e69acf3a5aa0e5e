use domain::Uri;
use object_store::Error as ClientError;

use crate::Error;

/// Sorts a failure of the client library.
pub(super) fn sort(uri: &Uri, operation: &'static str, error: ClientError) -> Error {
    let status = match &error {
        ClientError::NotFound { .. } => Some(404),
        ClientError::PermissionDenied { .. } => Some(403),
        ClientError::Unauthenticated { .. } => Some(401),
        ClientError::Precondition { .. } | ClientError::NotModified { .. } => Some(412),
        // two writes of one object at the same time
        ClientError::AlreadyExists { .. } => Some(503),
        ClientError::Generic { .. } => status(&error),
        _ => Some(400),
    };
    match status {
        Some(status) => Error::from_status(uri, operation, status, error),
        None => Error::unavailable(uri, error),
    }
}

/// The library keeps the status of other answers to itself, but for the text.
pub(super) fn status(error: &ClientError) -> Option<u16> {
    let text = error.to_string();
    let (_, behind) = text.split_once("status code: ")?;
    behind.get(..3)?.parse().ok()
}
