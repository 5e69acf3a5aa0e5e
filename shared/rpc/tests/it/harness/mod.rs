//! A service in process: real handlers on a real catalogue and real files, behind a loopback port.

pub mod answers;
pub mod catalogue;
pub mod cube;
pub mod downloader;
pub mod memory;
pub mod raster;

use app::{App, Engine, Limits, Options, PathPolicy};
use axum::middleware::from_fn;
use database::testing::TestDatabase;
use database::{Database, PoolOptions};
use domain::Uri;
use messaging::MemoryQueue;
use rpc::OversizeLayer;
use rpc::http;
use rpc::pb::admin_client::AdminClient;
use rpc::pb::geocube_client::GeocubeClient;
use runtime::config::Tokens;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Once};
use std::time::Duration;
use storage::{AllowedRoots, LocalStorage, Router};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tonic::transport::{Channel, Endpoint};

/// Largest message that is received, that of the servers.
pub const MAX_MESSAGE_BYTES: usize = 4 * 1024 * 1024;

/// What a service refuses to go beyond.
pub struct Bounds {
    pub limits: Limits,
    pub message_bytes: usize,
    pub memory_bytes: u64,
    pub tidy_min_age: Duration,
    /// Whether there is a place for consolidated files.
    pub consolidates: bool,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            message_bytes: MAX_MESSAGE_BYTES,
            memory_bytes: 256 << 20,
            tidy_min_age: Duration::ZERO,
            consolidates: false,
        }
    }
}

/// A running service; it ends with the runtime of the test.
pub struct Server {
    /// A client, to be cloned for parallel calls.
    pub client: GeocubeClient<Channel>,
    /// A bare connection, for clients of other services.
    pub channel: Channel,
    /// The folder below which files may be indexed.
    pub folder: TempDir,
    /// Connections of the service.
    pub db: Database,
    /// The catalogue, for its owner.
    pub database: TestDatabase,
    /// All that the port answers, to be called without it.
    pub router: axum::Router,
    address: String,
}

impl Server {
    /// Starts a service on an empty catalogue; `None`, said on standard error, without a database.
    pub async fn start() -> Option<Self> {
        Self::with_limits(Limits::default()).await
    }

    /// Starts a service with limits of its own.
    pub async fn with_limits(limits: Limits) -> Option<Self> {
        let bounds = Bounds {
            limits,
            ..Bounds::default()
        };
        Self::with_bounds(bounds).await
    }

    /// Starts a service with bounds of its own.
    pub async fn with_bounds(bounds: Bounds) -> Option<Self> {
        let database = TestDatabase::create().await?;
        let db = database.db.clone();
        Some(Self::over(database, db, tempfile::tempdir().unwrap(), bounds).await)
    }

    /// Starts a service on an empty catalogue with connections of its own.
    pub async fn with_pool(options: &PoolOptions) -> Option<Self> {
        let database = TestDatabase::create().await?;
        let db = Database::connect(&database.url(), options).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        Some(Self::over(database, db, folder, Bounds::default()).await)
    }

    /// Starts a service on a catalogue that it reaches by `db`, and on the files of a folder.
    pub async fn over(
        database: TestDatabase,
        db: Database,
        folder: TempDir,
        bounds: Bounds,
    ) -> Self {
        static GDAL: Once = Once::new();
        GDAL.call_once(|| imaging::init(&imaging::Options::default()).unwrap());
        let message_bytes = bounds.message_bytes;
        let app = app(&db, folder.path(), bounds);
        let router = router(&app, message_bytes);
        let address = serve(router.clone()).await;
        let channel = connect(Channel::from_shared(address.clone()).unwrap()).await;
        let client = GeocubeClient::new(channel.clone());
        Self {
            client,
            channel,
            folder,
            db,
            database,
            router,
            address,
        }
    }

    /// A client on a connection of its own, which receives no more than a window of 64 kB ahead.
    pub async fn narrow_client(&self) -> GeocubeClient<Channel> {
        let endpoint = Channel::from_shared(self.address.clone()).unwrap();
        let endpoint = endpoint
            .initial_stream_window_size(65_535)
            .initial_connection_window_size(65_535);
        GeocubeClient::new(connect(endpoint).await)
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

fn app(db: &Database, folder: &Path, bounds: Bounds) -> App {
    let managed = ["managed", "ours"].map(|name| folder.join(name));
    let managed = managed.map(|folder| Uri::parse(folder.to_str().unwrap()).unwrap());
    let roots = vec![folder.to_owned()];
    let local = LocalStorage::new(AllowedRoots::Below(roots.clone()));
    let storage = Router::new().with(domain::Scheme::File, Arc::new(local));
    let options = Options {
        limits: bounds.limits,
        paths: PathPolicy {
            allowed: roots,
            managed: managed.to_vec(),
            ..PathPolicy::default()
        },
        workers: 2,
        ingestion_storage: bounds.consolidates.then(|| managed[0].clone()),
        cancelled_jobs: None,
        events_queue: "events".to_owned(),
        orders_queue: "orders".to_owned(),
        tidy_min_age: bounds.tidy_min_age,
    };
    let engine = Engine::new(2, bounds.memory_bytes);
    App::new(
        db.clone(),
        Arc::new(storage),
        Arc::new(MemoryQueue::new()),
        engine,
        options,
    )
}

/// gRPC and tiles, open to everybody; a panic is a fault, as on the port of the program.
fn router(app: &App, message_bytes: usize) -> axum::Router {
    let routes = rpc::grpc_routes(app, message_bytes)
        .into_axum_router()
        .layer(OversizeLayer)
        .merge(http::tile_routes(app.clone()))
        .fallback(http::anything_else);
    http::protected(routes, &http::Access::new(&Tokens::default())).layer(from_fn(http::guard))
}

/// Serves on a port of its own; its address.
async fn serve(router: axum::Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

async fn connect(endpoint: Endpoint) -> Channel {
    endpoint.connect().await.unwrap()
}
