//! The one table from failures to gRPC and HTTP statuses.

use app::Error;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};
use uuid::Uuid;

/// Longest message of a status, in bytes, before `[...]`.
const MAX_MESSAGE_BYTES: usize = 3000;
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
            Status::unavailable(cut(&error.to_string(), MAX_MESSAGE_BYTES))
        }
        Error::DeadlineExceeded(_) => Status::deadline_exceeded(error.to_string()),
        Error::Cancelled(_) => Status::cancelled(error.to_string()),
        Error::Internal { source, .. } => {
            let id = Uuid::new_v4();
            tracing::error!(error_id = %id, error = &**source as &dyn std::error::Error, "{error}");
            Status::internal(format!("{error} (error id {id})"))
        }
    }
}

/// Status of a failure that the caller caused or can act upon.
pub fn domain_status(error: &domain::Error) -> Status {
    let message = cut(&error.to_string(), MAX_MESSAGE_BYTES);
    match error {
        domain::Error::Invalid(_) => Status::invalid_argument(message),
        domain::Error::NotFound { entity, id, .. } => {
            Status::with_error_details(Code::NotFound, message, resource(entity.as_str(), id, ""))
        }
        domain::Error::AlreadyExists { entity, id, .. } => Status::with_error_details(
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
            Status::with_error_details(Code::FailedPrecondition, message, details)
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

fn resource(kind: &str, name: &str, owner: &str) -> ErrorDetails {
    ErrorDetails::with_resource_info(
        cut(kind, MAX_DETAIL_BYTES),
        cut(name, MAX_DETAIL_BYTES),
        owner,
        "",
    )
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
    use super::{cut, domain_status, http_status, status};
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
