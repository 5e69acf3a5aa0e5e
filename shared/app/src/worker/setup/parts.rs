//! The concrete parts behind a worker.

use super::{Delivery, StartError, options};
use crate::worker::{Worker, WorkerOptions};
use database::{Database, PgConnectOptions, PoolOptions};
use domain::Uri;
use messaging::pgqueue::PgQueue;
use messaging::pubsub::{Connection as Broker, PubSubConsumer, PubSubPublisher};
use messaging::{ConsumeOptions, Consumer, Publisher};
use runtime::config::{Messaging, WorkerFlags};
use runtime::{ExposeSecret, secret};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use storage::{AllowedRoots, Storage};

/// Connections to the embedded queue: results are published one by one, orders taken, and their leases put off.
const QUEUE_CONNECTIONS: u32 = 2;
/// Connections for leases, besides one for each order in work.
const SPARE_CONNECTIONS: u32 = 3;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The deadline of a pulled message is put off by this much, again and again.
const PUBSUB_LEASE: Duration = Duration::from_mins(1);

/// Everything that a worker needs, open.
#[derive(Debug)]
pub struct Parts {
    options: WorkerOptions,
    database: Database,
    storage: Arc<dyn Storage>,
    publisher: Arc<dyn Publisher>,
    /// Where orders come from.
    pub queue: Queue,
}

/// Where orders come from.
#[derive(Clone, Debug)]
pub struct Queue {
    broker: BrokerOfOrders,
}

#[derive(Clone, Debug)]
enum BrokerOfOrders {
    Embedded(Arc<PgQueue>),
    PubSub { project: String },
}

impl Parts {
    /// Opens them; `program` is the name of this one in the database.
    ///
    /// # Errors
    /// The first part that cannot be used.
    pub async fn open(
        flags: &WorkerFlags,
        delivery: Delivery,
        program: &str,
    ) -> Result<Self, StartError> {
        let options = options(flags, delivery)?;
        let login = secret::login(flags.connection()?).await?;
        let login = crate::connect_options(&login)?;
        let database = open_database(flags, login.clone(), program).await?;
        let (publisher, queue) = open_queue(flags, login).await?;
        let storage = open_storage(flags, &options).await?;
        Ok(Self {
            options,
            database,
            storage,
            publisher,
            queue,
        })
    }

    /// The worker, once nobody else of this machine uses its folder: it is emptied.
    ///
    /// # Errors
    /// When the folder of scratch files cannot be made or emptied.
    pub fn start(self) -> Result<Worker, StartError> {
        Ok(Worker::start(
            self.database,
            self.storage,
            self.publisher,
            self.options,
        )?)
    }
}

impl Queue {
    /// Pulls orders.
    ///
    /// # Errors
    /// When the broker cannot be used.
    pub async fn consumer(&self) -> Result<Arc<dyn Consumer>, StartError> {
        match &self.broker {
            BrokerOfOrders::Embedded(queue) => Ok(Arc::clone(queue) as Arc<dyn Consumer>),
            BrokerOfOrders::PubSub { project } => {
                let broker = Broker::from_environment();
                Ok(Arc::new(PubSubConsumer::connect(project, &broker).await?))
            }
        }
    }

    /// After how long without a sign of life of this process its orders are delivered again.
    pub fn lease(&self) -> Duration {
        match self.broker {
            BrokerOfOrders::Embedded(_) => ConsumeOptions::default().lease,
            BrokerOfOrders::PubSub { .. } => PUBSUB_LEASE,
        }
    }
}

/// The leases, once their schema is known to be the right one.
async fn open_database(
    flags: &WorkerFlags,
    login: PgConnectOptions,
    program: &str,
) -> Result<Database, StartError> {
    let orders = u32::try_from(flags.max_concurrent_tasks).unwrap_or(u32::MAX);
    let options = PoolOptions {
        max_connections: SPARE_CONNECTIONS.saturating_add(orders),
        acquire_timeout: CONNECT_TIMEOUT,
        application_name: program.to_owned(),
        ..PoolOptions::default()
    };
    let database = Database::connect_with(login, &options);
    let database = database
        .await
        .map_err(|source| StartError::Connect { beside: "", source })?;
    database.check_schema().await.map_err(StartError::Schema)?;
    Ok(database)
}

/// Where results are published, and orders come from; the embedded queue lies in the database of `login` unless it has
/// one of its own.
async fn open_queue(
    flags: &WorkerFlags,
    login: PgConnectOptions,
) -> Result<(Arc<dyn Publisher>, Queue), StartError> {
    let login = match flags.messaging()? {
        Messaging::PubSub { project, .. } => {
            let publisher = PubSubPublisher::connect(&project, &Broker::from_environment()).await?;
            let broker = BrokerOfOrders::PubSub { project };
            return Ok((Arc::new(publisher), Queue { broker }));
        }
        Messaging::Embedded { url: None, .. } => login,
        Messaging::Embedded { url: Some(url), .. } => {
            let refused = |source| StartError::Connect {
                beside: " of the queue (flag pgqConnection)",
                source,
            };
            let login = database::connect_options(url.expose_secret()).map_err(refused)?;
            database::reach(&login, CONNECT_TIMEOUT)
                .await
                .map_err(refused)?;
            login
        }
    };
    let queue = Arc::new(PgQueue::connect_with(login, QUEUE_CONNECTIONS).await?);
    let broker = BrokerOfOrders::Embedded(Arc::clone(&queue));
    Ok((queue, Queue { broker }))
}

/// Files of this machine and of object stores. Where the place of the written ones is known, nothing else is opened, so
/// that no link leads out of it.
async fn open_storage(
    flags: &WorkerFlags,
    options: &WorkerOptions,
) -> Result<Arc<dyn Storage>, StartError> {
    let places = [&options.files.target_root, &options.cancelled_jobs];
    let roots = if options.files.target_root.is_none() {
        AllowedRoots::All
    } else {
        let local = places.into_iter().flatten().filter_map(Uri::local_path);
        AllowedRoots::Below(local.map(made).collect::<Result<_, _>>()?)
    };
    let places: Vec<&Uri> = places.into_iter().flatten().collect();
    let images = match &options.files.sources {
        Some(policy) => policy.image_roots(Some(options.workdir.clone())),
        None => AllowedRoots::All,
    };
    Ok(crate::open_storage(roots, images, &flags.gdal, &places).await?)
}

/// A folder that is missing would allow nothing.
fn made(folder: &Path) -> Result<PathBuf, StartError> {
    std::fs::create_dir_all(folder).map_err(|source| StartError::Folder {
        folder: folder.to_owned(),
        source,
    })?;
    Ok(folder.to_owned())
}
