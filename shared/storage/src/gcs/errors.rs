use domain::Uri;
use google_cloud_gax::error::Error as ClientError;

use crate::Error;

/// Sorts a failure of the client library.
pub(super) fn sort(uri: &Uri, operation: &'static str, source: ClientError) -> Error {
    if let Some(status) = status(&source) {
        return Error::from_status(uri, operation, status, source);
    }
    if source.is_authentication() {
        return Error::PermissionDenied {
            uri: uri.clone(),
            reason: format!("there are no usable credentials of Google: {source}"),
        };
    }
    if source.is_binding() || source.is_serialization() {
        return Error::Failed {
            uri: uri.clone(),
            operation,
            source: source.into(),
        };
    }
    Error::unavailable(uri, source)
}

/// Status of the answer, also where the library has wrapped it.
pub(super) fn status(error: &ClientError) -> Option<u16> {
    let inner = || std::error::Error::source(error)?.downcast_ref::<ClientError>();
    error
        .http_status_code()
        .or_else(|| inner()?.http_status_code())
}
