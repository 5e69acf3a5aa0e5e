//! Generated clients and servers, over a loopback connection.

use rpc::pb::geocube_client::GeocubeClient;
use rpc::pb::geocube_downloader_client::GeocubeDownloaderClient;
use rpc::pb::geocube_downloader_server::{GeocubeDownloader, GeocubeDownloaderServer};
use rpc::pb::{GetCubeMetadataRequest, GetCubeMetadataResponse};
use rpc::pb::{GetVersionRequest, GetVersionResponse};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::codegen::BoxStream;
use tonic::transport::Server;
use tonic::{Code, Request, Response, Status};

struct Downloader;

#[tonic::async_trait]
impl GeocubeDownloader for Downloader {
    type DownloadCubeStream = BoxStream<GetCubeMetadataResponse>;

    async fn download_cube(
        &self,
        _: Request<GetCubeMetadataRequest>,
    ) -> Result<Response<Self::DownloadCubeStream>, Status> {
        Err(Status::unimplemented("no cube here"))
    }

    async fn version(
        &self,
        _: Request<GetVersionRequest>,
    ) -> Result<Response<GetVersionResponse>, Status> {
        let version = "1.2.3".to_owned();
        Ok(Response::new(GetVersionResponse { version }))
    }
}

/// Serves the downloader alone until the test ends; gives its address.
async fn serve_downloader() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let server = Server::builder()
        .add_service(GeocubeDownloaderServer::new(Downloader))
        .serve_with_incoming(TcpListenerStream::new(listener));
    tokio::spawn(server);
    address
}

#[tokio::test]
async fn generated_client_reaches_generated_server() {
    let address = serve_downloader().await;
    let mut client = GeocubeDownloaderClient::connect(address).await.unwrap();

    let answer = client.version(GetVersionRequest {}).await.unwrap();
    assert_eq!(answer.into_inner().version, "1.2.3");

    let refused = client
        .download_cube(GetCubeMetadataRequest::default())
        .await;
    assert_eq!(refused.unwrap_err().code(), Code::Unimplemented);
}

#[tokio::test]
async fn service_that_is_not_served_is_unimplemented() {
    let address = serve_downloader().await;
    let mut client = GeocubeClient::connect(address).await.unwrap();

    let refused = client.version(GetVersionRequest {}).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unimplemented);
}

#[test]
fn every_service_has_a_server_and_a_client() {
    use rpc::pb::{admin_client, admin_server, geocube_downloader_server, geocube_server};
    use tonic::transport::Channel;

    assert_eq!(admin_server::SERVICE_NAME, "geocube.Admin");
    assert_eq!(geocube_server::SERVICE_NAME, "geocube.Geocube");
    let downloader = geocube_downloader_server::SERVICE_NAME;
    assert_eq!(downloader, "geocube.GeocubeDownloader");
    // The other two clients are used above.
    let _: fn(Channel) -> admin_client::AdminClient<Channel> = admin_client::AdminClient::new;
}
