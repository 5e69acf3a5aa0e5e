//! Object stores, as the flags ask for them.

use domain::{Scheme, Uri};
use runtime::config::GdalFlags;
use std::sync::Arc;
use std::time::Duration;
use storage::{
    CacheOptions, Cached, GcsConnection, GcsStorage, RetryBudget, Retrying, Router, S3Options,
    S3Storage, Storage,
};

/// How long size and version of a remote file are believed: files are written once, so that this is seldom wrong,
/// and a read that meets another version asks again.
const FRESH: Duration = Duration::from_secs(60);

/// Adds a backend for each object store that a flag names, or a place of this program lies on.
pub(crate) async fn with_object_stores(
    mut router: Router,
    flags: &GdalFlags,
    places: &[&Uri],
) -> anyhow::Result<Arc<dyn Storage>> {
    let used = |scheme| places.iter().any(|place| place.scheme() == scheme);
    if flags.with_gcs || used(Scheme::Gs) {
        let store = GcsStorage::connect(&GcsConnection::from_environment()).await?;
        router = router.with(Scheme::Gs, retrying(Arc::new(store)));
    }
    if flags.with_s3 || used(Scheme::S3) {
        let store = S3Storage::connect(&S3Options {
            region: flags.aws_region.clone(),
            endpoint: flags.aws_endpoint.clone(),
            credentials_file: flags.aws_shared_credentials_file.clone(),
        })?;
        router = router.with(Scheme::S3, retrying(Arc::new(store)));
    }
    Ok(Arc::new(router))
}

/// Lets images of object stores be read through blocks in memory.
pub(crate) fn read_images(storage: &Arc<dyn Storage>, flags: &GdalFlags) {
    let options = CacheOptions {
        block: flags.gdal_block_size,
        capacity: flags.cache_bytes(),
        fresh: FRESH,
    };
    let cached = Cached::new(Arc::clone(storage), options);
    imaging::read_remote_files(cached, tokio::runtime::Handle::current());
}

fn retrying(store: Arc<dyn Storage>) -> Arc<dyn Storage> {
    Arc::new(Retrying::new(store, RetryBudget::default()))
}
