mod buckets;
mod call;
mod class;
mod copy;
mod credentials;
mod environment;
mod errors;
mod parts;
mod stat;
mod upload;

use std::{ops::Range, path::Path, sync::Arc};

use async_trait::async_trait;
use buckets::Buckets;
pub use buckets::S3Options;
use bytes::Bytes;
use call::Caller;
use domain::{Scheme, Uri};
use object_store::{
    Attribute, Attributes as Headers, GetOptions, GetRange, GetResult, ObjectStore, ObjectStoreExt,
    aws::AmazonS3, path::Path as Key,
};
use parts::Target;

use crate::{
    Attributes, ByteStream, ConfigError, DeleteOptions, Error, ReadOptions, RenameOptions, Result,
    RetryBudget, Storage, UploadOptions, content::Content, http, names::refuse_dots, pieces,
    ranges::cut,
};

/// Largest offset that every store reads.
const LAST: u64 = i64::MAX as u64;

/// Objects of Amazon S3 and compatible stores (`s3://bucket/a.tif`).
///
/// Each call is one request, or as many as the content takes. Only the parts of a large object are tried again here, each
/// on its own, within a budget; for all else wrap it in [`Retrying`](crate::Retrying).
///
/// An upload that ends with its process leaves parts that nobody sees and that cost: a lifecycle rule of the bucket
/// (`AbortIncompleteMultipartUpload`) removes them.
#[derive(Clone, Debug)]
pub struct S3Storage {
    buckets: Arc<Buckets>,
    caller: Caller,
    budget: RetryBudget,
    copy_limit: u64,
}

impl S3Storage {
    /// Tries each part of a large object within this budget, the default one unless it is said.
    #[must_use]
    pub fn with_budget(self, budget: RetryBudget) -> Self {
        Self { budget, ..self }
    }

    /// Copies larger objects in parts of this size, 1 GiB unless it is said; the service takes parts from 5 MiB on.
    #[must_use]
    pub fn with_copy_limit(self, bytes: u64) -> Self {
        Self {
            copy_limit: bytes.max(5 << 20),
            ..self
        }
    }

    /// Sets the client up; no request is sent yet.
    ///
    /// # Errors
    /// When the options are malformed, or the credentials file is.
    pub fn connect(options: &S3Options) -> Result<Self, ConfigError> {
        http::ensure_provider();
        let buckets = Buckets::new(options)?;
        Ok(Self {
            caller: Caller::new(buckets.signs())?,
            buckets: Arc::new(buckets),
            budget: RetryBudget::default(),
            copy_limit: copy::LIMIT,
        })
    }

    /// What a request for an object takes: a client that has keys, and the key of the object.
    async fn object(&self, uri: &Uri) -> Result<(Arc<AmazonS3>, Key)> {
        if uri.scheme() != Scheme::S3 {
            return Err(Error::Unsupported {
                uri: uri.clone(),
                scheme: uri.scheme(),
            });
        }
        if uri.path().is_empty() {
            return Err(Error::invalid(
                uri,
                "names a bucket, expected s3://bucket/key",
            ));
        }
        refuse_dots(uri)?;
        let key = Key::parse(uri.path())
            .map_err(|error| Error::invalid(uri, format!("is no usable key: {error}")))?;
        // the library would read another object
        if key.as_ref() != uri.path() {
            return Err(Error::invalid(
                uri,
                "is no usable key, expected one without `/` at its ends",
            ));
        }
        let client = self
            .buckets
            .client(uri.bucket())
            .map_err(|error| errors::sort(uri, "open", error))?;
        // those that are known cost nothing; a failure within a request could not be told from one of the store
        match client.credentials().get_credential().await {
            Ok(_) => Ok((client, key)),
            Err(error) => Err(errors::without_keys(uri, self.buckets.names_keys(), error)),
        }
    }

    async fn get(
        &self,
        uri: &Uri,
        options: GetOptions,
        version: Option<&str>,
    ) -> Result<object_store::Result<GetResult>> {
        let (client, key) = self.object(uri).await?;
        let options = GetOptions {
            if_match: version.map(str::to_owned),
            ..options
        };
        let answer = client.get_opts(&key, options).await;
        // some stores overlook the condition
        if let (Ok(found), Some(version)) = (&answer, version)
            && found.meta.e_tag.as_deref() != Some(version)
        {
            return Err(Error::Changed { uri: uri.clone() });
        }
        Ok(answer)
    }

    fn target<'a>(&'a self, uri: &'a Uri, store: &'a AmazonS3, key: &'a Key) -> Target<'a> {
        Target {
            uri,
            store,
            key,
            caller: &self.caller,
            encryption: self.buckets.encryption(),
            budget: self.budget,
        }
    }

    async fn write(&self, uri: &Uri, content: Content, options: &UploadOptions) -> Result<()> {
        let (client, key) = self.object(uri).await?;
        let target = self.target(uri, &client, &key);
        upload::put(&target, &content, options).await
    }

    async fn found(&self, uri: &Uri, version: Option<&str>) -> Result<Attributes> {
        let (store, key) = self.object(uri).await?;
        let found = stat::stat(uri, &self.caller, &store, &key).await?;
        if version.is_some_and(|version| found.version != version) {
            return Err(Error::Changed { uri: uri.clone() });
        }
        Ok(found)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Storage for S3Storage {
    async fn head(&self, uri: &Uri) -> Result<Attributes> {
        self.found(uri, None).await
    }

    async fn read_with(&self, uri: &Uri, options: &ReadOptions) -> Result<Bytes> {
        let version = options.version.as_deref();
        let possible = match &options.range {
            Some(range) => Some(cut(uri, range, LAST)?),
            None => None,
        };
        if possible.as_ref().is_some_and(Range::is_empty) {
            return self.found(uri, version).await.map(|_| Bytes::new());
        }
        let options = GetOptions {
            range: possible.map(GetRange::Bounded),
            ..GetOptions::default()
        };
        match self.get(uri, options, version).await? {
            Ok(found) => found
                .bytes()
                .await
                .map_err(|error| errors::sort(uri, "read", error)),
            // the range begins behind the end
            Err(error) if errors::status(&error) == Some(416) => {
                self.found(uri, version).await.map(|_| Bytes::new())
            }
            Err(error) => Err(errors::sort(uri, "read", error)),
        }
    }

    async fn read_start(&self, uri: &Uri, length: u64) -> Result<(Attributes, Bytes)> {
        let options = GetOptions {
            range: Some(GetRange::Bounded(0..length.clamp(1, LAST))),
            ..GetOptions::default()
        };
        let failed = |error| errors::sort(uri, "read", error);
        let answer = match self.get(uri, options, None).await? {
            // there is no first byte
            Err(error) if errors::status(&error) == Some(416) => {
                return Ok((self.found(uri, None).await?, Bytes::new()));
            }
            answer => answer.map_err(failed)?,
        };
        let Some(version) = answer.meta.e_tag.clone() else {
            return Err(Error::Failed {
                uri: uri.clone(),
                operation: "read",
                source: "the store tells no entity tag".into(),
            });
        };
        let attributes = Attributes {
            size: answer.meta.size,
            version,
            content_type: None,
            storage_class: None,
            unknown_class: None,
            last_modified: Some(answer.meta.last_modified.into()),
        };
        let mut data = answer.bytes().await.map_err(failed)?;
        // there is no range of nothing
        data.truncate(usize::try_from(length).unwrap_or(usize::MAX));
        Ok((attributes, data))
    }

    async fn read_ranges(
        &self,
        uri: &Uri,
        ranges: &[Range<u64>],
        version: Option<&str>,
    ) -> Result<Vec<Bytes>> {
        pieces::ranges(self, uri, ranges, version).await
    }

    async fn read_stream(&self, uri: &Uri) -> Result<ByteStream> {
        pieces::stream(self.clone(), uri).await
    }

    async fn upload(&self, uri: &Uri, data: Bytes, options: &UploadOptions) -> Result<()> {
        self.write(uri, Content::Memory(data), options).await
    }

    async fn upload_file(&self, uri: &Uri, path: &Path, options: &UploadOptions) -> Result<()> {
        let content = Content::open(uri, path).await?;
        self.write(uri, content, options).await
    }

    async fn delete(&self, uri: &Uri, options: &DeleteOptions) -> Result<()> {
        // the service does not tell whether there was something
        if !options.ignore_missing {
            self.found(uri, None).await?;
        }
        let (client, key) = self.object(uri).await?;
        match client.delete(&key).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(errors::sort(uri, "delete", error)),
        }
    }

    async fn rename_with(&self, from: &Uri, to: &Uri, options: &RenameOptions) -> Result<()> {
        let found = self.found(from, None).await?;
        if from.canonical() == to.canonical() {
            return Ok(());
        }
        let (source, key) = self.object(from).await?;
        let (target, target_key) = self.object(to).await?;
        let target = self.target(to, &target, &target_key);
        copy::copy(
            from,
            &found,
            &target,
            options.storage_class,
            self.copy_limit,
        )
        .await?;
        source
            .delete(&key)
            .await
            .map_err(|error| errors::sort(from, "move", error))
    }
}

fn attributes(options: &UploadOptions) -> Headers {
    let mut attributes = Headers::new();
    if let Some(content_type) = &options.content_type {
        attributes.insert(Attribute::ContentType, content_type.clone().into());
    }
    if let Some(storage_class) = options.storage_class {
        attributes.insert(Attribute::StorageClass, class::name(storage_class).into());
    }
    attributes
}

#[cfg(test)]
mod tests;
