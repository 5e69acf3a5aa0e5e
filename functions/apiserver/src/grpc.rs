//! The gRPC services of the port.

use app::App;
use rpc::pb;
use rpc::pb::admin_server::AdminServer;
use rpc::pb::geocube_server::GeocubeServer;
use rpc::{AdminService, GeocubeService};
use tonic::service::Routes;
use tonic_reflection::server::Builder as Reflection;

/// Both services of ours, their health, and reflection in the two versions that clients speak.
pub(crate) async fn routes(app: &App, max_message_bytes: usize) -> Routes {
    let (reporter, health) = tonic_health::server::health_reporter();
    reporter
        .set_serving::<GeocubeServer<GeocubeService>>()
        .await;
    reporter.set_serving::<AdminServer<AdminService>>().await;
    let described = "the descriptors are part of the program";
    let v1 = reflection().build_v1().expect(described);
    let v1alpha = reflection().build_v1alpha().expect(described);
    rpc::grpc_routes(app, max_message_bytes)
        .add_service(health)
        .add_service(v1)
        .add_service(v1alpha)
}

/// Names what is served here: the descriptors hold the whole contract.
fn reflection() -> Reflection<'static> {
    Reflection::configure()
        .register_encoded_file_descriptor_set(pb::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .with_service_name(pb::geocube_server::SERVICE_NAME)
        .with_service_name(pb::admin_server::SERVICE_NAME)
        .with_service_name("grpc.health.v1.Health")
}
