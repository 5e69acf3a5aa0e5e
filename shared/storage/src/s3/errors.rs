use domain::Uri;
use object_store::Error as ClientError;

use crate::Error;

/// Sorts a failure of the client library.
pub(super) fn sort(uri: &Uri, operation: &'static str, error: ClientError) -> Error {
    let text = error.to_string();
    if is_redirected(&text) {
        return elsewhere(uri, None);
    }
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

/// Sorts a refusal of a request of our own.
pub(super) fn of_status(uri: &Uri, operation: &'static str, status: u16, text: String) -> Error {
    if is_redirected(&text) {
        return elsewhere(uri, None);
    }
    match status {
        301 | 307 => elsewhere(uri, None),
        // two writes of one object at the same time
        409 => Error::from_status(uri, operation, 503, text),
        status => Error::from_status(uri, operation, status, text),
    }
}

/// Whether the store would have been asked elsewhere.
fn is_redirected(text: &str) -> bool {
    [
        "Received redirect without LOCATION",
        "AuthorizationHeaderMalformed",
        "PermanentRedirect",
    ]
    .iter()
    .any(|told| text.contains(told))
}

/// The bucket is not where it is looked for: no other try finds it there.
pub(super) fn elsewhere(uri: &Uri, region: Option<&str>) -> Error {
    let place = region.map_or_else(
        || "another region".to_owned(),
        |region| format!("the region {region}"),
    );
    Error::invalid(
        uri,
        format!(
            "its bucket lies in {place}, expected the one that requests are sent to (flag aws-region)"
        ),
    )
}

/// The library keeps the status of other answers to itself, but for the text.
pub(super) fn status(error: &ClientError) -> Option<u16> {
    let text = error.to_string();
    let (_, behind) = text.split_once("status code: ")?;
    behind.get(..3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_of_another_region_is_told_and_not_tried_again() {
        let uri = Uri::parse("s3://b/a").unwrap();
        let redirected = ClientError::Generic {
            store: "S3",
            source: "Error performing GET http://h/b/a in 1ms - Received redirect without LOCATION, this normally \
                     indicates an incorrectly configured region"
                .into(),
        };
        let malformed = "<Code>AuthorizationHeaderMalformed</Code>".to_owned();
        for error in [
            sort(&uri, "read", redirected),
            of_status(&uri, "stat", 400, malformed),
            of_status(&uri, "stat", 301, String::new()),
        ] {
            assert!(!error.is_retryable());
            assert_eq!(
                error.to_string(),
                "s3://b/a: its bucket lies in another region, expected the one that requests are sent to (flag aws-region)"
            );
        }
        let told = elsewhere(&uri, Some("eu-west-1")).to_string();
        assert!(told.contains("in the region eu-west-1,"), "{told}");
    }
}
