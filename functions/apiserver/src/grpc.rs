//! The gRPC services of the port.

use app::App;
use rpc::pb::{admin_server, geocube_server};
use tonic::service::Routes;

/// Both services of ours, their health, and reflection.
pub(crate) async fn routes(app: &App, max_message_bytes: usize) -> Routes {
    let services = [geocube_server::SERVICE_NAME, admin_server::SERVICE_NAME];
    rpc::described(rpc::grpc_routes(app, max_message_bytes), &services).await
}
