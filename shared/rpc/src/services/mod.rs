//! The gRPC services: each method parses, calls one use case and converts.

mod admin;
mod aoi;
mod consolidation_params;
mod container;
mod cube;
mod dataset;
mod described;
mod downloader;
mod geocube;
mod grid;
mod instance;
mod job;
mod layout;
mod palette;
mod record;
mod reply;
mod stream;
mod tile;
mod tiling;
mod variable;

pub use admin::AdminService;
pub use described::described;
pub use downloader::DownloaderService;
pub use geocube::GeocubeService;

use crate::pb::admin_server::AdminServer;
use crate::pb::geocube_downloader_server::GeocubeDownloaderServer;
use crate::pb::geocube_server::GeocubeServer;
use app::{App, Downloader};
use tonic::service::Routes;

/// Routes of the services of the API server, which receive messages of at most
/// `max_message_bytes`. [`crate::OversizeLayer`] gives the refusal of larger ones its text.
pub fn grpc_routes(app: &App, max_message_bytes: usize) -> Routes {
    let geocube = GeocubeServer::new(GeocubeService::new(app.clone()));
    let admin = AdminServer::new(AdminService::new(app.clone()));
    Routes::new(geocube.max_decoding_message_size(max_message_bytes))
        .add_service(admin.max_decoding_message_size(max_message_bytes))
}

/// Routes of the service of the downloader, as [`grpc_routes`].
pub fn downloader_routes(downloader: &Downloader, max_message_bytes: usize) -> Routes {
    let service = DownloaderService::new(downloader.clone());
    let server = GeocubeDownloaderServer::new(service);
    Routes::new(server.max_decoding_message_size(max_message_bytes))
}
