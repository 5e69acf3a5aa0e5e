//! A backend for another store, as docs/operations.md shows it: the trait, and one line that registers it.

use crate::scene::{Look, Scene, pattern, plain, render, source, target};
use async_trait::async_trait;
use bytes::Bytes;
use domain::{DType, Resampling, Scheme, Uri};
use futures::{StreamExt, stream};
use imaging::set_remote_store;
use std::{collections::HashMap, ops::Range, path::Path, sync::Arc, time::Duration};
use storage::{
    Attributes, ByteStream, CacheOptions, Cached, DeleteOptions, Error, ReadOptions, RenameOptions,
    Result, Router, Storage, UploadOptions,
};

/// Files that are there from the beginning, never to be changed.
#[derive(Debug)]
struct Shelf(HashMap<Uri, Bytes>);

impl Shelf {
    fn file(&self, uri: &Uri) -> Result<&Bytes> {
        let missing = || Error::NotFound { uri: uri.clone() };
        self.0.get(uri).ok_or_else(missing)
    }
}

fn fixed(uri: &Uri) -> Result<()> {
    Err(Error::PermissionDenied {
        uri: uri.clone(),
        reason: "files of a shelf are only read".to_owned(),
    })
}

#[async_trait]
impl Storage for Shelf {
    async fn head(&self, uri: &Uri) -> Result<Attributes> {
        Ok(Attributes {
            size: self.file(uri)?.len() as u64,
            version: "1".to_owned(),
            content_type: None,
            storage_class: None,
            unknown_class: None,
            last_modified: None,
        })
    }

    async fn read_with(&self, uri: &Uri, options: &ReadOptions) -> Result<Bytes> {
        let file = self.file(uri)?;
        let all = 0..u64::MAX;
        let Range { start, end } = options.range.as_ref().unwrap_or(&all);
        // a range is cut at the end of the file
        let cut = |at: &u64| usize::try_from(*at).map_or(file.len(), |at| at.min(file.len()));
        Ok(file.slice(cut(start)..cut(end)))
    }

    async fn read_ranges(
        &self,
        uri: &Uri,
        ranges: &[Range<u64>],
        version: Option<&str>,
    ) -> Result<Vec<Bytes>> {
        let mut found = Vec::new();
        for range in ranges {
            let options = ReadOptions {
                range: Some(range.clone()),
                version: version.map(str::to_owned),
            };
            found.push(self.read_with(uri, &options).await?);
        }
        Ok(found)
    }

    async fn read_stream(&self, uri: &Uri) -> Result<ByteStream> {
        let file = self.file(uri)?.clone();
        Ok(stream::iter([Ok(file)]).boxed())
    }

    async fn upload(&self, uri: &Uri, _: Bytes, _: &UploadOptions) -> Result<()> {
        fixed(uri)
    }

    async fn upload_file(&self, uri: &Uri, _: &Path, _: &UploadOptions) -> Result<()> {
        fixed(uri)
    }

    async fn delete(&self, uri: &Uri, _: &DeleteOptions) -> Result<()> {
        fixed(uri)
    }

    async fn rename_with(&self, from: &Uri, _: &Uri, _: &RenameOptions) -> Result<()> {
        fixed(from)
    }
}

#[test]
fn a_cog_is_read_through_a_backend_of_ones_own() {
    let scene = Scene::new();
    let look = Look {
        dtype: DType::UInt16,
        size: (200, 150),
        ..Look::default()
    };
    let file = scene.raster("a.tif", look, pattern);
    let (uri, text) = ("s3://shelf/a.tif", std::fs::read(&file).unwrap());
    let shelf = Shelf(HashMap::from([(Uri::parse(uri).unwrap(), text.into())]));

    let router = Router::new().with(Scheme::S3, Arc::new(shelf));

    let options = CacheOptions {
        block: 1 << 14,
        capacity: 1 << 24,
        fresh: Duration::from_mins(1),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_time()
        .build()
        .unwrap();
    let cached = Cached::new(Arc::new(router), options);
    set_remote_store(cached, runtime.handle().clone());

    let mapping = plain(DType::UInt16, 0.0);
    let target = target(32632, look.transform, 200, 150);
    let mut remote = source(&file, &[1], mapping);
    let pixels = |source| render(&[source], &target, &mapping, Resampling::Near);
    let local = pixels(remote.clone());
    remote.uri = Uri::parse(uri).unwrap();
    let remote = pixels(remote);
    assert_eq!(remote.as_band_sequential(), local.as_band_sequential());
    assert!(remote.any_valid());
}
