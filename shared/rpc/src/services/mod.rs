//! The gRPC services: each method parses, calls one use case and converts.

mod admin;
mod cube;
mod geocube;
mod stream;

pub use admin::AdminService;
pub use geocube::GeocubeService;

use crate::oversize::MAX_MESSAGE_BYTES;
use crate::pb::admin_server::AdminServer;
use crate::pb::geocube_server::GeocubeServer;
use app::App;
use tonic::service::Routes;

/// Routes of all gRPC services of the API server, reflection and health included.
pub fn grpc_routes(app: &App, health: tonic_health::server::HealthService) -> Routes {
    let geocube = GeocubeServer::new(GeocubeService::new(app.clone()))
        .max_decoding_message_size(MAX_MESSAGE_BYTES);
    let admin = AdminServer::new(AdminService::new(app.clone()))
        .max_decoding_message_size(MAX_MESSAGE_BYTES);
    let _ = health;
    Routes::new(geocube).add_service(admin)
}
