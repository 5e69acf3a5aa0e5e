mod buckets;
mod class;
mod credentials;
mod errors;
mod stat;
mod upload;

use std::{ops::Range, path::Path, sync::Arc};

use async_trait::async_trait;
use buckets::Buckets;
pub use buckets::S3Options;
use bytes::Bytes;
use domain::{Scheme, StorageClass, Uri};
use object_store::{
    GetOptions, GetRange, GetResult, ObjectStore, ObjectStoreExt, aws::AmazonS3, path::Path as Key,
};

use crate::{
    Attributes, ByteStream, ConfigError, DeleteOptions, Error, ReadOptions, Result, Storage,
    UploadOptions, http, pieces, ranges::cut,
};

/// Largest offset that every store reads.
const LAST: u64 = i64::MAX as u64;

/// Objects of Amazon S3 and compatible stores (`s3://bucket/a.tif`).
///
/// Each call is one request, or as many as the content takes; nothing is tried again here: wrap it in
/// [`Retrying`](crate::Retrying).
#[derive(Clone, Debug)]
pub struct S3Storage {
    buckets: Arc<Buckets>,
    client: reqwest::Client,
}

impl S3Storage {
    /// Sets the client up; no request is sent yet.
    ///
    /// # Errors
    /// When the options are malformed, or the credentials file is.
    pub fn connect(options: &S3Options) -> Result<Self, ConfigError> {
        http::ensure_provider();
        Ok(Self {
            buckets: Arc::new(Buckets::new(options)?),
            client: stat::client()?,
        })
    }

    fn object(&self, uri: &Uri) -> Result<(Arc<AmazonS3>, Key)> {
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
        let key = Key::parse(uri.path())
            .map_err(|error| Error::invalid(uri, format!("is no usable key: {error}")))?;
        // the library would read another object
        if key.as_ref() != uri.path() {
            return Err(Error::invalid(
                uri,
                "is no usable key, expected one without `/` at its ends",
            ));
        }
        let client = self.buckets.client(uri.bucket());
        Ok((
            client.map_err(|error| errors::sort(uri, "open", error))?,
            key,
        ))
    }

    async fn get(
        &self,
        uri: &Uri,
        options: GetOptions,
        version: Option<&str>,
    ) -> Result<object_store::Result<GetResult>> {
        let (client, key) = self.object(uri)?;
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

    async fn found(&self, uri: &Uri, version: Option<&str>) -> Result<Attributes> {
        let (store, key) = self.object(uri)?;
        let found = stat::stat(uri, &self.client, &store, &key).await?;
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
            last_modified: Some(answer.meta.last_modified.into()),
        };
        Ok((attributes, answer.bytes().await.map_err(failed)?))
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
        let (client, key) = self.object(uri)?;
        upload::put(uri, &client, &key, data, options).await
    }

    async fn upload_file(&self, uri: &Uri, path: &Path, options: &UploadOptions) -> Result<()> {
        let (client, key) = self.object(uri)?;
        upload::put_file(uri, &client, &key, path, options).await
    }

    async fn delete(&self, uri: &Uri, options: &DeleteOptions) -> Result<()> {
        // the service does not tell whether there was something
        if !options.ignore_missing {
            self.found(uri, None).await?;
        }
        let (client, key) = self.object(uri)?;
        match client.delete(&key).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(errors::sort(uri, "delete", error)),
        }
    }

    async fn rename(&self, from: &Uri, to: &Uri) -> Result<()> {
        let found = self.found(from, None).await?;
        if from.canonical() == to.canonical() {
            return Ok(());
        }
        let (source, key) = self.object(from)?;
        let (target, target_key) = self.object(to)?;
        let plain = matches!(found.storage_class, None | Some(StorageClass::Standard));
        if from.bucket() == to.bucket() && plain {
            source
                .copy(&key, &target_key)
                .await
                .map_err(|error| errors::sort(from, "move", error))?;
        } else {
            // the library's copy keeps to one bucket and to the standard class
            let content = pieces::stream(self.clone(), from).await?;
            let options = UploadOptions {
                content_type: found.content_type,
                storage_class: found.storage_class,
                if_absent: false,
            };
            upload::put_stream(to, &target, &target_key, content, found.size, &options).await?;
        }
        source
            .delete(&key)
            .await
            .map_err(|error| errors::sort(from, "move", error))
    }
}
