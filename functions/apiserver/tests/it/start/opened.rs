//! The port and the database that it opens.

use super::{refusal, start};
use database::testing::TestDatabase;
use rcgen::CertifiedKey;
use rpc::pb::GetVersionRequest;
use rpc::pb::geocube_client::GeocubeClient;
use tonic::transport::{Certificate, Channel, ClientTlsConfig};

#[tokio::test]
async fn the_port_serves_tls_by_the_files_of_the_flags() {
    // the client wants one
    let _ = rustls::crypto::ring::default_provider().install_default();
    let Some(database) = TestDatabase::create().await else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (chain, key) = (folder.path().join("crt"), folder.path().join("key"));
    std::fs::write(&chain, cert.pem()).unwrap();
    std::fs::write(&key, signing_key.serialize_pem()).unwrap();
    let flags = [
        format!("--dbConnection={}", database.url()),
        "--tls".to_owned(),
        format!("--tlsCert={}", chain.display()),
        format!("--tlsKey={}", key.display()),
    ];
    let running = start("127.0.0.1:9", &flags.each_ref().map(String::as_str)).await;
    let tls = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(cert.pem()))
        .domain_name("localhost");
    let address = running.address.replace("http:", "https:");
    let endpoint = Channel::from_shared(address).unwrap().tls_config(tls);
    let mut client = GeocubeClient::new(endpoint.unwrap().connect().await.unwrap());
    let version = client.version(GetVersionRequest {}).await.unwrap();
    assert_eq!(version.into_inner().version, env!("CARGO_PKG_VERSION"));
}

#[tokio::test]
async fn a_schema_of_another_release_ends_the_start_with_its_version() {
    for (change, texts) in [
        (
            "INSERT INTO geocube._sqlx_migrations VALUES (9999, 'later', now(), true, '', 0)",
            ["newer than this program", "9999"],
        ),
        (
            "DELETE FROM geocube._sqlx_migrations WHERE version = (SELECT max(version) FROM geocube._sqlx_migrations)",
            ["at version", "run `geocube migrate` first"],
        ),
    ] {
        let Some(database) = TestDatabase::create().await else {
            return;
        };
        database.run(&[change]).await;
        let connection = format!("--dbConnection={}", database.url());
        let said = refusal("127.0.0.1:9", &[&connection]).await;
        assert!(texts.iter().all(|text| said.contains(text)), "{said}");
    }
}
