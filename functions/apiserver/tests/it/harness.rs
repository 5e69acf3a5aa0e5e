//! A server in process, on an empty catalogue.

use app::{App, Engine, Limits, Options, PathPolicy};
use axum::body::{Body, Bytes};
use axum::response::Response;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use database::testing::TestDatabase;
use geocube_apiserver::{RouterOptions, router};
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt;
use messaging::{CancellationToken, ConsumeOptions, Consumer, Delivery, MemoryQueue, Outcome};
use rpc::http::Access;
use rpc::pb::geocube_client::GeocubeClient;
use runtime::config::{SweepFlags, Tokens};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tower::ServiceExt;

/// Tells a push that the queue counts its deliveries.
pub const COUNTED: &str = r#","deliveryAttempt":1"#;

/// The whole of what a port answers.
pub struct Server {
    pub router: axum::Router,
    pub queue: MemoryQueue,
    database: TestDatabase,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub trailers: HeaderMap,
}

impl Server {
    /// A server that is open to everybody; `None`, said on standard error, without a database.
    pub async fn open() -> Option<Self> {
        Self::with_tokens(&Tokens::default()).await
    }

    /// A server that asks for tokens.
    pub async fn with_tokens(tokens: &Tokens) -> Option<Self> {
        Self::with_access(&Access::new(tokens)).await
    }

    /// As above, with whatever else may open it.
    pub async fn with_access(access: &Access) -> Option<Self> {
        let database = TestDatabase::create().await?;
        let queue = MemoryQueue::new();
        let options = Options {
            limits: Limits::default(),
            paths: PathPolicy::default(),
            workers: 1,
            ingestion_storage: None,
            cancelled_jobs: None,
            events_queue: "events".to_owned(),
            orders_queue: "consolidations".to_owned(),
            tidy_min_age: Duration::ZERO,
        };
        let storage = Arc::new(storage::Router::new());
        let engine = Engine::new(1, 1 << 20);
        let app = App::new(
            database.db.clone(),
            storage,
            Arc::new(queue.clone()),
            engine,
            options,
        );
        let options = RouterOptions {
            max_message_bytes: 4 << 20,
            sweep: SweepFlags::default().thresholds(true),
        };
        let router = router(&app, access, options).await;
        Some(Self {
            router,
            queue,
            database,
        })
    }

    /// Stores rows.
    pub async fn store(&self, script: &str) {
        self.database.run(&[script]).await;
    }

    /// State of a job, and whether it waits for a user.
    pub async fn job(&self, id: &str) -> (String, bool) {
        let mut connection = self.database.db.read().await.unwrap();
        let stored = database::job::get(&mut connection, id.parse().unwrap());
        let job = stored.await.unwrap().job;
        (job.state.name().to_owned(), job.waiting)
    }

    /// A client of gRPC, without a port.
    pub fn client(&self) -> GeocubeClient<axum::Router> {
        GeocubeClient::new(self.router.clone())
    }

    /// Pushes the events that wait, and those that follow, as the queue would; each has to be handled.
    pub async fn push_events(&self) {
        while self.queue.backlog("events").await.unwrap() > 0 {
            let (sender, mut receiver) = mpsc::channel(1);
            let stop = CancellationToken::new();
            let taken = stop.clone();
            let handler = move |delivery: Delivery| {
                // one at a time: what follows comes after it
                taken.cancel();
                let sender = sender.clone();
                async move {
                    sender.send(delivery.data).await.unwrap();
                    Outcome::Ack
                }
            };
            let options = ConsumeOptions::default();
            let consume = self
                .queue
                .consume("events", &options, Arc::new(handler), stop);
            consume.await.unwrap();
            let event = receiver.recv().await.unwrap();
            let answer = self.post("/push", envelope(event, COUNTED)).await;
            assert_eq!(answer.status, 204, "{answer:?}");
        }
    }

    /// Makes every further use of the database fail.
    pub async fn lose_database(&self) {
        self.database.db.close().await;
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        Answer::read(self.router.clone().oneshot(request).await.unwrap()).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap())
            .await
    }

    pub async fn post(&self, path: &str, body: impl Into<Body>) -> Answer {
        self.send(Request::post(path).body(body.into()).unwrap())
            .await
    }

    /// Calls a method with an empty message; its status.
    pub async fn call(&self, path: &str, authorization: Option<&str>) -> (i32, String) {
        let mut request = Request::post(path).header(header::CONTENT_TYPE, "application/grpc");
        if let Some(value) = authorization {
            request = request.header(header::AUTHORIZATION, value);
        }
        let empty_message = Body::from(vec![0; 5]);
        self.send(request.body(empty_message).unwrap())
            .await
            .grpc_status()
    }
}

impl Answer {
    async fn read(response: Response) -> Self {
        let (parts, body) = response.into_parts();
        let collected = body.collect().await.unwrap();
        let trailers = collected.trailers().cloned().unwrap_or_default();
        Self {
            status: parts.status,
            headers: parts.headers,
            body: collected.to_bytes(),
            trailers,
        }
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// Status and message, whether they come with the headers or at the end.
    pub fn grpc_status(&self) -> (i32, String) {
        let status = tonic::Status::from_header_map(&self.headers)
            .or_else(|| tonic::Status::from_header_map(&self.trailers))
            .unwrap_or_else(|| panic!("no status of gRPC in {self:?}"));
        (status.code().into(), status.message().to_owned())
    }
}

/// A message as Pub/Sub pushes it, followed by more members of its envelope.
pub fn envelope(data: impl AsRef<[u8]>, more: &str) -> String {
    format!(
        r#"{{"message":{{"data":"{}"}}{more}}}"#,
        BASE64_STANDARD.encode(data)
    )
}

/// Tokens of users, administrators and events.
pub fn tokens(user: Option<&str>, admin: Option<&str>, event: Option<&str>) -> Tokens {
    let token = |text: Option<&str>| text.map(Into::into);
    Tokens {
        user: token(user),
        admin: token(admin),
        event: token(event),
    }
}
