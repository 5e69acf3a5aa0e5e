//! Attributes by a HEAD request of our own: the library does not tell the class of an object.

use ::http::{
    HeaderMap, HeaderName, Method,
    header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG, LAST_MODIFIED},
};
use domain::Uri;
use object_store::{aws::AmazonS3, path::Path as Key};

use super::{
    call::{Call, Caller},
    class,
};
use crate::{Attributes, Error, Result};

pub(super) async fn stat(
    uri: &Uri,
    caller: &Caller,
    store: &AmazonS3,
    key: &Key,
) -> Result<Attributes> {
    let call = Call::new(Method::HEAD);
    let answer = caller.send(uri, "stat", store, key, call).await?;
    attributes(answer.headers()).ok_or_else(|| Error::Failed {
        uri: uri.clone(),
        operation: "stat",
        source: "the store tells no size or no entity tag".into(),
    })
}

fn attributes(headers: &HeaderMap) -> Option<Attributes> {
    let text = |name: HeaderName| headers.get(name)?.to_str().ok();
    let class = text(HeaderName::from_static("x-amz-storage-class"));
    Some(Attributes {
        size: text(CONTENT_LENGTH)?.parse().ok()?,
        version: text(ETAG)?.to_owned(),
        content_type: text(CONTENT_TYPE).map(str::to_owned),
        storage_class: class::parse(class),
        unknown_class: class
            .filter(|name| class::parse(Some(*name)).is_none())
            .map(str::to_owned),
        last_modified: text(LAST_MODIFIED)
            .and_then(|time| chrono::DateTime::parse_from_rfc2822(time).ok())
            .map(Into::into),
    })
}
