use std::error::Error as StdError;

use domain::Uri;
use google_cloud_gax::error::{CredentialsError, Error as ClientError};

use crate::{Error, error::cause};

/// Sorts a failure of the client library.
pub(super) fn sort(uri: &Uri, operation: &'static str, source: ClientError) -> Error {
    if let Some(status) = status(&source) {
        return Error::from_status(uri, operation, status, source);
    }
    if let Some(failure) = cause::<CredentialsError>(&source) {
        return without_token(uri, failure.clone());
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

/// There is no token: for now, as where the metadata service is not ready yet or does not answer, or for good.
pub(super) fn without_token(uri: &Uri, failure: CredentialsError) -> Error {
    if failure.is_transient() {
        return Error::without_credentials(uri, "Google", failure);
    }
    Error::PermissionDenied {
        uri: uri.clone(),
        reason: format!("there are no usable credentials of Google: {failure}"),
    }
}

/// Status of the answer, also where the library has wrapped it.
pub(super) fn status(error: &ClientError) -> Option<u16> {
    let inner = || StdError::source(error)?.downcast_ref::<ClientError>();
    error
        .http_status_code()
        .or_else(|| inner()?.http_status_code())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_cannot_be_had_for_now_is_worth_another_try() {
        let uri = Uri::parse("gs://b/a").unwrap();
        let failed = |passes| {
            let failure = CredentialsError::from_msg(passes, "the metadata service answers 503");
            let wrapped = ClientError::io(ClientError::authentication(failure.clone()));
            [
                sort(&uri, "read", ClientError::authentication(failure.clone())),
                sort(&uri, "read", wrapped),
                without_token(&uri, failure),
            ]
        };
        for error in failed(true) {
            assert!(error.is_worth_another_try(), "{error}");
            assert_eq!(
                error.outline().unwrap(),
                "there are no usable credentials of Google at present"
            );
        }
        for error in failed(false) {
            assert!(!error.is_retryable());
            let text = error.to_string();
            assert!(
                text.starts_with(
                    "access to gs://b/a is denied: there are no usable credentials of Google: "
                ) && text.contains("the metadata service answers 503"),
                "{text}"
            );
        }
    }
}
