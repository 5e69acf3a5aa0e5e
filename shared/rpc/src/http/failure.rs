//! Failures as gateways of gRPC write them: a JSON object under the HTTP status of the code.

use crate::status::http_status;
use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde::Serialize;
use tonic::{Code, Status};
use tonic_types::StatusExt;

#[derive(Serialize)]
struct Failure<'a> {
    code: i32,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<[Detail; 1]>,
}

/// `google.rpc.ResourceInfo` in JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    #[serde(rename = "@type")]
    kind: &'static str,
    resource_type: String,
    resource_name: String,
    owner: String,
    description: String,
}

/// The answer that tells a failed call.
pub(super) fn failure(status: &Status) -> Response {
    let http = StatusCode::from_u16(http_status(status.code()))
        .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    answer(http, status)
}

/// The answer to a path of the catalogue that leads nowhere.
pub(super) fn not_found() -> Response {
    failure(&Status::new(Code::NotFound, "Not Found"))
}

/// The answer to a method that a route of the catalogue does not serve.
pub(super) fn method_not_allowed() -> Response {
    answer(
        StatusCode::METHOD_NOT_ALLOWED,
        &Status::new(Code::Unimplemented, "Method Not Allowed"),
    )
}

fn answer(http: StatusCode, status: &Status) -> Response {
    let resource = status.get_details_resource_info().map(|resource| Detail {
        kind: "type.googleapis.com/google.rpc.ResourceInfo",
        resource_type: resource.resource_type,
        resource_name: resource.resource_name,
        owner: resource.owner,
        description: resource.description,
    });
    let details = resource.map(|resource| [resource]);
    let failure = Failure {
        code: status.code().into(),
        message: status.message(),
        details,
    };
    // Failures pass: the next request may find what this one missed.
    let fresh = [(header::CACHE_CONTROL, "no-store")];
    (http, fresh, Json(failure)).into_response()
}

#[cfg(test)]
mod tests {
    use super::{failure, not_found};
    use crate::status::domain_status;
    use axum::response::Response;
    use domain::{Entity, Error};
    use http::header;
    use tonic::Status;

    async fn text(response: Response) -> String {
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/json");
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
        let body = axum::body::to_bytes(response.into_body(), 10_000)
            .await
            .unwrap();
        String::from_utf8(body.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn a_failure_names_its_code_and_its_resource() {
        let response = failure(&domain_status(&Error::not_found(Entity::Record, "id", "7")));
        assert_eq!(response.status(), 404);
        let expected = concat!(
            r#"{"code":5,"message":"Record with id: 7","details":[{"@type":"type.googleapis.com/google.rpc.ResourceInfo","#,
            r#""resourceType":"Record","resourceName":"7","owner":"","description":""}]}"#
        );
        assert_eq!(text(response).await, expected);
    }

    #[tokio::test]
    async fn failures_without_details_have_none() {
        assert_eq!(
            text(not_found()).await,
            r#"{"code":5,"message":"Not Found"}"#
        );
        let cancelled = failure(&Status::cancelled("gone"));
        assert_eq!(cancelled.status(), 499);
        assert_eq!(text(cancelled).await, r#"{"code":1,"message":"gone"}"#);
    }
}
