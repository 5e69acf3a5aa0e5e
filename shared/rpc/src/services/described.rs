//! What clients ask of any gRPC server: whether it is well, and what it serves.

use crate::pb;
use tonic::service::Routes;
use tonic_health::ServingStatus;
use tonic_reflection::server::Builder as Reflection;

/// Adds the health of some services, and reflection in the two versions that clients speak. The descriptors hold the
/// whole contract, so the names say what is served here.
pub async fn described(routes: Routes, services: &[&str]) -> Routes {
    let (reporter, health) = tonic_health::server::health_reporter();
    for service in services {
        reporter
            .set_service_status(*service, ServingStatus::Serving)
            .await;
    }
    let named = || {
        let all = services.iter().chain(&["grpc.health.v1.Health"]);
        all.fold(reflection(), |named, service| {
            named.with_service_name(*service)
        })
    };
    let described = "the descriptors are part of the program";
    let v1 = named().build_v1().expect(described);
    let v1alpha = named().build_v1alpha().expect(described);
    routes
        .add_service(health)
        .add_service(v1)
        .add_service(v1alpha)
}

fn reflection() -> Reflection<'static> {
    Reflection::configure()
        .register_encoded_file_descriptor_set(pb::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
}
