use std::{
    collections::BTreeMap,
    ops::Range,
    path::Path,
    sync::{
        RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

use async_trait::async_trait;
use bytes::Bytes;
use domain::{StorageClass, Uri};
use futures::{StreamExt, stream};

use crate::{
    Attributes, ByteStream, DeleteOptions, Error, ReadOptions, RenameOptions, Result, Storage,
    UploadOptions, ranges::cut,
};

/// Keeps files in the memory of the process: for tests and demonstrations.
///
/// Files are told apart by the text of their URI, whatever its scheme.
#[derive(Debug, Default)]
pub struct MemoryStorage {
    objects: RwLock<BTreeMap<Uri, Object>>,
    generation: AtomicU64,
}

#[derive(Clone, Debug)]
struct Object {
    data: Bytes,
    generation: u64,
    content_type: Option<String>,
    storage_class: Option<StorageClass>,
    last_modified: SystemTime,
}

impl Object {
    fn version(&self) -> String {
        self.generation.to_string()
    }

    fn attributes(&self) -> Attributes {
        Attributes {
            size: self.data.len() as u64,
            version: self.version(),
            content_type: self.content_type.clone(),
            storage_class: self.storage_class,
            unknown_class: None,
            last_modified: Some(self.last_modified),
        }
    }

    fn slice(&self, uri: &Uri, range: &Range<u64>) -> Result<Bytes> {
        let range = cut(uri, range, self.data.len() as u64)?;
        // both ends lie within data, so they fit usize
        Ok(self.data.slice(range.start as usize..range.end as usize))
    }
}

impl MemoryStorage {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn object(&self, uri: &Uri, version: Option<&str>) -> Result<Object> {
        let objects = self
            .objects
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let object = objects.get(uri).ok_or_else(|| not_found(uri))?;
        match version {
            Some(version) if version != object.version() => {
                Err(Error::Changed { uri: uri.clone() })
            }
            _ => Ok(object.clone()),
        }
    }

    fn change<T>(&self, change: impl FnOnce(&mut BTreeMap<Uri, Object>) -> T) -> T {
        change(
            &mut self
                .objects
                .write()
                .unwrap_or_else(std::sync::PoisonError::into_inner),
        )
    }
}

#[async_trait]
impl Storage for MemoryStorage {
    async fn head(&self, uri: &Uri) -> Result<Attributes> {
        Ok(self.object(uri, None)?.attributes())
    }

    async fn read_start(&self, uri: &Uri, length: u64) -> Result<(Attributes, Bytes)> {
        let object = self.object(uri, None)?;
        let start = object.slice(uri, &(0..length))?;
        Ok((object.attributes(), start))
    }

    async fn read_with(&self, uri: &Uri, options: &ReadOptions) -> Result<Bytes> {
        let object = self.object(uri, options.version.as_deref())?;
        match &options.range {
            Some(range) => object.slice(uri, range),
            None => Ok(object.data),
        }
    }

    async fn read_ranges(
        &self,
        uri: &Uri,
        ranges: &[Range<u64>],
        version: Option<&str>,
    ) -> Result<Vec<Bytes>> {
        let object = self.object(uri, version)?;
        ranges
            .iter()
            .map(|range| object.slice(uri, range))
            .collect()
    }

    async fn read_stream(&self, uri: &Uri) -> Result<ByteStream> {
        let data = self.object(uri, None)?.data;
        Ok(stream::once(async { Ok(data) }).boxed())
    }

    async fn upload(&self, uri: &Uri, data: Bytes, options: &UploadOptions) -> Result<()> {
        let object = Object {
            data,
            generation: self.generation.fetch_add(1, Ordering::Relaxed),
            content_type: options.content_type.clone(),
            storage_class: options.storage_class,
            last_modified: SystemTime::now(),
        };
        self.change(|objects| {
            if options.if_absent && objects.contains_key(uri) {
                return Err(Error::AlreadyExists { uri: uri.clone() });
            }
            objects.insert(uri.clone(), object);
            Ok(())
        })
    }

    async fn upload_file(&self, uri: &Uri, path: &Path, options: &UploadOptions) -> Result<()> {
        let data = tokio::fs::read(path)
            .await
            .map_err(|source| Error::unreadable_source(uri, source))?;
        self.upload(uri, data.into(), options).await
    }

    async fn delete(&self, uri: &Uri, options: &DeleteOptions) -> Result<()> {
        match self.change(|objects| objects.remove(uri)) {
            None if !options.ignore_missing => Err(not_found(uri)),
            Some(_) | None => Ok(()),
        }
    }

    async fn rename_with(&self, from: &Uri, to: &Uri, options: &RenameOptions) -> Result<()> {
        let generation = self.generation.fetch_add(1, Ordering::Relaxed);
        self.change(|objects| {
            let object = objects.remove(from).ok_or_else(|| not_found(from))?;
            objects.insert(
                to.clone(),
                Object {
                    generation,
                    storage_class: options.storage_class.or(object.storage_class),
                    ..object
                },
            );
            Ok(())
        })
    }
}

fn not_found(uri: &Uri) -> Error {
    Error::NotFound { uri: uri.clone() }
}
