//! The one table from failures to gRPC and HTTP statuses.

use app::Error;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};
use uuid::Uuid;

/// Longest message of a status, in bytes, before `[...]`.
const MAX_MESSAGE_BYTES: usize = 3000;
/// Longest message as the header that carries it, where most characters beyond ASCII are nine bytes. With the
/// details it stays below 8 KiB, above which clients drop the status for one of their own.
const MAX_ENCODED_BYTES: usize = 4500;
/// Longest field of the details of a status, in bytes, before `[...]`.
const MAX_DETAIL_BYTES: usize = 1000;

/// Status of a failed use case. Faults of the service itself are logged under an id that the
/// caller sees; their cause stays in the log.
#[expect(clippy::needless_pass_by_value, reason = "used as `map_err(status)`")]
pub fn status(error: Error) -> Status {
    match &error {
        Error::Domain(error) => domain_status(error),
        Error::Unavailable { source, .. } => {
            tracing::warn!(error = &**source as &dyn std::error::Error, "{error}");
            Status::unavailable(cut_message(&error.to_string()))
        }
        Error::DeadlineExceeded(_) => Status::deadline_exceeded(cut_message(&error.to_string())),
        Error::Cancelled(_) => Status::cancelled(cut_message(&error.to_string())),
        Error::Internal { source, .. } => {
            let id = Uuid::new_v4();
            tracing::error!(error_id = %id, error = &**source as &dyn std::error::Error, "{error}");
            // the id stays whole
            Status::internal(format!(
                "{} (error id {id})",
                cut_message(&error.to_string())
            ))
        }
    }
}

/// Status of a failure that the caller caused or can act upon.
pub fn domain_status(error: &domain::Error) -> Status {
    let message = cut_message(&error.to_string());
    match error {
        domain::Error::Invalid(_) => Status::invalid_argument(message),
        domain::Error::NotFound { entity, id, .. } => {
            with_resource(Code::NotFound, message, resource(entity.as_str(), id, ""))
        }
        domain::Error::AlreadyExists { entity, id, .. } => with_resource(
            Code::AlreadyExists,
            message,
            resource(entity.as_str(), id, ""),
        ),
        domain::Error::InUse {
            owner,
            dependent,
            id,
            ..
        } => {
            let details = resource(dependent.as_str(), id, owner.as_str());
            with_resource(Code::FailedPrecondition, message, details)
        }
        domain::Error::Precondition(_) => Status::failed_precondition(message),
        domain::Error::LimitExceeded(_) => Status::resource_exhausted(message),
    }
}

/// HTTP status of a gRPC code, as gateways map it.
pub fn http_status(code: Code) -> u16 {
    match code {
        Code::Ok => 200,
        Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => 400,
        Code::Unauthenticated => 401,
        Code::PermissionDenied => 403,
        Code::NotFound => 404,
        Code::AlreadyExists | Code::Aborted => 409,
        Code::ResourceExhausted => 429,
        Code::Cancelled => 499,
        Code::Unknown | Code::Internal | Code::DataLoss => 500,
        Code::Unimplemented => 501,
        Code::Unavailable => 503,
        Code::DeadlineExceeded => 504,
    }
}

/// A status with details. They hold its message again, which is cut shorter there.
fn with_resource(code: Code, message: String, details: ErrorDetails) -> Status {
    let short = cut(&message, MAX_DETAIL_BYTES);
    let details = Status::with_error_details(code, short, details);
    Status::with_details(code, message, details.details().to_vec().into())
}

fn resource(kind: &str, name: &str, owner: &str) -> ErrorDetails {
    ErrorDetails::with_resource_info(
        cut(kind, MAX_DETAIL_BYTES),
        cut(name, MAX_DETAIL_BYTES),
        owner,
        "",
    )
}

/// Cuts a message where it, or the header that carries it, becomes too long.
fn cut_message(text: &str) -> String {
    let mut encoded = 0;
    let end = text
        .char_indices()
        .find(|(start, character)| {
            encoded += encoded_bytes(*character);
            encoded > MAX_ENCODED_BYTES || start + character.len_utf8() > MAX_MESSAGE_BYTES
        })
        .map_or(text.len(), |(start, _)| start);
    cut(text, end)
}

/// Bytes of a character in a header: three for each byte that is not plain.
fn encoded_bytes(character: char) -> usize {
    let is_plain = character.is_ascii_graphic()
        && !matches!(
            character,
            '"' | '#' | '%' | '<' | '>' | '`' | '?' | '{' | '}'
        );
    if is_plain {
        1
    } else {
        3 * character.len_utf8()
    }
}

/// Cuts a text to `bytes`, on a character boundary, and marks the cut.
fn cut(text: &str, bytes: usize) -> String {
    if text.len() <= bytes {
        return text.to_owned();
    }
    let end = (0..=bytes)
        .rev()
        .find(|end| text.is_char_boundary(*end))
        .unwrap_or(0);
    format!("{}[...]", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::{cut, cut_message, domain_status, http_status, status};
    use domain::{Entity, Error};
    use tonic::Code;
    use tonic_types::StatusExt;

    #[test]
    fn each_failure_has_its_code() {
        for (error, code) in [
            (Error::invalid("x"), Code::InvalidArgument),
            (Error::not_found(Entity::Aoi, "id", "x"), Code::NotFound),
            (
                Error::already_exists(Entity::Layout, "name", "x"),
                Code::AlreadyExists,
            ),
            (
                Error::InUse {
                    owner: Entity::Records,
                    dependent: Entity::Datasets,
                    key: "id",
                    id: "x".to_owned(),
                },
                Code::FailedPrecondition,
            ),
            (
                Error::Precondition("x".to_owned()),
                Code::FailedPrecondition,
            ),
            (
                Error::LimitExceeded("x".to_owned()),
                Code::ResourceExhausted,
            ),
        ] {
            assert_eq!(domain_status(&error).code(), code, "{error}");
        }
    }

    #[test]
    fn details_name_the_resource_and_its_owner() {
        let error = Error::InUse {
            owner: Entity::Records,
            dependent: Entity::Datasets,
            key: "id",
            id: "42".to_owned(),
        };
        let status = domain_status(&error);
        assert_eq!(status.message(), "records and datasets with id: 42");
        let resource = status.get_details_resource_info().unwrap();
        assert_eq!(
            (
                resource.resource_type.as_str(),
                resource.resource_name.as_str()
            ),
            ("datasets", "42")
        );
        assert_eq!(resource.owner, "records");
    }

    #[test]
    fn long_texts_are_cut_on_a_character() {
        let message = domain_status(&Error::invalid("x".repeat(10_000)))
            .message()
            .to_owned();
        assert_eq!((message.len(), &message[3000..]), (3005, "[...]"));
        let detail = domain_status(&Error::not_found(Entity::Record, "id", "x".repeat(10_000)));
        assert_eq!(
            detail
                .get_details_resource_info()
                .unwrap()
                .resource_name
                .len(),
            1005
        );
        assert_eq!(
            cut(&"é".repeat(600), 1001),
            format!("{}[...]", "é".repeat(500))
        );
    }

    #[test]
    fn a_status_fits_into_the_headers_that_clients_accept() {
        for (character, bytes) in [
            ("x", 3000),
            ("a b c ", 2250),
            ("é", 1500),
            ("日", 1500),
            ("🛰", 1500),
            (" ", 1500),
            ("%", 1500),
            ("\n", 1500),
            ("{", 1500),
        ] {
            let text = character.repeat(10_000);
            let cut = cut_message(&text);
            assert_eq!(cut.len(), bytes + 5, "{character:?}");
            let errors = [
                Error::not_found(Entity::VariableInstance, "id", &text),
                Error::already_exists(Entity::ContainerLayouts, "name", &text),
                Error::InUse {
                    owner: Entity::VariableInstances,
                    dependent: Entity::ContainerLayouts,
                    key: "name",
                    id: text.clone(),
                },
                Error::invalid(text),
            ];
            for error in errors {
                let headers = domain_status(&error).into_http::<()>();
                let size: usize = headers
                    .headers()
                    .iter()
                    .map(|(name, value)| name.as_str().len() + value.len() + 32)
                    .sum();
                assert!(size < 7900, "{character:?}: {size}");
            }
        }
        let exact = "x".repeat(3000);
        assert_eq!(cut_message(&exact), exact);
    }

    #[test]
    fn faults_of_the_service_hide_their_cause() {
        let status = status(app::Error::internal(
            "a database request",
            "password=secret",
        ));
        assert_eq!(status.code(), Code::Internal);
        assert!(
            status
                .message()
                .starts_with("a database request failed (error id "),
            "{}",
            status.message()
        );
    }

    #[test]
    fn statuses_without_an_error_of_the_domain_are_cut_too() {
        let long = "é".repeat(10_000);
        let cut = |prefix: &str| cut_message(&format!("{prefix}{long}"));
        let deadline = status(app::Error::DeadlineExceeded(long.clone()));
        assert_eq!(deadline.message(), cut("deadline exceeded: "));
        let cancelled = status(app::Error::Cancelled(long.clone()));
        assert_eq!(cancelled.message(), cut("cancelled: "));
        let fault = status(app::Error::internal(long.clone(), "x"));
        let (what, id) = fault.message().split_once(" (error id ").unwrap();
        assert_eq!((what, id.len()), (cut("").as_str(), 37));
    }

    #[test]
    fn gateways_see_the_usual_statuses() {
        for (code, http) in [
            (3, 400),
            (5, 404),
            (9, 400),
            (6, 409),
            (2, 500),
            (14, 503),
            (16, 401),
            (8, 429),
        ] {
            assert_eq!(http_status(Code::from_i32(code)), http, "{code}");
        }
    }
}
