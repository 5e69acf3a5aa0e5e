//! TLS on the port: gRPC and HTTP behind one certificate.

use crate::harness::Server;
use rcgen::CertifiedKey;
use rpc::http::{ServeOptions, Tls, serve_with};
use rpc::pb::GetVersionRequest;
use rpc::pb::geocube_client::GeocubeClient;
use runtime::shutdown::CancellationToken;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tonic::transport::{Certificate, Channel, ClientTlsConfig};

/// Long for what is done at once, far below the time that a handshake may take.
const SOON: Duration = Duration::from_secs(5);

struct Port {
    address: SocketAddr,
    certificate: String,
    stop: CancellationToken,
    serving: JoinHandle<std::io::Result<()>>,
    _server: Server,
}

async fn open() -> Option<Port> {
    // clients want one; another test may have been faster
    let _ = rustls::crypto::ring::default_provider().install_default();
    let server = Server::open().await?;
    let folder = tempfile::tempdir().unwrap();
    let (cert_file, key_file) = (folder.path().join("crt"), folder.path().join("key"));
    let CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(&cert_file, cert.pem()).unwrap();
    std::fs::write(&key_file, signing_key.serialize_pem()).unwrap();
    let options = ServeOptions {
        tls: Some(Tls::load(&cert_file, &key_file).unwrap()),
        ..ServeOptions::default()
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let router = server.router.clone();
    let serving = tokio::spawn(serve_with(listener, router, options, stop.clone()));
    Some(Port {
        address,
        certificate: cert.pem(),
        stop,
        serving,
        _server: server,
    })
}

impl Port {
    async fn grpc(&self) -> GeocubeClient<Channel> {
        let tls = ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(&self.certificate))
            .domain_name("localhost");
        let endpoint = Channel::from_shared(format!("https://{}", self.address)).unwrap();
        let channel = endpoint.tls_config(tls).unwrap().connect().await.unwrap();
        GeocubeClient::new(channel)
    }

    fn http(&self) -> reqwest::ClientBuilder {
        let root = reqwest::Certificate::from_pem(self.certificate.as_bytes()).unwrap();
        reqwest::Client::builder()
            .tls_certs_only([root])
            .resolve("localhost", self.address)
    }

    fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.address.port())
    }
}

#[tokio::test]
async fn grpc_and_both_versions_of_http_share_the_port() {
    let Some(port) = open().await else { return };
    let version = port.grpc().await.version(GetVersionRequest {}).await;
    assert_eq!(
        version.unwrap().into_inner().version,
        env!("CARGO_PKG_VERSION")
    );
    for (client, version) in [
        (port.http(), reqwest::Version::HTTP_2),
        (port.http().http1_only(), reqwest::Version::HTTP_11),
    ] {
        let client = client.build().unwrap();
        let alive = client.get(port.url("/")).send().await.unwrap();
        assert_eq!((alive.status().as_u16(), alive.version()), (200, version));
        assert_eq!(alive.text().await.unwrap(), "ok");
        let tile = client.get(port.url("/v1/catalog/foo")).send().await;
        assert_eq!(tile.unwrap().status(), 404);
    }
}

#[tokio::test]
async fn clear_text_and_strangers_are_refused() {
    let Some(port) = open().await else { return };
    let mut connection = TcpStream::connect(port.address).await.unwrap();
    let request = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";
    connection.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    // a connection that is reset has said nothing either
    let _ = timeout(SOON, connection.read_to_end(&mut answer))
        .await
        .unwrap();
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    let stranger = reqwest::Client::builder()
        .resolve("localhost", port.address)
        .build()
        .unwrap();
    assert!(stranger.get(port.url("/")).send().await.is_err());
}

#[tokio::test]
async fn handshakes_that_are_slow_or_senseless_hold_up_nobody() {
    let Some(port) = open().await else { return };
    let mut held = Vec::new();
    for number in 0..100_u8 {
        let mut connection = TcpStream::connect(port.address).await.unwrap();
        match number % 3 {
            0 => {}
            // the beginning of a record that never ends
            1 => connection.write_all(&[0x16, 3, 1, 2, 0, 1]).await.unwrap(),
            _ => connection.write_all(&[number; 300]).await.unwrap(),
        }
        held.push(connection);
    }
    let answers = async {
        let client = port.http().build().unwrap();
        let alive = client.get(port.url("/")).send().await.unwrap();
        assert_eq!(alive.status(), 200);
        let version = port.grpc().await.version(GetVersionRequest {}).await;
        version.unwrap();
    };
    timeout(SOON, answers).await.unwrap();
}

#[tokio::test]
async fn connections_without_requests_do_not_hold_up_the_stop() {
    let Some(port) = open().await else { return };
    let _silent = TcpStream::connect(port.address).await.unwrap();
    let mut idle = port.grpc().await;
    idle.version(GetVersionRequest {}).await.unwrap();
    let client = port.http().http1_only().build().unwrap();
    client.get(port.url("/")).send().await.unwrap();
    port.stop.cancel();
    timeout(SOON, port.serving).await.unwrap().unwrap().unwrap();
}
