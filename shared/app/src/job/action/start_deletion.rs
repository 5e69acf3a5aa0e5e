//! CONSOLIDATIONEFFECTIVE: the replaced datasets go to a job of their own.

use super::running::{Running, Stop};
use crate::job::outbox::Posted;
use chrono::Utc;
use database::lock::{self, LockFlag};
use database::{dataset, job, job_log};
use domain::job::{ActionEnd, EntryAction, JobEvent, JobStatus, Severity, messages};
use domain::{DatasetStatus, Instant};

/// Creates the deletion job, hands the locks over to it and starts it, in one transaction.
pub(super) async fn start_deletion(running: &Running) -> Result<Posted, Stop> {
    let consolidation = &running.job;
    let mut step = running.begin().await?;
    let replaced =
        dataset::ids_of_job(step.conn(), consolidation.id, DatasetStatus::ToDelete).await?;
    if !replaced.is_empty() {
        let deletion = consolidation.deletion_of_replaced(Instant::from(Utc::now()));
        job::insert(step.conn(), &deletion).await?;
        lock::hand_over(
            step.conn(),
            consolidation.id,
            deletion.id,
            LockFlag::ToDelete,
        )
        .await?;
        let text = messages::deletion_job(replaced.len(), &deletion.name);
        let entry = running.entry(Severity::Info, text);
        job_log::append(step.conn(), consolidation.id, &[entry]).await?;
        let event = JobEvent::new(deletion.id, JobStatus::JobCreated, deletion.revision);
        running
            .app
            .post_event(&mut step.tx, &mut step.posted, &event)
            .await?;
    }
    running
        .end(EntryAction::StartDeletion, step, ActionEnd::Complete)
        .await
}
