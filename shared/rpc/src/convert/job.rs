//! Jobs.

use super::timestamp_to;
use crate::pb;
use app::JobSnapshot;

/// Writes a job and the page of its log that was asked for.
pub(crate) fn job_to(snapshot: JobSnapshot) -> pb::Job {
    let JobSnapshot { job, logs } = snapshot;
    pb::Job {
        id: job.id.to_string(),
        name: job.name,
        r#type: job.job_type.to_string(),
        state: job.state.to_string(),
        creation_time: Some(timestamp_to(job.creation)),
        last_update_time: Some(timestamp_to(job.last_update)),
        logs,
        active_tasks: job.active_tasks,
        failed_tasks: job.failed_tasks,
        execution_level: job.execution_level.number(),
        waiting: job.waiting,
    }
}
