//! FAILED: nothing stays locked.

use super::running::{Running, Stop};
use crate::job::outbox::Posted;
use database::{dataset, job_log, lock, planned_task};
use domain::DatasetStatus;
use domain::job::{ActionEnd, EntryAction, Severity};

/// Datasets named in the log.
const NAMED: usize = 100;

/// Releases the locks that a failed rollback left. Datasets that it left hidden stay hidden, and
/// the log names them.
pub(super) async fn release_locks(running: &Running) -> Result<Posted, Stop> {
    let id = running.job.id;
    let mut step = running.begin().await?;
    let mut hidden = Vec::new();
    for status in [DatasetStatus::ToDelete, DatasetStatus::Inactive] {
        hidden.extend(dataset::ids_of_job(step.conn(), id, status).await?);
    }
    if !hidden.is_empty() {
        let names: Vec<String> = hidden.iter().take(NAMED).map(ToString::to_string).collect();
        let text = format!(
            "{} dataset(s) stay hidden: {}",
            hidden.len(),
            names.join(", ")
        );
        let entry = running.entry(Severity::Error, text);
        job_log::append(step.conn(), id, &[entry]).await?;
    }
    lock::release(step.conn(), id, None).await?;
    planned_task::forget(step.conn(), id).await?;
    running
        .end(EntryAction::ReleaseLocks, step, ActionEnd::Complete)
        .await
}
