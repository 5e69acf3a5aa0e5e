//! Copies within the store.

use std::fmt::Write;

use ::http::Method;
use domain::{StorageClass, Uri};

use super::{
    call::Call,
    class,
    parts::{STORE_WORKS, Source, Target},
};
use crate::{Attributes, Result, UploadOptions};

/// Size above which an object is copied in parts: below the 5 GiB of one request, so that no copy takes too long.
pub(super) const LIMIT: u64 = 1 << 30;

/// Copies a version of an object, by one request or, above `limit`, in parts of that size.
pub(super) async fn copy(
    from: &Uri,
    found: &Attributes,
    target: &Target<'_>,
    class: Option<StorageClass>,
    limit: u64,
) -> Result<()> {
    let name = name(from);
    let class = class.or(found.storage_class);
    if found.size > limit {
        let options = UploadOptions {
            content_type: found.content_type.clone(),
            storage_class: class,
            if_absent: false,
        };
        let source = Source::Object(&name, &found.version);
        return target.assemble(source, found.size, limit, &options).await;
    }
    let mut call = Call {
        limit: STORE_WORKS,
        ..Call::new(Method::PUT)
    }
    .header("x-amz-copy-source", &name)
    .header("x-amz-copy-source-if-match", &found.version);
    if let Some(class) = class {
        call = call.header("x-amz-storage-class", class::name(class));
    }
    for (name, value) in target.encryption {
        call = call.header(name, value);
    }
    let told = target
        .caller
        .told(from, "move", target.store, target.key, call);
    told.await.map(drop)
}

/// Bucket and key as a copy names its source.
fn name(uri: &Uri) -> String {
    let mut name = String::new();
    for byte in format!("{}/{}", uri.bucket(), uri.path()).bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => {
                name.push(char::from(byte));
            }
            // a text takes whatever is written to it
            other => _ = write!(name, "%{other:02X}"),
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_named_in_plain_letters() {
        let uri = Uri::parse("s3://bucket/é a/b+c?d.tif").unwrap();
        assert_eq!(name(&uri), "bucket/%C3%A9%20a/b%2Bc%3Fd.tif");
    }
}
