//! A storage that holds up whoever hands in or deletes a file until the test lets it through.

use super::World;
use app::worker::Worker;
use async_trait::async_trait;
use bytes::Bytes;
use domain::Uri;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use storage::{
    AllowedRoots, Attributes, ByteStream, DeleteOptions, LocalStorage, ReadOptions, RenameOptions,
    Result, Storage, UploadOptions,
};
use tokio::sync::Semaphore;

/// Where the gate is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stall {
    BeforeUpload,
    AfterUpload,
    BeforeRename,
    BeforeDelete,
}

#[derive(Debug)]
pub struct Gate {
    storage: LocalStorage,
    stall: Stall,
    arrived: Semaphore,
    opened: Semaphore,
}

impl Gate {
    pub fn new(storage: LocalStorage, stall: Stall) -> Self {
        Self {
            storage,
            stall,
            arrived: Semaphore::new(0),
            opened: Semaphore::new(0),
        }
    }

    /// Waits until a worker stands at the gate.
    pub async fn arrival(&self) {
        self.arrived.acquire().await.unwrap().forget();
    }

    /// Lets one through.
    pub fn open(&self) {
        self.opened.add_permits(1);
    }

    async fn pass(&self, at: Stall) {
        if at == self.stall {
            self.arrived.add_permits(1);
            self.opened.acquire().await.unwrap().forget();
        }
    }
}

impl World {
    /// A worker of its own, as in another process, that is killed when it stands at the gate.
    pub async fn killed_worker(&self, order: &Bytes, stall: Stall) {
        let roots = AllowedRoots::Below(vec![self.folder.path().to_owned()]);
        let gate = Arc::new(Gate::new(LocalStorage::new(roots), stall));
        let mut options = self.worker.options().clone();
        options.workdir = self.folder.path().join("killed-work");
        let (storage, queue) = (gate.clone(), self.mailbox.clone());
        let (url, order) = (self.database.url(), order.clone());
        let (kill, killed) = tokio::sync::oneshot::channel::<()>();
        let process = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let bounds = database::PoolOptions::default();
                let database = database::Database::connect(&url, &bounds).await.unwrap();
                let worker = Worker::start(database, storage, queue, options).unwrap();
                tokio::select! {
                    outcome = worker.process(&order) => panic!("{outcome:?}"),
                    _ = killed => {}
                }
            });
            runtime.shutdown_background();
        });
        gate.arrival().await;
        kill.send(()).unwrap();
        tokio::task::block_in_place(|| process.join()).unwrap();
    }
}

#[async_trait]
impl Storage for Gate {
    async fn head(&self, uri: &Uri) -> Result<Attributes> {
        self.storage.head(uri).await
    }

    async fn read_with(&self, uri: &Uri, options: &ReadOptions) -> Result<Bytes> {
        self.storage.read_with(uri, options).await
    }

    async fn read_ranges(
        &self,
        uri: &Uri,
        ranges: &[Range<u64>],
        version: Option<&str>,
    ) -> Result<Vec<Bytes>> {
        self.storage.read_ranges(uri, ranges, version).await
    }

    async fn read_stream(&self, uri: &Uri) -> Result<ByteStream> {
        self.storage.read_stream(uri).await
    }

    async fn upload(&self, uri: &Uri, data: Bytes, options: &UploadOptions) -> Result<()> {
        self.storage.upload(uri, data, options).await
    }

    async fn upload_file(&self, uri: &Uri, path: &Path, options: &UploadOptions) -> Result<()> {
        self.pass(Stall::BeforeUpload).await;
        self.storage.upload_file(uri, path, options).await?;
        self.pass(Stall::AfterUpload).await;
        Ok(())
    }

    async fn delete(&self, uri: &Uri, options: &DeleteOptions) -> Result<()> {
        self.pass(Stall::BeforeDelete).await;
        self.storage.delete(uri, options).await
    }

    async fn rename_with(&self, from: &Uri, to: &Uri, options: &RenameOptions) -> Result<()> {
        self.pass(Stall::BeforeRename).await;
        self.storage.rename_with(from, to, options).await
    }
}
