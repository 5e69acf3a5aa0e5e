//! Files behind one interface: in memory, in the local file system, in an object store.
//!
//! [`Storage`] is the port; [`StorageExt`] adds conveniences that every backend gets for free.
//! A program builds a [`Router`] with the backends it was configured for and hands it on as `Arc<dyn Storage>`.
//! This crate knows bytes and addresses: nothing of images, of the catalogue or of who asks.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> storage::Result<()> {
//! use std::sync::Arc;
//! use domain::{Scheme, Uri};
//! use storage::{MemoryStorage, Router, Storage, StorageExt};
//!
//! let store = Router::new().with(Scheme::Gs, Arc::new(MemoryStorage::new()));
//! let uri = Uri::parse("gs://bucket/a.tif").unwrap();
//! store.upload(&uri, "pixels".into(), &Default::default()).await?;
//! assert_eq!(store.read(&uri, 2..100).await?, "xels");
//! # Ok(()) }
//! ```

mod cache;
#[cfg(feature = "testing")]
pub mod conformance;
#[cfg(any(feature = "gcs", feature = "s3"))]
mod content;
mod counting;
mod error;
mod extension;
#[cfg(feature = "gcs")]
mod gcs;
#[cfg(any(feature = "gcs", feature = "s3"))]
mod http;
mod local;
mod memory;
#[cfg(any(feature = "gcs", feature = "s3"))]
mod names;
mod options;
mod pieces;
mod ranges;
mod retry;
mod router;
#[cfg(feature = "s3")]
mod s3;
mod storage;

pub use cache::{CacheOptions, CacheUse, Cached};
pub use counting::{Counting, ReadCount, ReadCounts};
pub use error::{ConfigError, Error, Result};
pub use extension::StorageExt;
#[cfg(feature = "gcs")]
pub use gcs::{GcsConnection, GcsStorage};
pub use local::{AllowedRoots, LocalFiles, LocalRoots, LocalStorage};
pub use memory::MemoryStorage;
pub use options::{Attributes, DeleteOptions, ReadOptions, RenameOptions, UploadOptions};
pub use retry::{RetryBudget, Retrying};
pub use router::Router;
#[cfg(feature = "s3")]
pub use s3::{S3Options, S3Storage};
pub use storage::{ByteStream, Storage};
