//! What every use case works with.

use crate::catalogue::index::{Arrivals, Formats};
use crate::job::Gathering;
use crate::{Engine, Limits, PathPolicy};
use database::Database;
use domain::Uri;
use messaging::Publisher;
use std::sync::Arc;
use std::time::Duration;
use storage::Storage;

/// Settings of a service.
#[derive(Clone, Debug)]
pub struct Options {
    /// Bounds of one request.
    pub limits: Limits,
    /// Which files callers may name.
    pub paths: PathPolicy,
    /// Slices of one cube that are built at the same time.
    pub workers: usize,
    /// Root of the files produced by consolidation; absent when consolidation is off.
    pub ingestion_storage: Option<Uri>,
    /// Folder of the markers that announce cancelled tasks to workers.
    pub cancelled_jobs: Option<Uri>,
    /// Queue or topic of job and task events.
    pub events_queue: String,
    /// Queue or topic of consolidation orders.
    pub orders_queue: String,
    /// Age below which tidying spares what nothing refers to.
    pub tidy_min_age: Duration,
}

/// The service: catalogue, store, queue and pixel engine behind every use case.
///
/// Cheap to clone; all clones share the same parts.
#[derive(Clone, Debug)]
pub struct App {
    parts: Arc<Parts>,
}

#[derive(Debug)]
struct Parts {
    database: Database,
    storage: Arc<dyn Storage>,
    publisher: Arc<dyn Publisher>,
    engine: Engine,
    options: Options,
    formats: Formats,
    arrivals: Arc<Arrivals>,
    gathering: Arc<Gathering>,
}

impl App {
    /// Wires the parts together.
    pub fn new(
        database: Database,
        storage: Arc<dyn Storage>,
        publisher: Arc<dyn Publisher>,
        engine: Engine,
        options: Options,
    ) -> Self {
        Self {
            parts: Arc::new(Parts {
                database,
                storage,
                publisher,
                engine,
                options,
                formats: Formats::default(),
                arrivals: Arc::default(),
                gathering: Arc::default(),
            }),
        }
    }

    /// Bounds of one request.
    pub fn limits(&self) -> &Limits {
        &self.parts.options.limits
    }

    /// Settings of the service.
    pub fn options(&self) -> &Options {
        &self.parts.options
    }

    /// The catalogue.
    pub fn database(&self) -> &Database {
        &self.parts.database
    }

    pub(crate) fn storage(&self) -> &Arc<dyn Storage> {
        &self.parts.storage
    }

    pub(crate) fn publisher(&self) -> &Arc<dyn Publisher> {
        &self.parts.publisher
    }

    pub(crate) fn formats(&self) -> &Formats {
        &self.parts.formats
    }

    pub(crate) fn arrivals(&self) -> &Arc<Arrivals> {
        &self.parts.arrivals
    }

    pub(crate) fn gathering(&self) -> &Arc<Gathering> {
        &self.parts.gathering
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.parts.engine
    }
}
