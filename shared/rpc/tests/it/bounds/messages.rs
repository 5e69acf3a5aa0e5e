//! The size of one message.

use crate::harness::answers::refused;
use crate::harness::{Bounds, Server};
use prost::Message;
use rpc::pb;
use rpc::pb::admin_client::AdminClient;
use tonic::{Code, Request};

const BOUND: usize = 1000;

async fn server() -> Option<Server> {
    let bounds = Bounds {
        message_bytes: BOUND,
        ..Bounds::default()
    };
    Server::with_bounds(bounds).await
}

fn refusal(bytes: usize) -> String {
    format!("grpc: received message larger than max ({bytes} vs. {BOUND})")
}

/// A deletion whose message has a number of bytes: one of tag and two of length come first.
fn deletion(bytes: usize) -> pb::DeleteDatasetsRequest {
    let request = pb::DeleteDatasetsRequest {
        job_name: "x".repeat(bytes - 3),
        ..Default::default()
    };
    assert_eq!(request.encoded_len(), bytes);
    request
}

#[tokio::test]
async fn a_message_as_large_as_the_bound_passes_and_one_byte_more_does_not() {
    let Some(server) = server().await else { return };
    let (mut geocube, mut admin) = (server.client(), AdminClient::new(server.channel.clone()));
    let behind = "job_name";
    refused(
        geocube.delete_datasets(deletion(BOUND)).await,
        Code::InvalidArgument,
        behind,
    );
    refused(
        admin.delete_datasets(deletion(BOUND)).await,
        Code::InvalidArgument,
        behind,
    );
    for bytes in [BOUND + 1, 5 * BOUND] {
        for answer in [
            geocube.delete_datasets(deletion(bytes)).await,
            admin.delete_datasets(deletion(bytes)).await,
        ] {
            let status = refused(answer, Code::ResourceExhausted, "");
            assert_eq!(status.message(), refusal(bytes));
        }
    }
}

#[tokio::test]
async fn each_message_of_a_stream_is_measured_alone() {
    let Some(server) = server().await else { return };
    let piece = |bytes: usize| {
        let grid = |text: usize| pb::CreateGridRequest {
            grid: Some(pb::Grid {
                name: "g".to_owned(),
                description: "x".repeat(text),
                cells: Vec::new(),
            }),
        };
        let frame = grid(500).encoded_len() - 500;
        let piece = grid(bytes - frame);
        assert_eq!(piece.encoded_len(), bytes);
        piece
    };
    let fitting = futures::stream::iter([piece(BOUND), piece(BOUND)]);
    server
        .client()
        .create_grid(Request::new(fitting))
        .await
        .unwrap();
    let larger = futures::stream::iter([piece(BOUND), piece(BOUND + 1)]);
    let answer = server.client().create_grid(Request::new(larger)).await;
    let status = refused(answer, Code::ResourceExhausted, "");
    assert_eq!(status.message(), refusal(BOUND + 1));
}
