//! The service `geocube.GeocubeDownloader`.

use super::cube;
use super::reply::{Reply, reply, version};
use super::stream::Items;
use crate::pb::{self, geocube_downloader_server::GeocubeDownloader};
use app::Downloader;
use tonic::Request;

/// Handlers of `geocube.GeocubeDownloader`.
#[derive(Clone, Debug)]
pub struct DownloaderService {
    downloader: Downloader,
}

impl DownloaderService {
    /// Serves the cubes of `downloader`.
    pub fn new(downloader: Downloader) -> Self {
        Self { downloader }
    }
}

#[tonic::async_trait]
impl GeocubeDownloader for DownloaderService {
    type DownloadCubeStream = Items<pb::GetCubeMetadataResponse>;

    async fn download_cube(
        &self,
        request: Request<pb::GetCubeMetadataRequest>,
    ) -> Reply<Self::DownloadCubeStream> {
        cube::download_cube(&self.downloader, request.into_inner()).await
    }

    async fn version(
        &self,
        _request: Request<pb::GetVersionRequest>,
    ) -> Reply<pb::GetVersionResponse> {
        reply(version())
    }
}
