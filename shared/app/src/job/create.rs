//! Creation of jobs.

use super::outbox::Posted;
use super::{JobSnapshot, action};
use crate::failpoint::failpoint;
use crate::{App, Result};
use chrono::Utc;
use database::lock::LockFlag;
use database::{
    PgConnection, Tries, consolidation_params, dataset, in_transaction, job, job_log, lock, outbox,
    variable,
};
use domain::job::{
    ExecutionLevel, Job, JobEvent, JobStatus, JobType, LogEntry, LogPage, Message, Severity,
    parse_message,
};
use domain::{
    DatasetId, Entity, Error, InstanceId, Instant, JobId, Pattern, RecordId, RecordSelection,
};

/// Datasets to rewrite into the files of a layout.
#[derive(Clone, Debug)]
pub struct NewConsolidation {
    /// Name of the job.
    pub name: String,
    /// Instance whose datasets are rewritten.
    pub instance_id: InstanceId,
    /// Records whose datasets are rewritten.
    pub selection: RecordSelection,
    /// Layout of the files.
    pub layout: String,
    /// Where the job pauses.
    pub level: ExecutionLevel,
    /// Record into which all the others are merged.
    pub collapse: Option<RecordId>,
}

/// Datasets to remove: those that match each selector which is not empty.
#[derive(Clone, Debug)]
pub struct NewDeletion {
    /// Name of the job, empty for a random one.
    pub name: String,
    /// Their records.
    pub records: Vec<RecordId>,
    /// Their instances.
    pub instances: Vec<InstanceId>,
    /// Patterns of the addresses of their files.
    pub patterns: Vec<Pattern>,
    /// Where the job pauses; a synchronous one runs inside the call.
    pub level: ExecutionLevel,
}

/// Lines of the log that a call answers with.
const ANSWERED_LINES: u64 = 1000;
/// Lines of a log that are in memory together.
const LOGGED_TOGETHER: usize = 1000;

impl App {
    /// Creates a consolidation job and starts it.
    ///
    /// # Errors
    /// [`Error::Invalid`] for the synchronous level or an empty list of records,
    /// [`Error::Precondition`] when the service has no place for consolidated files,
    /// [`Error::NotFound`] when no dataset is selected or the variable has no consolidation
    /// parameters, [`Error::AlreadyExists`] when the name is taken or a dataset is locked. Then
    /// nothing is stored.
    pub async fn consolidate(&self, new: NewConsolidation) -> Result<JobId> {
        let NewConsolidation {
            name,
            instance_id,
            selection,
            layout,
            level,
            collapse,
        } = new;
        let now = Instant::from(Utc::now());
        let job = Job::consolidation(name, layout, instance_id, collapse, level, now)?;
        if matches!(&selection, RecordSelection::Ids(ids) if ids.is_empty()) {
            return Err(Error::invalid("records: expected at least one record").into());
        }
        action::ingestion_storage(self)?;
        let event = JobEvent::new(job.id, JobStatus::JobCreated, 0);
        let queue = &self.options().events_queue;
        let posted = in_transaction(self.database(), |tx| {
            let (job, selection, event, queue) =
                (job.clone(), selection.clone(), event.clone(), queue.clone());
            Box::pin(async move {
                let ids = dataset::select_ids(tx, instance_id, &selection).await?;
                if ids.is_empty() {
                    return Err(nothing("No dataset found for these records and instance").into());
                }
                let variable = variable::get_by_instance(tx, instance_id).await?;
                consolidation_params::copy(tx, variable.id, job.id).await?;
                store(tx, &job, &ids, LockFlag::Initial, &event, &queue).await
            })
        })
        .await?;
        failpoint!("creation.commit.after");
        tracing::info!(job.id = %job.id, "consolidation is created");
        self.relay(posted).await;
        Ok(job.id)
    }

    /// Creates a deletion job and starts it, or, when it is synchronous, runs it to its end. Answers
    /// the job as it is then.
    ///
    /// # Errors
    /// [`Error::Invalid`] without any selector, [`Error::NotFound`] when no dataset is selected,
    /// [`Error::AlreadyExists`] when the name is taken or a dataset is locked. Then nothing is
    /// stored. A synchronous job that fails is a success of the call: its state tells.
    pub async fn delete_datasets(&self, new: NewDeletion) -> Result<JobSnapshot> {
        let NewDeletion {
            name,
            records,
            instances,
            patterns,
            level,
        } = new;
        if records.is_empty() && instances.is_empty() && patterns.is_empty() {
            return Err(Error::invalid(
                "record_ids, instance_ids, dataset_patterns: expected at least one of them, all the datasets are never deleted at once",
            )
            .into());
        }
        let job = Job::deletion(name, level, Instant::from(Utc::now()));
        let event = JobEvent::new(job.id, JobStatus::JobCreated, 0);
        let queue = &self.options().events_queue;
        let posted = in_transaction(self.database(), |tx| {
            let (job, event, queue) = (job.clone(), event.clone(), queue.clone());
            let (records, instances, patterns) =
                (records.clone(), instances.clone(), patterns.clone());
            Box::pin(async move {
                let ids = dataset::select_for_deletion(tx, &records, &instances, &patterns).await?;
                if ids.is_empty() {
                    let text = "No dataset found for these records, instances and/or pattern";
                    return Err(nothing(text).into());
                }
                store(tx, &job, &ids, LockFlag::ToDelete, &event, &queue).await
            })
        })
        .await?;
        failpoint!("creation.commit.after");
        tracing::info!(job.id = %job.id, "deletion is created");
        if level == ExecutionLevel::Synchronous {
            self.run_to_end(posted).await?;
        } else {
            self.relay(posted).await;
        }
        self.snapshot(job.id, LogPage::new(0, ANSWERED_LINES)).await
    }

    /// Handles the events of a synchronous job here, one after the other. Those of a call that is
    /// cut off stay in the outbox, where the sweeper finds them.
    pub(super) async fn run_to_end(&self, mut posted: Posted) -> Result<()> {
        loop {
            let messages = posted.into_messages();
            posted = Posted::default();
            for stored in messages {
                if let Ok(Message::Job(event)) = parse_message(&stored.message.payload) {
                    posted = self.advance_here(&event).await?;
                }
                let mut connection = self.database().write().await?;
                outbox::mark_sent(&mut connection, &[stored.id]).await?;
            }
            if posted.is_empty() {
                return Ok(());
            }
        }
    }

    /// Handles an event that no queue would bring again when other transactions are in the way.
    async fn advance_here(&self, event: &JobEvent) -> Result<Posted> {
        let mut tries = Tries::default();
        loop {
            match self.advance(event).await {
                Ok((_, posted)) => return Ok(posted),
                Err(error) => {
                    if !tries.pause_after(&error).await {
                        return Err(error);
                    }
                }
            }
        }
    }
}

/// Stores a new job with its locks and its first event.
async fn store(
    conn: &mut PgConnection,
    job: &Job,
    datasets: &[DatasetId],
    flag: LockFlag,
    event: &JobEvent,
    queue: &str,
) -> database::Result<Posted> {
    job::insert(conn, job).await?;
    lock::lock(conn, job.id, datasets, flag).await?;
    let text = format!("{} dataset(s) selected", datasets.len());
    let entry = LogEntry::new(job.creation, Severity::Info, job.state, text);
    job_log::append(conn, job.id, &[entry]).await?;
    if job.job_type == JobType::Deletion {
        log_deleted(conn, job, datasets).await?;
    }
    job::set_follow_up(conn, event).await?;
    let mut posted = Posted::default();
    posted.post(conn, queue, vec![event.to_json()]).await?;
    failpoint!("creation.commit.before");
    Ok(posted)
}

/// Names each dataset that a new job deletes.
async fn log_deleted(
    conn: &mut PgConnection,
    job: &Job,
    datasets: &[DatasetId],
) -> database::Result<()> {
    for chunk in datasets.chunks(LOGGED_TOGETHER) {
        let entry = |id: &DatasetId| {
            let text = format!("Delete dataset {id}");
            LogEntry::new(job.creation, Severity::Debug, job.state, text)
        };
        let entries: Vec<LogEntry> = chunk.iter().map(entry).collect();
        job_log::append(conn, job.id, &entries).await?;
    }
    Ok(())
}

/// A search without result.
fn nothing(text: &str) -> Error {
    Error::NotFound {
        entity: Entity::Nothing,
        id: String::new(),
        text: text.to_owned(),
    }
}
