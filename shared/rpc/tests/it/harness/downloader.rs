//! A downloader in process, which shares nothing with the service but the files.

use app::{DownloadOptions, Downloader, Engine, Limits, PathPolicy};
use rpc::OversizeLayer;
use std::path::Path;
use std::sync::Arc;
use storage::Storage;
use tonic::transport::Channel;

/// Connects to a downloader on a port of its own, with parts as long as those of the server of cubes.
pub async fn downloader(folder: &Path, storage: Arc<dyn Storage>) -> Channel {
    let options = DownloadOptions {
        limits: Limits::default(),
        paths: PathPolicy {
            allowed: vec![folder.to_owned()],
            ..PathPolicy::default()
        },
        workers: 3,
        part_bytes: 512 * 1024,
        workdir: folder.join("copies"),
        copied_bytes: 1 << 30,
    };
    let downloader = Downloader::open(Engine::new(2, 256 << 20), storage, options).unwrap();
    let router = rpc::downloader_routes(&downloader, super::MAX_MESSAGE_BYTES)
        .into_axum_router()
        .layer(OversizeLayer);
    let address = super::serve(router).await;
    super::connect(Channel::from_shared(address).unwrap()).await
}
