use domain::Uri;
use object_store::{
    Error as ClientError,
    client::{HttpError, HttpErrorKind},
};

use super::call::element;
use crate::{Error, error::cause};

/// Codes of answers that say nothing of the next try, whatever their status: the first ones come with a 400.
const PASSING: [&str; 5] = [
    "RequestTimeout",
    "RequestTimeoutException",
    "SlowDown",
    "ServiceUnavailable",
    "InternalError",
];

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
        ClientError::Generic { .. } if is_passing(&text) => Some(503),
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
        _ if is_passing(&text) => Error::from_status(uri, operation, 503, text),
        status => Error::from_status(uri, operation, status, text),
    }
}

/// There are no keys: for now, where those who give them are busy or, being named by a variable, do not answer, or for
/// good.
pub(super) fn without_keys(uri: &Uri, is_named: bool, error: ClientError) -> Error {
    let passes = match status(&error) {
        Some(status) => matches!(status, 408 | 429 | 500..),
        None => is_named && is_unanswered(&error),
    };
    if passes {
        return Error::without_credentials(uri, "AWS", error);
    }
    let text: String = error.to_string().chars().take(300).collect();
    Error::PermissionDenied {
        uri: uri.clone(),
        reason: format!(
            "there are no usable credentials of AWS, expected a credentials file (flag aws-shared-credentials-file), \
             variables AWS_… or a role of the machine: {text}"
        ),
    }
}

/// Whether a request got no answer at all.
fn is_unanswered(error: &ClientError) -> bool {
    cause::<HttpError>(error).is_some_and(|failure| failure.kind() != HttpErrorKind::Decode)
}

/// Whether the same request may succeed at another time.
fn is_passing(text: &str) -> bool {
    element(text, "Code").is_some_and(|code| PASSING.contains(&code.as_str()))
}

/// Whether the store would have been asked elsewhere. Addresses in the text may hold whatever callers call their files,
/// but neither blanks nor elements.
fn is_redirected(text: &str) -> bool {
    let code = element(text, "Code").unwrap_or_default();
    ["AuthorizationHeaderMalformed", "PermanentRedirect"].contains(&code.as_str())
        || text.contains("Received redirect without LOCATION")
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

    fn refused(status: &str, code: &str) -> ClientError {
        let text = format!(
            "Error performing PUT http://h/b/PermanentRedirect%20SlowDown.tif in 2ms - Server returned non-2xx status \
             code: {status}: <Error><Code>{code}</Code><Message>m</Message></Error>"
        );
        ClientError::Generic {
            store: "S3",
            source: text.into(),
        }
    }

    #[test]
    fn what_passes_is_told_by_the_code_of_the_answer() {
        let uri = Uri::parse("s3://b/a").unwrap();
        // (status, code, is worth another try)
        for (status, code, passes) in [
            (400, "RequestTimeout", true),
            (400, "RequestTimeoutException", true),
            (400, "SlowDown", true),
            (503, "SlowDown", true),
            (500, "InternalError", true),
            (503, "whatever", true),
            (400, "EntityTooSmall", false),
            (400, "RequestTimeTooSkewed", false),
        ] {
            let own = format!("the store answers {status}: <Error><Code>{code}</Code></Error>");
            for error in [
                sort(&uri, "write", refused(&status.to_string(), code)),
                of_status(&uri, "write", status, own),
            ] {
                assert_eq!(
                    error.is_worth_another_try(),
                    passes,
                    "{status} {code}: {error:?}"
                );
            }
        }
    }

    #[test]
    fn no_keys_are_no_outage_unless_those_who_give_them_are_out() {
        let uri = Uri::parse("s3://b/a").unwrap();
        let unanswered = || ClientError::Generic {
            store: "S3",
            source: HttpError::new(
                HttpErrorKind::Connect,
                std::io::Error::from(std::io::ErrorKind::ConnectionRefused),
            )
            .into(),
        };
        let malformed = || ClientError::Generic {
            store: "S3",
            source: "Failed to read token file '/token'".into(),
        };
        // (named by a variable, failure, passes)
        for (is_named, error, passes) in [
            (false, unanswered(), false),
            (true, unanswered(), true),
            (false, malformed(), false),
            (true, malformed(), false),
            (false, refused("503 Service Unavailable", ""), true),
            (true, refused("500 Internal Server Error", ""), true),
            (true, refused("403 Forbidden", "AccessDenied"), false),
            (false, refused("404 Not Found", ""), false),
        ] {
            let told = format!("{is_named} {error:?}");
            let error = without_keys(&uri, is_named, error);
            assert_eq!(error.is_worth_another_try(), passes, "{told}");
            let text = error.outline().unwrap_or_else(|| error.to_string());
            assert!(text.contains("no usable credentials of AWS"), "{text}");
        }
    }
}
