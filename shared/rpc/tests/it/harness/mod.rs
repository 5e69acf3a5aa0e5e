//! A service in process: real handlers on a real catalogue and real files, behind a loopback port.

pub mod answers;
pub mod catalogue;
pub mod cube;
pub mod raster;

use app::{App, Engine, Limits, Options, PathPolicy};
use database::testing::TestDatabase;
use messaging::MemoryQueue;
use rpc::OversizeLayer;
use rpc::pb::admin_client::AdminClient;
use rpc::pb::geocube_client::GeocubeClient;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Once};
use std::time::Duration;
use storage::{AllowedRoots, LocalStorage, Router};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tonic::transport::Channel;

/// Largest message that is received, that of the servers.
pub const MAX_MESSAGE_BYTES: usize = 4 * 1024 * 1024;

/// A running service; it ends with the runtime of the test.
pub struct Server {
    /// A client, to be cloned for parallel calls.
    pub client: GeocubeClient<Channel>,
    /// A bare connection, for clients of other services.
    pub channel: Channel,
    /// The folder below which files may be indexed.
    pub folder: TempDir,
    database: TestDatabase,
}

impl Server {
    /// Starts a service on an empty catalogue; `None`, said on standard error, without a database.
    pub async fn start() -> Option<Self> {
        Self::with_limits(Limits::default()).await
    }

    /// Starts a service with bounds of its own.
    pub async fn with_limits(limits: Limits) -> Option<Self> {
        Self::with(|options| options.limits = limits).await
    }

    /// Starts a service with settings of its own.
    pub async fn with(change: impl FnOnce(&mut Options)) -> Option<Self> {
        static GDAL: Once = Once::new();
        GDAL.call_once(|| imaging::init(&imaging::Options::default()).unwrap());
        let database = TestDatabase::create().await?;
        let folder = tempfile::tempdir().unwrap();
        let mut options = options(folder.path());
        change(&mut options);
        let app = app(&database, folder.path(), options);
        let channel = serve(&app).await;
        let client = GeocubeClient::new(channel.clone());
        Some(Self {
            client,
            channel,
            folder,
            database,
        })
    }

    /// A client on the same connection.
    pub fn client(&self) -> GeocubeClient<Channel> {
        self.client.clone()
    }

    /// A client of the service of administrators, on the same connection.
    pub fn admin(&self) -> AdminClient<Channel> {
        AdminClient::new(self.channel.clone())
    }

    /// A path in the folder of the files.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The URI of a file of the folder.
    pub fn uri(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// Runs a statement on the catalogue and answers its rows, columns separated by `|`; `None`, said
    /// on standard error, without `psql`.
    pub fn sql(&self, statement: &str) -> Option<String> {
        let options = [
            "-qAt",
            "-v",
            "ON_ERROR_STOP=1",
            "-c",
            statement,
            &self.database.url(),
        ];
        let Ok(output) = Command::new("psql").args(options).output() else {
            eprintln!("skipped: needs psql");
            return None;
        };
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        Some(String::from_utf8(output.stdout).unwrap().trim().to_owned())
    }
}

/// Those of the servers; files in the folder `ours` may belong to the service.
fn options(folder: &Path) -> Options {
    let ours = folder.join("ours");
    Options {
        limits: Limits::default(),
        paths: PathPolicy {
            allowed: vec![folder.to_owned()],
            managed: vec![domain::Uri::parse(ours.to_str().unwrap()).unwrap()],
            ..PathPolicy::default()
        },
        workers: 2,
        ingestion_storage: None,
        cancelled_jobs: None,
        events_queue: "events".to_owned(),
        orders_queue: "orders".to_owned(),
        tidy_min_age: Duration::ZERO,
    }
}

fn app(database: &TestDatabase, folder: &Path, options: Options) -> App {
    let local = LocalStorage::new(AllowedRoots::Below(vec![folder.to_owned()]));
    let storage = Router::new().with(domain::Scheme::File, Arc::new(local));
    let engine = Engine::new(2, 256 << 20);
    App::new(
        database.db.clone(),
        Arc::new(storage),
        Arc::new(MemoryQueue::new()),
        engine,
        options,
    )
}

async fn serve(app: &App) -> Channel {
    let router = rpc::grpc_routes(app, MAX_MESSAGE_BYTES)
        .into_axum_router()
        .layer(OversizeLayer);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    Channel::from_shared(address)
        .unwrap()
        .connect()
        .await
        .unwrap()
}
