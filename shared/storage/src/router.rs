use std::{collections::HashMap, ops::Range, path::Path, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use domain::{Scheme, Uri};

use crate::{
    Attributes, ByteStream, DeleteOptions, Error, ReadOptions, RenameOptions, Result, Storage,
    UploadOptions,
};

/// Sends each operation to the backend registered for the scheme of its URI.
#[derive(Clone, Debug, Default)]
pub struct Router {
    backends: HashMap<Scheme, Arc<dyn Storage>>,
}

impl Router {
    /// A router without any backend: every operation is [`Error::Unsupported`].
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds or replaces the backend of a scheme.
    #[must_use]
    pub fn with(mut self, scheme: Scheme, backend: Arc<dyn Storage>) -> Self {
        self.backends.insert(scheme, backend);
        self
    }

    /// The backend of a URI.
    pub fn backend(&self, uri: &Uri) -> Result<&Arc<dyn Storage>> {
        let scheme = uri.scheme();
        self.backends
            .get(&scheme)
            .ok_or_else(|| Error::Unsupported {
                uri: uri.clone(),
                scheme,
            })
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Storage for Router {
    async fn head(&self, uri: &Uri) -> Result<Attributes> {
        self.backend(uri)?.head(uri).await
    }

    async fn read_with(&self, uri: &Uri, options: &ReadOptions) -> Result<Bytes> {
        self.backend(uri)?.read_with(uri, options).await
    }

    async fn read_start(&self, uri: &Uri, length: u64) -> Result<(Attributes, Bytes)> {
        self.backend(uri)?.read_start(uri, length).await
    }

    async fn read_ranges(
        &self,
        uri: &Uri,
        ranges: &[Range<u64>],
        version: Option<&str>,
    ) -> Result<Vec<Bytes>> {
        self.backend(uri)?.read_ranges(uri, ranges, version).await
    }

    async fn read_stream(&self, uri: &Uri) -> Result<ByteStream> {
        self.backend(uri)?.read_stream(uri).await
    }

    async fn upload(&self, uri: &Uri, data: Bytes, options: &UploadOptions) -> Result<()> {
        self.backend(uri)?.upload(uri, data, options).await
    }

    async fn upload_file(&self, uri: &Uri, path: &Path, options: &UploadOptions) -> Result<()> {
        self.backend(uri)?.upload_file(uri, path, options).await
    }

    async fn delete(&self, uri: &Uri, options: &DeleteOptions) -> Result<()> {
        self.backend(uri)?.delete(uri, options).await
    }

    async fn rename_with(&self, from: &Uri, to: &Uri, options: &RenameOptions) -> Result<()> {
        let backend = self.backend(from)?;
        if !Arc::ptr_eq(backend, self.backend(to)?) {
            return Err(Error::invalid(
                from,
                format!("cannot be moved to {to}, expected the same kind of store"),
            ));
        }
        backend.rename_with(from, to, options).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MemoryStorage, StorageExt};

    #[tokio::test]
    async fn a_scheme_without_backend_is_named() {
        let router = Router::new().with(Scheme::File, Arc::new(MemoryStorage::new()));
        let uri = Uri::parse("gs://bucket/a.tif").unwrap();
        let error = router.exists(&uri).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "no storage backend is configured for the scheme gs (gs://bucket/a.tif, flag with-gcs)"
        );
        assert!(!error.is_retryable());
    }

    #[tokio::test]
    async fn a_file_is_not_moved_to_another_store() {
        let router = Router::new()
            .with(Scheme::Gs, Arc::new(MemoryStorage::new()))
            .with(Scheme::S3, Arc::new(MemoryStorage::new()));
        let [from, to] = ["gs://b/a", "s3://b/a"].map(|text| Uri::parse(text).unwrap());
        router
            .upload(&from, Bytes::from_static(b"x"), &UploadOptions::default())
            .await
            .unwrap();
        let error = router.rename(&from, &to).await.unwrap_err();
        assert!(matches!(error, Error::Invalid { .. }), "{error}");
        assert!(router.exists(&from).await.unwrap());
    }
}
