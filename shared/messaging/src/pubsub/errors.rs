use std::error::Error as StdError;

use google_cloud_gax::error::{Error as RpcError, rpc::Code};

use crate::Error;

/// Sorts a failure of a call into one that passes and one that stays.
pub(super) fn rpc_error(operation: String, source: RpcError) -> Error {
    if is_temporary(&source) {
        unavailable(operation, source)
    } else {
        failed(operation, source)
    }
}

pub(super) fn unavailable(
    operation: String,
    source: impl Into<Box<dyn StdError + Send + Sync>>,
) -> Error {
    Error::Unavailable {
        operation,
        source: source.into(),
    }
}

pub(super) fn failed(
    operation: String,
    source: impl Into<Box<dyn StdError + Send + Sync>>,
) -> Error {
    Error::Failed {
        operation,
        source: source.into(),
    }
}

pub(super) fn has_code(error: &RpcError, code: Code) -> bool {
    error.status().is_some_and(|status| status.code == code)
}

pub(super) fn is_temporary(error: &RpcError) -> bool {
    let codes = [
        Code::Unavailable,
        Code::DeadlineExceeded,
        Code::ResourceExhausted,
        Code::Aborted,
        Code::Cancelled,
        Code::Internal,
    ];
    error.is_timeout()
        || error.is_exhausted()
        || error.is_io()
        || error.is_connect()
        || (error.is_transport() && error.status().is_none())
        || codes.into_iter().any(|code| has_code(error, code))
}
