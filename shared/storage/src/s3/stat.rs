//! Attributes by a signed HEAD request of our own: the library tells neither class nor content type of an object.

use std::time::Duration;

use domain::{Scheme, Uri};
use http::{
    HeaderMap, Method,
    header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG, LAST_MODIFIED},
};
use object_store::{aws::AmazonS3, path::Path as Key, signer::Signer};
use reqwest::{Client, redirect::Policy};

use super::{class, errors};
use crate::{Attributes, ConfigError, Error, Result};

const CALL_LIMIT: Duration = Duration::from_mins(1);
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

pub(super) fn client() -> Result<Client, ConfigError> {
    Client::builder()
        .timeout(CALL_LIMIT)
        .connect_timeout(CONNECT_LIMIT)
        .redirect(Policy::none())
        .build()
        .map_err(|source| ConfigError {
            scheme: Scheme::S3,
            source: source.into(),
        })
}

pub(super) async fn stat(
    uri: &Uri,
    client: &Client,
    store: &AmazonS3,
    key: &Key,
) -> Result<Attributes> {
    let url = store
        .signed_url(Method::HEAD, key, CALL_LIMIT)
        .await
        .map_err(|error| errors::sort(uri, "stat", error))?;
    // the address is signed: it does not belong into a message
    let answer = client
        .head(url)
        .send()
        .await
        .map_err(|source| Error::unavailable(uri, source.without_url()))?;
    let status = answer.status();
    if !status.is_success() {
        return Err(Error::from_status(
            uri,
            "stat",
            status.as_u16(),
            format!("the store answers {status}"),
        ));
    }
    attributes(answer.headers()).ok_or_else(|| Error::Failed {
        uri: uri.clone(),
        operation: "stat",
        source: "the store tells no size or no entity tag".into(),
    })
}

fn attributes(headers: &HeaderMap) -> Option<Attributes> {
    let text = |name: http::HeaderName| headers.get(name)?.to_str().ok();
    let class = http::HeaderName::from_static("x-amz-storage-class");
    Some(Attributes {
        size: text(CONTENT_LENGTH)?.parse().ok()?,
        version: text(ETAG)?.to_owned(),
        content_type: text(CONTENT_TYPE).map(str::to_owned),
        storage_class: class::parse(text(class)),
        last_modified: text(LAST_MODIFIED)
            .and_then(|time| chrono::DateTime::parse_from_rfc2822(time).ok())
            .map(Into::into),
    })
}
