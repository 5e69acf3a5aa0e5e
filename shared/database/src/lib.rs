//! The catalogue, the jobs and their delivery in Postgres and `PostGIS`.
//!
//! One module per entity, made of functions that take a connection, so that the caller owns the
//! transaction; [`Database`] gives connections and [`in_transaction`] runs a unit of work. This is
//! the only crate that knows SQL of the schema `geocube`. It must not know protobuf, GDAL or files.
//!
//! ```no_run
//! # async fn example() -> database::Result<()> {
//! use database::{Database, PoolOptions, variable};
//! let db = Database::connect("postgres://localhost/geocube", &PoolOptions::default()).await?;
//! let ndvi = variable::get_by_name(&mut *db.read().await?, "ndvi").await?;
//! # Ok(())
//! # }
//! ```

mod answer;
pub mod aoi;
mod certificates;
pub mod consolidation_params;
mod constraint;
pub mod container;
pub mod container_layout;
mod convert;
pub mod dataset;
mod error;
pub mod file_lock;
mod filter;
pub mod grid;
mod hstore;
pub mod instance;
pub mod job;
pub mod job_log;
pub mod layout;
pub mod lease;
pub mod leftover;
pub mod lock;
pub mod migrate;
pub mod noted_file;
pub mod outbox;
pub mod palette;
mod piecewise;
pub mod planned_task;
mod pool;
pub mod processed_event;
mod reach;
pub mod record;
pub mod task;
#[cfg(feature = "testing")]
pub mod testing;
mod transaction;
pub mod variable;

pub use certificates::{ClientCertificates, connect_with_certificates};
pub use error::{Error, Result};
pub use filter::Page;
pub use piecewise::{Piecewise, pieces};
pub use pool::{Connection, Database, LEAST_CONNECTIONS, PoolOptions, connect_options};
pub use reach::reach;
pub use sqlx::{PgConnection, postgres::PgConnectOptions};
pub use transaction::{Conflict, Tries, Tx, in_rolled_back, in_statement, in_transaction};
