//! Calls by name, with messages as bytes.

use super::Target;
use crate::harness::Server;
use bytes::{Buf, BufMut};
use futures::stream;
use std::time::{Duration, Instant};
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

/// Longest time that the answer to a malformed request may take.
const AT_ONCE: Duration = Duration::from_secs(5);

/// Messages as they are.
#[derive(Clone, Copy, Default)]
struct Bytes;

impl Codec for Bytes {
    type Encode = Vec<u8>;
    type Decode = usize;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Bytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put_slice(&item);
        Ok(())
    }
}

/// The length of each answered message is enough.
impl Decoder for Bytes {
    type Item = usize;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<usize>, Status> {
        let length = buffer.remaining();
        buffer.advance(length);
        Ok(Some(length))
    }
}

impl Server {
    /// Calls `/service/method` with some messages; answers how it ended.
    pub async fn call(&self, path: &str, messages: Vec<Vec<u8>>) -> Code {
        code(&call(&self.channel, path, messages).await)
    }
}

impl Target {
    /// Calls `/service/method` with some messages; answers how it ended.
    pub async fn call(&self, path: &str, messages: Vec<Vec<u8>>) -> Code {
        code(&call(self.channel(path), path, messages).await)
    }

    /// Calls with a malformed request, which must be answered at once and not as a fault of the service; says
    /// what is wrong otherwise.
    pub async fn try_hostile(&self, path: &str, messages: Vec<Vec<u8>>) -> Result<(), String> {
        let begin = Instant::now();
        let call = call(self.channel(path), path, messages);
        let Ok(ended) = tokio::time::timeout(4 * AT_ONCE, call).await else {
            return Err("hangs".to_owned());
        };
        let took = begin.elapsed();
        if took >= AT_ONCE {
            return Err(format!("took {took:?}"));
        }
        let Err(status) = ended else {
            return Ok(());
        };
        let fault = matches!(
            status.code(),
            Code::Unknown
                | Code::Internal
                | Code::DataLoss
                | Code::Unavailable
                | Code::Unimplemented
                | Code::Cancelled
                | Code::DeadlineExceeded
        );
        if fault || status.message().is_empty() {
            return Err(format!("{status:?}"));
        }
        Ok(())
    }

    /// The same, which fails the test.
    pub async fn call_hostile(&self, path: &str, messages: Vec<Vec<u8>>, what: &str) {
        let ended = self.try_hostile(path, messages).await;
        ended.unwrap_or_else(|wrong| panic!("{path} on {what}: {wrong}"));
    }

    /// The services still answer.
    pub async fn assert_alive(&self) {
        for service in ["Geocube", "GeocubeDownloader"] {
            let path = format!("/geocube.{service}/Version");
            assert_eq!(self.call(&path, vec![vec![]]).await, Code::Ok, "{service}");
        }
    }
}

fn code(ended: &Result<(), Status>) -> Code {
    ended.as_ref().map_or_else(Status::code, |()| Code::Ok)
}

/// Calls a method behind a channel, and reads its whole answer.
pub async fn call(channel: &Channel, path: &str, messages: Vec<Vec<u8>>) -> Result<(), Status> {
    let mut grpc = Grpc::new(channel.clone());
    grpc.ready().await.unwrap();
    let request = Request::new(stream::iter(messages));
    let mut answer = grpc
        .streaming(request, path.parse().unwrap(), Bytes)
        .await?
        .into_inner();
    while answer.message().await?.is_some() {}
    Ok(())
}
