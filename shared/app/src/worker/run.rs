//! One run of an order.

use super::heart::Heart;
use super::sources::Chosen;
use super::stop::{Cause, StopFlag};
use super::{Worker, estimate, produce, sources};
use crate::failpoint::failpoint;
use crate::job::failure;
use crate::traffic;
use database::noted_file;
use domain::job::{ConsolidationOrder, TaskStatus, cancel_marker_name};
use domain::{RunId, StorageClass, Uri};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use storage::{RenameOptions, StorageExt, UploadOptions};

/// How a run ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// With a result; the text tells why when it is no success.
    Finished(TaskStatus, String),
    /// Without one: the order is to be delivered again.
    Unfinished(String),
    /// Without one, by no fault of the order: it is to be delivered again, as if it had not been started.
    Interrupted(String),
    /// With an error that another run may not meet.
    FailedForNow(String),
}

/// What a run leaves.
#[derive(Debug)]
pub(super) struct Left {
    pub(super) ended: Ended,
    /// Whether its part file was noted, and is known not to exist any more.
    pub(super) part_is_gone: bool,
}

impl From<Ended> for Left {
    /// What is left of a run that wrote nothing.
    fn from(ended: Ended) -> Self {
        Self {
            ended,
            part_is_gone: false,
        }
    }
}

/// Why a run could not go on.
#[derive(Debug)]
pub(super) enum Failed {
    /// It was told to.
    Stopped,
    /// Another run would end the same way.
    ForGood(String),
    /// Another run may end better.
    ForNow(String),
}

impl Failed {
    pub(super) fn storage(error: &storage::Error) -> Self {
        let text = failure::text(error);
        if error.is_retryable() {
            Self::ForNow(text)
        } else {
            Self::ForGood(text)
        }
    }
}

/// Time for the removal of a part file: a worker that is to stop has little.
const LONGEST_DISCARD: Duration = Duration::from_secs(3);

/// One run of an order, under its lease.
pub(super) struct Run {
    worker: Worker,
    order: ConsolidationOrder,
    id: RunId,
    stop: StopFlag,
    heart: Heart,
    part_is_gone: AtomicBool,
}

impl Run {
    pub(super) fn new(worker: Worker, order: ConsolidationOrder, id: RunId) -> Self {
        let stop = StopFlag::default();
        let heart = Heart::new(worker.clone(), order.task_id, id, stop.clone());
        Self {
            worker,
            order,
            id,
            stop,
            heart,
            part_is_gone: AtomicBool::new(false),
        }
    }

    /// Writes the file of the order.
    pub(super) async fn perform(self) -> Left {
        let ended = self.end().await;
        Left {
            ended,
            part_is_gone: self.part_is_gone.into_inner(),
        }
    }

    async fn end(&self) -> Ended {
        let _watch = match self.heart.start() {
            Ok(watch) => watch,
            Err(error) => {
                let text = format!("the thread of the heartbeat does not start: {error}");
                return Ended::FailedForNow(text);
            }
        };
        let _traffic = traffic::of("an order");
        // a former run of the task may still be at work here
        let name = format!("{}.{}", self.order.task_id, self.id);
        let folder = self.worker.options().workdir.join(name);
        let written = self.write(&folder).await;
        if let Err(error) = tokio::fs::remove_dir_all(&folder).await
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(folder = %folder.display(), %error, "scratch files stay");
        }
        let failed = match written {
            Ok(()) => return Ended::Finished(TaskStatus::TaskSuccessful, String::new()),
            Err(failed) => failed,
        };
        match (self.stop.cause(), failed) {
            (Some(Cause::Cancelled), _) => Ended::Finished(
                TaskStatus::TaskCancelled,
                "cancelled by the user".to_owned(),
            ),
            (Some(Cause::LeaseLost), _) => Ended::Unfinished("the lease is lost".to_owned()),
            (Some(Cause::ShutDown), _) => Ended::Interrupted("the worker stops".to_owned()),
            (Some(Cause::Marked), _) => {
                Ended::Finished(TaskStatus::TaskFailed, "cancelled by a marker".to_owned())
            }
            (Some(Cause::Overtime), _) => {
                let limit = self.worker.longest().unwrap_or_default();
                let text = format!("exceeds the maximum duration of {limit:?}");
                Ended::Finished(TaskStatus::TaskFailed, text)
            }
            (None, Failed::Stopped) => Ended::Unfinished("stopped without a cause".to_owned()),
            (None, Failed::ForGood(error)) => Ended::Finished(TaskStatus::TaskFailed, error),
            (None, Failed::ForNow(error)) => Ended::FailedForNow(error),
        }
    }

    async fn write(&self, folder: &Path) -> Result<(), Failed> {
        // the lease was taken just now
        self.look().await?;
        sources::check(&self.worker, &self.order).await?;
        let options = self.worker.options();
        let available = estimate::available(options.scratch_bytes, &options.workdir)?;
        let chosen = sources::choose(&self.worker, &self.order, &self.stop).await?;
        let estimate::Plan { copies, parallel } = estimate::plan(
            &self.order,
            options.parallel_records,
            available,
            chosen.bytes(),
        )?;
        tokio::fs::create_dir_all(folder)
            .await
            .map_err(|error| Failed::ForNow(format!("creating {}: {error}", folder.display())))?;
        let chosen = if copies { chosen } else { Chosen::default() };
        let copies = sources::copy(&self.worker, chosen, folder, &self.stop).await?;
        if copies.is_empty() {
            self.look().await?;
        } else {
            self.check().await?;
        }
        let file = folder.join("container.tif");
        failpoint!("order.write.before");
        produce::produce(
            &self.worker,
            &self.order,
            copies,
            parallel,
            &file,
            &self.stop,
        )
        .await?;
        failpoint!("order.write.after");
        // the lease is looked at by the note of the file
        self.look().await?;
        self.hand_in(&file).await
    }

    /// Uploads beside the final name, and moves only while the lease is held: a run that was
    /// replaced never touches the file of its successor.
    async fn hand_in(&self, file: &Path) -> Result<(), Failed> {
        let target = &self.order.container.uri;
        let storage = &self.worker.parts.storage;
        let part = target
            .with_suffix(&format!(".{}.part", self.id))
            .map_err(|error| Failed::ForGood(error.to_string()))?;
        let gone = || self.part_is_gone.store(true, Ordering::Relaxed);
        self.note(&part, target).await?;
        if self.stop.is_set() {
            gone();
            return Err(Failed::Stopped);
        }
        let options = UploadOptions {
            content_type: Some("image/tiff".to_owned()),
            // the class of the order comes with the move: what is archived cannot be copied
            storage_class: Some(StorageClass::Standard),
            if_absent: false,
        };
        let upload = storage.upload_file(&part, file, &options);
        let uploaded = self.stop.unless_set(upload).await;
        failpoint!("order.upload.after");
        let complete = matches!(uploaded, Ok(Ok(())));
        let moved = match uploaded {
            Err(stopped) => Err(stopped),
            Ok(Err(error)) => Err(Failed::storage(&error)),
            Ok(Ok(())) => self.rename(&part, target).await,
        };
        // an upload that was dropped may still write
        let dropped = matches!(moved, Err(Failed::Stopped)) && !complete;
        if moved.is_ok() || self.discard(&part).await && !dropped {
            gone();
        }
        moved
    }

    /// Notes what is about to be written, so that the sweeper finds it should this run end here, and beats.
    async fn note(&self, part: &Uri, target: &Uri) -> Result<(), Failed> {
        failpoint!("order.note.before");
        let noted = async {
            let mut connection = self.worker.parts.database.write().await?;
            let lease = self.worker.options().lease;
            let (task, files) = (self.order.task_id, [part, target]);
            noted_file::note_output(&mut connection, task, self.id, lease, files).await
        };
        let noted = noted.await;
        failpoint!("order.note.after");
        match noted {
            Ok(None) => {
                self.stop.set(Cause::LeaseLost);
                Err(Failed::Stopped)
            }
            Ok(beat) => {
                self.heart.heed(beat);
                Ok(())
            }
            Err(error) => Err(Failed::ForNow(failure::text(&error))),
        }
    }

    async fn rename(&self, part: &Uri, target: &Uri) -> Result<(), Failed> {
        self.check().await?;
        failpoint!("order.check.after");
        let storage = &self.worker.parts.storage;
        let options = RenameOptions {
            storage_class: Some(self.order.container.storage_class),
        };
        let renamed = storage.rename_with(part, target, &options).await;
        failpoint!("order.rename.after");
        renamed.map_err(|error| Failed::storage(&error))
    }

    /// Deletes the part file; whether it is gone.
    async fn discard(&self, part: &Uri) -> bool {
        failpoint!("order.discard.before");
        let deletion = self.worker.parts.storage.delete_if_exists(part);
        let deleted = tokio::time::timeout(LONGEST_DISCARD, deletion).await;
        failpoint!("order.discard.after");
        match deleted {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                tracing::warn!(%part, error = failure::text(&error), "part file is left to the sweeper");
                false
            }
            Err(_) => {
                tracing::warn!(%part, "part file is left to the sweeper: the storage does not answer");
                false
            }
        }
    }

    /// Stops here when the run was told to, is cancelled or lost its lease.
    async fn check(&self) -> Result<(), Failed> {
        if !self.stop.is_set() {
            self.beat().await?;
        }
        self.look().await
    }

    /// Stops here when the run was told to, or the marker of its task is there.
    async fn look(&self) -> Result<(), Failed> {
        if !self.stop.is_set() && self.is_marked().await {
            // the markers of a job that is cancelled are written after it became so
            self.beat().await?;
            self.stop.set(Cause::Marked);
        }
        if self.stop.is_set() {
            Err(Failed::Stopped)
        } else {
            Ok(())
        }
    }

    async fn beat(&self) -> Result<(), Failed> {
        let beaten = self.heart.beat().await;
        beaten.map_err(|error| Failed::ForNow(failure::text(&error)))
    }

    /// Whether the marker of the cancelled task exists; a test that fails says nothing.
    async fn is_marked(&self) -> bool {
        let Some(folder) = &self.worker.options().cancelled_jobs else {
            return false;
        };
        let name = cancel_marker_name(self.order.job_id, self.order.task_id);
        let Ok(marker) = folder.join([name]) else {
            return false;
        };
        match self.worker.parts.storage.exists(&marker).await {
            Ok(exists) => exists,
            Err(error) => {
                tracing::warn!(%marker, error = failure::text(&error), "the marker of a cancelled task is not tested");
                false
            }
        }
    }
}
