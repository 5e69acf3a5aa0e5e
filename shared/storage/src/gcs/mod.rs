mod class;
mod connection;
mod errors;
mod progress;
mod rest;
mod session;

use std::{ops::Range, path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use connection::Access;
pub use connection::GcsConnection;
use domain::{Scheme, Uri};
use google_cloud_gax::retry_policy::NeverRetry;
use google_cloud_storage::{
    builder::storage::WriteObject,
    client::Storage as Client,
    model_ext::{ObjectHighlights, ReadRange},
    read_resume_policy::NeverResume,
    streaming_source::{Payload, Seek, StreamingSource},
};
use progress::{Moved, Parts, Watched, timely};
use rest::Rest;

use crate::{
    Attributes, ByteStream, ConfigError, DeleteOptions, Error, ReadOptions, RenameOptions, Result,
    RetryBudget, Storage, UploadOptions, content::Content, http, names::refuse_dots, pieces,
    ranges::cut,
};

/// Largest offset that the service knows.
const LAST: u64 = i64::MAX as u64;

/// Time within which something must move.
const PATIENCE: Duration = Duration::from_secs(30);

/// Larger content goes up by a session, piece by piece.
const SESSION: u64 = 8 << 20;

/// Objects of Google Cloud Storage (`gs://bucket/a.tif`).
///
/// Each call is one request, or as many as the content takes. Only a large upload and a move are taken up again here where
/// they broke, within a budget; for all else wrap it in [`Retrying`](crate::Retrying).
#[derive(Clone, Debug)]
pub struct GcsStorage {
    client: Client,
    rest: Arc<Rest>,
    emulated: bool,
    patience: Duration,
    budget: RetryBudget,
    session: u64,
}

impl GcsStorage {
    /// Takes a large upload, and a move, up again within this budget for each of its pieces, the default one unless it is
    /// said.
    #[must_use]
    pub fn with_budget(self, budget: RetryBudget) -> Self {
        Self { budget, ..self }
    }

    /// Sends content of more than so many bytes piece by piece: 8 MiB, and never to an emulator, unless it is said.
    #[must_use]
    pub fn with_sessions_above(self, bytes: u64) -> Self {
        Self {
            session: bytes,
            ..self
        }
    }

    /// Gives transfers up in which nothing moves for so long, 30 seconds unless it is said.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Sets the clients up; no request is sent yet.
    ///
    /// # Errors
    /// When the address or the credentials are malformed.
    pub async fn connect(connection: &GcsConnection) -> Result<Self, ConfigError> {
        http::ensure_provider();
        Self::through(connection.access().map_err(failed)?).await
    }

    /// As to the service, at another root and with other credentials: for tests.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    #[cfg(feature = "testing")]
    pub async fn connect_to(
        root: &str,
        credentials: google_cloud_auth::credentials::Credentials,
    ) -> Result<Self, ConfigError> {
        http::ensure_provider();
        let root = url::Url::parse(root).map_err(|error| failed(error.into()))?;
        Self::through(Access {
            root,
            credentials,
            emulated: false,
            elsewhere: true,
        })
        .await
    }

    async fn through(access: Access) -> Result<Self, ConfigError> {
        let rest = Rest::new(&access).map_err(|error| failed(error.into()))?;
        let mut builder = Client::builder()
            .with_credentials(access.credentials)
            .with_retry_policy(NeverRetry)
            .with_read_resume_policy(NeverResume);
        if access.elsewhere {
            builder = builder.with_endpoint(access.root.as_str().trim_end_matches('/'));
        }
        if access.emulated {
            // emulators answer resumable uploads in a way that makes the client wait for ever
            builder = builder.with_resumable_upload_threshold(usize::MAX);
        }
        let client = builder.build().await;
        Ok(Self {
            client: client.map_err(|error| failed(error.into()))?,
            rest: Arc::new(rest),
            // emulators know neither conditions nor breaks of a session
            session: if access.emulated { u64::MAX } else { SESSION },
            emulated: access.emulated,
            patience: PATIENCE,
            budget: RetryBudget::default(),
        })
    }

    /// Reads a range or all of an object; `None` where the range begins behind its end.
    async fn fetch(
        &self,
        uri: &Uri,
        range: Option<&Range<u64>>,
        version: Option<&str>,
    ) -> Result<Option<(ObjectHighlights, Bytes)>> {
        let (bucket, name) = object(uri)?;
        let mut request = self.client.read_object(resource(bucket), name);
        if let Some(range) = range {
            request = request.set_read_range(match range.end {
                end if end > LAST => ReadRange::offset(range.start),
                end => ReadRange::segment(range.start, end - range.start),
            });
        }
        if let Some(generation) = version.map(|version| generation(uri, version)) {
            request = request.set_if_generation_match(generation?);
        }
        let mut answer = match timely(uri, self.patience, Box::pin(request.send())).await? {
            Ok(answer) => answer,
            Err(error) if errors::status(&error) == Some(416) => return Ok(None),
            Err(error) => return Err(errors::sort(uri, "read", error)),
        };
        let found = answer.object();
        // emulators overlook the condition
        if version.is_some_and(|version| found.generation.to_string() != version) {
            return Err(Error::Changed { uri: uri.clone() });
        }
        let mut data = BytesMut::new();
        while let Some(piece) = timely(uri, self.patience, answer.next()).await? {
            let piece = piece.map_err(|error| errors::sort(uri, "read", error))?;
            data.extend_from_slice(&piece);
        }
        Ok(Some((found, data.freeze())))
    }

    /// No bytes of a file that must be there, in its version.
    async fn nothing(&self, uri: &Uri, version: Option<&str>) -> Result<Bytes> {
        let found = self.rest.head(uri).await?;
        if version.is_some_and(|version| found.version != version) {
            return Err(Error::Changed { uri: uri.clone() });
        }
        Ok(Bytes::new())
    }

    async fn write<S>(
        &self,
        uri: &Uri,
        content: impl Into<Payload<S>>,
        options: &UploadOptions,
    ) -> Result<()>
    where
        S: StreamingSource + Seek + Send + Sync + 'static,
        <S as StreamingSource>::Error: std::error::Error + Send + Sync + 'static,
        <S as Seek>::Error: std::error::Error + Send + Sync + 'static,
    {
        let (bucket, name) = object(uri)?;
        let moved = Moved::now();
        let payload: Payload<S> = content.into();
        let content = Watched {
            content: payload,
            moved: moved.clone(),
        };
        let mut request = self.client.write_object(resource(bucket), name, content);
        if let Some(content_type) = &options.content_type {
            request = request.set_content_type(content_type);
        }
        if let Some(storage_class) = options.storage_class {
            request = request.set_storage_class(class::name(storage_class));
        }
        if options.if_absent {
            request = request.set_if_generation_match(0);
        }
        if self.emulated {
            request = checksummed(request)
                .await
                .map_err(|error| errors::sort(uri, "write", error))?;
        }
        let sent = moved.watch(uri, self.patience, request.send_unbuffered());
        match sent.await? {
            Ok(_) => Ok(()),
            Err(error) if options.if_absent && errors::status(&error) == Some(412) => {
                Err(Error::AlreadyExists { uri: uri.clone() })
            }
            Err(error) => Err(errors::sort(uri, "write", error)),
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Storage for GcsStorage {
    async fn head(&self, uri: &Uri) -> Result<Attributes> {
        self.rest.head(uri).await
    }

    async fn read_with(&self, uri: &Uri, options: &ReadOptions) -> Result<Bytes> {
        let version = options.version.as_deref();
        let range = options.range.as_ref();
        let impossible = match range {
            Some(range) => cut(uri, range, LAST)?.is_empty(),
            None => false,
        };
        if !impossible && let Some((_, data)) = self.fetch(uri, range, version).await? {
            return Ok(data);
        }
        self.nothing(uri, version).await
    }

    async fn read_start(&self, uri: &Uri, length: u64) -> Result<(Attributes, Bytes)> {
        let wanted = usize::try_from(length).unwrap_or(usize::MAX);
        // there is no range of nothing
        let length = length.clamp(1, LAST);
        let Some((found, mut data)) = self.fetch(uri, Some(&(0..length)), None).await? else {
            return Ok((self.rest.head(uri).await?, Bytes::new()));
        };
        let version = found.generation.to_string();
        // an answer that is shorter than the range ends with the object
        let whole = ((data.len() as u64) < length).then_some(data.len() as u64);
        data.truncate(wanted);
        let told = u64::try_from(found.size).ok().filter(|size| *size > 0);
        if let Some(size) = whole.or(told) {
            let attributes = Attributes {
                size,
                version,
                content_type: Some(found.content_type).filter(|text| !text.is_empty()),
                storage_class: class::parse(&found.storage_class),
                unknown_class: Some(found.storage_class).filter(|name| class::is_unknown(name)),
                last_modified: None,
            };
            return Ok((attributes, data));
        }
        // emulators do not tell the size
        let attributes = self.rest.head(uri).await?;
        if attributes.version != version {
            return Err(Error::Changed { uri: uri.clone() });
        }
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
        if data.len() as u64 > self.session {
            let content = Content::Memory(data);
            return session::write(&self.rest, uri, &content, options, self.budget).await;
        }
        Box::pin(self.write(uri, Parts::of(data), options)).await
    }

    async fn upload_file(&self, uri: &Uri, path: &Path, options: &UploadOptions) -> Result<()> {
        let content = Content::open(uri, path).await?;
        if content.size() > self.session {
            return session::write(&self.rest, uri, &content, options, self.budget).await;
        }
        let file = tokio::fs::File::open(path)
            .await
            .map_err(|source| Error::unreadable_source(uri, source))?;
        Box::pin(self.write(uri, file, options)).await
    }

    async fn delete(&self, uri: &Uri, options: &DeleteOptions) -> Result<()> {
        match self.rest.delete(uri, None).await {
            Err(error) if error.is_not_found() && options.ignore_missing => Ok(()),
            deleted => deleted,
        }
    }

    async fn rename_with(&self, from: &Uri, to: &Uri, options: &RenameOptions) -> Result<()> {
        self.rest.rename(from, to, options, self.budget).await
    }
}

fn failed(source: Box<dyn std::error::Error + Send + Sync>) -> ConfigError {
    ConfigError {
        scheme: Scheme::Gs,
        source,
    }
}

/// Emulators do not know checksums that come behind the content.
#[expect(deprecated, reason = "the service needs it no longer")]
async fn checksummed<S>(request: WriteObject<S>) -> google_cloud_storage::Result<WriteObject<S>>
where
    S: StreamingSource + Seek + Send + Sync + 'static,
    <S as StreamingSource>::Error: std::error::Error + Send + Sync + 'static,
    <S as Seek>::Error: std::error::Error + Send + Sync + 'static,
{
    request.precompute_checksums().await
}

/// Bucket and name of an object, of this store.
fn object(uri: &Uri) -> Result<(&str, &str)> {
    if uri.scheme() != Scheme::Gs {
        return Err(Error::Unsupported {
            uri: uri.clone(),
            scheme: uri.scheme(),
        });
    }
    refuse_dots(uri)?;
    match (uri.bucket(), uri.path()) {
        (_, "") => Err(Error::invalid(
            uri,
            "names a bucket, expected gs://bucket/object",
        )),
        parts => Ok(parts),
    }
}

fn resource(bucket: &str) -> String {
    format!("projects/_/buckets/{bucket}")
}

/// A version that no generation can have is one of another file.
fn generation(uri: &Uri, version: &str) -> Result<i64> {
    version
        .parse()
        .map_err(|_| Error::Changed { uri: uri.clone() })
}
