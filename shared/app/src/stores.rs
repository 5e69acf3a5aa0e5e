//! Where files are, as the flags ask for: this machine and object stores.

use crate::traffic;
use domain::{Scheme, Uri};
use runtime::config::{GdalFlags, StoreFlags};
use std::sync::Arc;
use std::time::Duration;
use storage::{
    AllowedRoots, CacheOptions, Cached, ConfigError, Counting, GcsConnection, GcsStorage,
    LocalFiles, LocalRoots, LocalStorage, ReadCounts, RetryBudget, Retrying, Router, S3Options,
    S3Storage, Storage,
};

/// How long size and version of a remote file are believed: files are written once, so that this is seldom wrong.
/// An image that was opened keeps to the version it was opened in, and fails when that is gone.
const FRESH: Duration = Duration::from_mins(1);

/// As [`open_stores`]; from then on the whole process reads images of object stores through blocks in memory, and of
/// this machine those below `images`.
///
/// # Errors
/// As [`open_stores`].
pub async fn open_storage(
    roots: impl Into<LocalRoots>,
    images: AllowedRoots,
    flags: &GdalFlags,
    places: &[&Uri],
) -> Result<Arc<dyn Storage>, ConfigError> {
    let counts = flags.gdal_storage_debug.then(ReadCounts::default);
    if let Some(counts) = &counts {
        traffic::log(counts);
    }
    let router = open(roots, &flags.stores, places, counts.as_ref()).await?;
    let storage: Arc<dyn Storage> = Arc::new(router);
    read_images(&storage, flags, counts.is_some());
    imaging::set_local_files(LocalFiles::new(images, counts));
    Ok(storage)
}

/// Files of this machine below `roots`, and a backend for each object store that a flag names, or one of `places` lies
/// on.
///
/// # Errors
/// When the credentials of a store cannot be had, or its flags make no connection.
pub async fn open_stores(
    roots: impl Into<LocalRoots>,
    flags: &StoreFlags,
    places: &[&Uri],
) -> Result<Router, ConfigError> {
    open(roots, flags, places, None).await
}

async fn open(
    roots: impl Into<LocalRoots>,
    flags: &StoreFlags,
    places: &[&Uri],
    counts: Option<&ReadCounts>,
) -> Result<Router, ConfigError> {
    let local = counted(LocalStorage::new(roots), counts);
    let mut router = Router::new().with(Scheme::File, local);
    let used = |scheme| places.iter().any(|place| place.scheme() == scheme);
    if flags.with_gcs || used(Scheme::Gs) {
        let store = GcsStorage::connect(&GcsConnection::from_environment()).await?;
        router = router.with(Scheme::Gs, retrying(counted(store, counts)));
    }
    if flags.with_s3 || used(Scheme::S3) {
        let store = S3Storage::connect(&S3Options {
            region: flags.aws_region.clone(),
            endpoint: flags.aws_endpoint.clone(),
            credentials_file: flags.aws_shared_credentials_file.clone(),
        })?;
        router = router.with(Scheme::S3, retrying(counted(store, counts)));
    }
    Ok(router)
}

fn read_images(storage: &Arc<dyn Storage>, flags: &GdalFlags, counted: bool) {
    let options = CacheOptions {
        block: flags.gdal_block_size,
        capacity: flags.cache_bytes(),
        fresh: FRESH,
    };
    let cached = Cached::new(Arc::clone(storage), options);
    if counted {
        traffic::log_blocks(&cached);
    }
    imaging::set_remote_store(cached, tokio::runtime::Handle::current());
}

fn counted<S: Storage>(store: S, counts: Option<&ReadCounts>) -> Arc<dyn Storage> {
    match counts {
        Some(counts) => Arc::new(Counting::sharing(store, counts)),
        None => Arc::new(store),
    }
}

fn retrying(store: Arc<dyn Storage>) -> Arc<dyn Storage> {
    Arc::new(Retrying::new(store, RetryBudget::default()))
}
