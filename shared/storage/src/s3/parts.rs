//! Objects put together out of parts, each of which is tried on its own.

use std::{
    ops::Range,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use ::http::Method;
use domain::Uri;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::{
    PutMultipartOptions,
    aws::AmazonS3,
    multipart::{MultipartStore, PartId},
    path::Path as Key,
};

use super::{
    attributes,
    call::{Call, Caller, element},
    errors, stat,
};
use crate::{
    Error, Result, RetryBudget, UploadOptions,
    content::{Content, parts},
    retry::{repeat, within},
};

/// Time for a copy within the store, and for putting parts together: it works for as long before it answers.
pub(super) const STORE_WORKS: Duration = Duration::from_mins(5);

/// Parts of one object at most, a little below the limit of the service.
const MOST_PARTS: u64 = 9_900;
/// Parts that are under way at the same time.
const CONCURRENT: usize = 3;

/// The object to make.
pub(super) struct Target<'a> {
    pub(super) uri: &'a Uri,
    pub(super) store: &'a AmazonS3,
    pub(super) key: &'a Key,
    pub(super) caller: &'a Caller,
    /// Headers by which the store encrypts it.
    pub(super) encryption: &'a [(&'static str, String)],
    pub(super) budget: RetryBudget,
}

/// What the parts are taken from.
pub(super) enum Source<'a> {
    Content(&'a Content),
    /// An object of the store: the header that names it, and its version.
    Object(&'a str, &'a str),
}

impl Target<'_> {
    /// Makes an object of `size` bytes out of parts of at least `part`. What fails leaves the object of before, and parts
    /// that the store is asked to remove.
    pub(super) async fn assemble(
        &self,
        source: Source<'_>,
        size: u64,
        part: u64,
        options: &UploadOptions,
    ) -> Result<()> {
        let id = self.begin(options).await?;
        let part = part.max(size.div_ceil(MOST_PARTS));
        let (id, source) = (&id, &source);
        let sent = async {
            let sent: Vec<PartId> = stream::iter(parts(size, part).enumerate())
                .map(|(index, range)| self.put(id, index, range, source))
                .buffered(CONCURRENT)
                .try_collect()
                .await?;
            self.complete(id, sent, size, options.if_absent).await
        }
        .await;
        if sent.is_err() {
            // the reason of the failure matters more than parts that the store removes by its own rules
            let _ = self.store.abort_multipart(self.key, id).await;
        }
        sent
    }

    async fn begin(&self, options: &UploadOptions) -> Result<String> {
        let begun = repeat(self.budget, || {
            let options = PutMultipartOptions {
                attributes: attributes(options),
                ..PutMultipartOptions::default()
            };
            let begin = async {
                let begun = self.store.create_multipart_opts(self.key, options).await;
                begun.map_err(|error| errors::sort(self.uri, "write", error))
            };
            within(self.budget.limit(0), self.uri, begin)
        });
        begun.await.map_err(Error::given_up)
    }

    async fn put(
        &self,
        id: &String,
        index: usize,
        range: Range<u64>,
        source: &Source<'_>,
    ) -> Result<PartId> {
        let put = match source {
            Source::Content(content) => {
                let data = content.part(self.uri, range.clone()).await?;
                let limit = self.budget.limit(data.len() as u64);
                let put = || {
                    let put = self
                        .store
                        .put_part(self.key, id, index, data.clone().into());
                    within(limit, self.uri, async {
                        put.await
                            .map_err(|error| errors::sort(self.uri, "write", error))
                    })
                };
                repeat(self.budget, put).await
            }
            Source::Object(name, version) => {
                let copy = || self.copy(id, index, &range, name, version);
                repeat(self.budget, copy).await
            }
        };
        put.map_err(Error::given_up)
    }

    async fn copy(
        &self,
        id: &str,
        index: usize,
        range: &Range<u64>,
        name: &str,
        version: &str,
    ) -> Result<PartId> {
        let bytes = format!("bytes={}-{}", range.start, range.end - 1);
        let call = Call {
            query: vec![
                ("partNumber", (index + 1).to_string()),
                ("uploadId", id.to_owned()),
            ],
            limit: STORE_WORKS,
            ..Call::new(Method::PUT)
        }
        .header("x-amz-copy-source", name)
        .header("x-amz-copy-source-if-match", version)
        .header("x-amz-copy-source-range", &bytes);
        let told = self
            .caller
            .told(self.uri, "write", self.store, self.key, call)
            .await?;
        let content_id = element(&told, "ETag").ok_or_else(|| Error::Failed {
            uri: self.uri.clone(),
            operation: "write",
            source: "the store tells no entity tag of a copied part".into(),
        })?;
        Ok(PartId { content_id })
    }

    async fn complete(
        &self,
        id: &String,
        sent: Vec<PartId>,
        size: u64,
        if_absent: bool,
    ) -> Result<()> {
        // with checksums the library alone knows what to say of each part
        let plain = sent.iter().all(|part| !part.content_id.starts_with('<'));
        if if_absent && plain {
            return self.create(id, &sent).await;
        }
        let doubt = AtomicBool::new(false);
        let completed = repeat(self.budget, || async {
            let done = self
                .store
                .complete_multipart(self.key, id, sent.clone())
                .await;
            let failed = match done {
                Ok(_) => return Ok(()),
                Err(error) => errors::sort(self.uri, "write", error),
            };
            if failed.is_retryable() {
                doubt.store(true, Ordering::Relaxed);
            }
            // completed before, by a try whose answer was lost
            if failed.is_not_found() && doubt.load(Ordering::Relaxed) {
                return self.was_completed(sent.len(), size).await;
            }
            Err(failed)
        });
        completed.await.map_err(Error::given_up)
    }

    /// Completes unless there is such an object. Tried once: whether a lost answer was a success is found out by the
    /// content.
    async fn create(&self, id: &str, sent: &[PartId]) -> Result<()> {
        let part = |(index, part): (usize, &PartId)| {
            let (number, tag) = (index + 1, &part.content_id);
            format!("<Part><PartNumber>{number}</PartNumber><ETag>{tag}</ETag></Part>")
        };
        let list: String = sent.iter().enumerate().map(part).collect();
        let body = format!("<CompleteMultipartUpload>{list}</CompleteMultipartUpload>");
        let call = Call {
            query: vec![("uploadId", id.to_owned())],
            body: body.into(),
            limit: STORE_WORKS,
            ..Call::new(Method::POST)
        }
        .header("if-none-match", "*");
        let told = self
            .caller
            .told(self.uri, "write", self.store, self.key, call);
        match told.await {
            Ok(_) => Ok(()),
            Err(Error::Changed { uri }) => Err(Error::AlreadyExists { uri }),
            Err(error) => Err(error),
        }
    }

    async fn was_completed(&self, parts: usize, size: u64) -> Result<()> {
        let found = stat::stat(self.uri, self.caller, self.store, self.key).await?;
        // that of an object in parts tells their number
        let tag = found.version.trim_matches('"');
        if found.size == size && tag.ends_with(&format!("-{parts}")) {
            return Ok(());
        }
        Err(Error::unavailable(
            self.uri,
            "the parts are gone, and the object is another one",
        ))
    }
}
