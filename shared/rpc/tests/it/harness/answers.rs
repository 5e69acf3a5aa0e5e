//! What a call answered.

use std::fmt::Debug;
use tonic::{Code, Response, Status, Streaming};
use tonic_types::StatusExt;

/// The status of a call that must be refused with a code and a text that contains `fragment`.
#[track_caller]
pub fn refused<T: Debug>(answer: Result<T, Status>, code: Code, fragment: &str) -> Status {
    let status = match answer {
        Err(status) => status,
        Ok(answer) => panic!("accepted, expected {code:?} {fragment:?}: {answer:?}"),
    };
    assert_eq!(status.code(), code, "{fragment:?}: {status:?}");
    assert!(
        status.message().contains(fragment),
        "expected {fragment:?} in {:?}",
        status.message()
    );
    status
}

/// A call that must be refused as the caller's mistake.
#[track_caller]
pub fn invalid<T: Debug>(answer: Result<T, Status>, fragment: &str) {
    refused(answer, Code::InvalidArgument, fragment);
}

/// The (type, name, owner) that a refusal names in its details.
#[track_caller]
pub fn resource(status: &Status) -> (String, String, String) {
    let details = status.get_details_resource_info();
    let details = details.unwrap_or_else(|| panic!("no ResourceInfo: {status:?}"));
    (details.resource_type, details.resource_name, details.owner)
}

/// A call that must be refused with a code, a text, and the type and name of what it is about.
#[track_caller]
pub fn refused_on<T: Debug>(
    answer: Result<T, Status>,
    code: Code,
    fragment: &str,
    kind: &str,
    name: &str,
) {
    let status = refused(answer, code, fragment);
    let (found_kind, found_name, _) = resource(&status);
    assert_eq!(
        (found_kind.as_str(), found_name.as_str()),
        (kind, name),
        "{status:?}"
    );
}

/// All items of a stream.
pub async fn items<T>(answer: Result<Response<Streaming<T>>, Status>) -> Result<Vec<T>, Status> {
    let mut stream = answer?.into_inner();
    let mut items = Vec::new();
    while let Some(item) = stream.message().await? {
        items.push(item);
    }
    Ok(items)
}
