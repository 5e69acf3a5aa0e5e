//! Calls by name, with messages as bytes.

use crate::harness::Server;
use bytes::{Buf, BufMut};
use futures::stream;
use rpc::pb;
use std::time::{Duration, Instant};
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
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
        match self.try_call(path, messages).await {
            Ok(()) => Code::Ok,
            Err(status) => status.code(),
        }
    }

    /// Calls with a malformed request, which must be answered at once and not as a fault of the service.
    pub async fn call_hostile(&self, path: &str, messages: Vec<Vec<u8>>, what: &str) {
        let begin = Instant::now();
        let ended = tokio::time::timeout(4 * AT_ONCE, self.try_call(path, messages)).await;
        let ended = ended.unwrap_or_else(|_| panic!("{path} hangs on {what}"));
        assert!(
            begin.elapsed() < AT_ONCE,
            "{path} took {:?} on {what}",
            begin.elapsed()
        );
        if let Err(status) = ended {
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
            assert!(!fault, "{path} on {what}: {status:?}");
            assert!(!status.message().is_empty(), "{path} on {what}: no text");
        }
    }

    /// The service still answers.
    pub async fn assert_alive(&self) {
        let version = self
            .client()
            .version(pb::GetVersionRequest {})
            .await
            .unwrap()
            .into_inner()
            .version;
        assert!(!version.is_empty());
    }

    async fn try_call(&self, path: &str, messages: Vec<Vec<u8>>) -> Result<(), Status> {
        let mut grpc = Grpc::new(self.channel.clone());
        grpc.ready().await.unwrap();
        let request = Request::new(stream::iter(messages));
        let mut answer = grpc
            .streaming(request, path.parse().unwrap(), Bytes)
            .await?
            .into_inner();
        while answer.message().await?.is_some() {}
        Ok(())
    }
}
