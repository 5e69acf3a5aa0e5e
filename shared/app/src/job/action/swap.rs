//! CONSOLIDATIONINDEXED: readers see the new datasets instead of the former ones.

use super::running::{Running, Stop};
use crate::job::outbox::Posted;
use database::lock::{self, LockFlag};
use database::{dataset, task};
use domain::DatasetStatus;
use domain::job::{ActionEnd, EntryAction, TaskCounters};

/// Swaps in one transaction. When all records are merged into one, the former datasets stay.
pub(super) async fn swap_datasets(running: &Running) -> Result<Posted, Stop> {
    let id = running.job.id;
    let mut step = running.begin().await?;
    check_tasks(task::counters(step.conn(), id).await?)?;
    if running.job.payload.collapse_record_id.is_none() {
        dataset::set_status(
            step.conn(),
            id,
            DatasetStatus::Active,
            DatasetStatus::ToDelete,
        )
        .await?;
    } else {
        lock::release(step.conn(), id, Some(LockFlag::ToDelete)).await?;
    }
    dataset::set_status(
        step.conn(),
        id,
        DatasetStatus::Inactive,
        DatasetStatus::Active,
    )
    .await?;
    lock::release(step.conn(), id, Some(LockFlag::New)).await?;
    running
        .end(EntryAction::SwapDatasets, step, ActionEnd::Complete)
        .await
}

/// What a task would have written must not be missing when the former datasets go.
fn check_tasks(TaskCounters { active, failed }: TaskCounters) -> domain::Result<()> {
    if (active, failed) == (0, 0) {
        return Ok(());
    }
    Err(domain::Error::Precondition(format!(
        "{active} task(s) are not finished and {failed} failed, expected none: the datasets are not swapped"
    )))
}
