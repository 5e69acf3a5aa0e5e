//! Attributes by a signed HEAD request of our own: the library does not tell the class of an object.

use ::http::{
    HeaderMap, HeaderName, Method,
    header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG, LAST_MODIFIED},
};
use domain::{Scheme, Uri};
use object_store::{aws::AmazonS3, path::Path as Key, signer::Signer};
use reqwest::Client;

use super::{class, errors};
use crate::{Attributes, ConfigError, Error, Result, http};

pub(super) fn client() -> Result<Client, ConfigError> {
    http::client().map_err(|source| ConfigError {
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
        .signed_url(Method::HEAD, key, http::CALL_LIMIT)
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
    let text = |name: HeaderName| headers.get(name)?.to_str().ok();
    let class = HeaderName::from_static("x-amz-storage-class");
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
