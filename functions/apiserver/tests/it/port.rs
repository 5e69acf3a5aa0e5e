//! One loopback port for HTTP/1.1 and gRPC.

use crate::harness::Server;
use rpc::http::serve;
use rpc::pb::geocube_client::GeocubeClient;
use rpc::pb::{CreateRecordsRequest, GetVersionRequest, NewRecord};
use runtime::shutdown::CancellationToken;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tonic::Code;
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

struct Port {
    address: SocketAddr,
    stop: CancellationToken,
    serving: JoinHandle<std::io::Result<()>>,
    _server: Server,
}

async fn open() -> Option<Port> {
    let server = Server::open().await?;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let serving = tokio::spawn(serve(listener, server.router.clone(), stop.clone()));
    Some(Port {
        address,
        stop,
        serving,
        _server: server,
    })
}

impl Port {
    async fn channel(&self) -> Channel {
        Channel::from_shared(format!("http://{}", self.address))
            .unwrap()
            .connect()
            .await
            .unwrap()
    }

    /// Sends a request as plain text; the answer, on a connection that stays open.
    async fn http1(&self, path: &str) -> (String, TcpStream) {
        let mut connection = TcpStream::connect(self.address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut answer = vec![0; 1000];
        let length = connection.read(&mut answer).await.unwrap();
        answer.truncate(length);
        (String::from_utf8(answer).unwrap(), connection)
    }
}

#[tokio::test]
async fn http_1_and_grpc_share_the_port() {
    let Some(port) = open().await else { return };
    let (answer, _connection) = port.http1("/").await;
    assert!(
        answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\nok"),
        "{answer}"
    );
    let (answer, _connection) = port.http1("/v1/catalog/foo").await;
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");

    let channel = port.channel().await;
    let version = GeocubeClient::new(channel.clone())
        .version(GetVersionRequest {})
        .await
        .unwrap();
    assert_eq!(version.into_inner().version, env!("CARGO_PKG_VERSION"));
    let health = HealthCheckRequest {
        service: "geocube.Geocube".to_owned(),
    };
    assert_eq!(
        HealthClient::new(channel)
            .check(health)
            .await
            .unwrap()
            .into_inner()
            .status,
        1
    );
}

#[tokio::test]
async fn an_oversized_message_is_refused_with_its_sizes() {
    let Some(port) = open().await else { return };
    let record = NewRecord {
        name: "x".repeat(5_000_000),
        ..NewRecord::default()
    };
    let request = CreateRecordsRequest {
        records: vec![record],
    };
    let refused = GeocubeClient::new(port.channel().await)
        .create_records(request)
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    // the name, its tag and length, and those of the record
    assert_eq!(
        refused.message(),
        "grpc: received message larger than max (5000010 vs. 4194304)"
    );
}

#[tokio::test]
async fn idle_connections_do_not_hold_up_the_stop() {
    let Some(port) = open().await else { return };
    let (_, _idle_http1) = port.http1("/").await;
    let _silent = TcpStream::connect(port.address).await.unwrap();
    let mut idle_grpc = GeocubeClient::new(port.channel().await);
    idle_grpc.version(GetVersionRequest {}).await.unwrap();
    port.stop.cancel();
    let stopped = tokio::time::timeout(Duration::from_secs(2), port.serving).await;
    stopped.unwrap().unwrap().unwrap();
}
