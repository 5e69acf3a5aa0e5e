//! Jobs.

use super::consolidation::execution_level;
use super::record::record_ids;
use super::time::timestamp_to;
use super::{ids, job_name, text};
use crate::pb;
use app::job::NewDeletion;
use app::{JobSnapshot, Limits};
use domain::{InstanceId, Pattern, Result};

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
        active_tasks: job.counters.active as i32,
        failed_tasks: job.counters.failed as i32,
        execution_level: job.execution_level.number(),
        waiting: job.waiting,
    }
}

/// Reads a deletion to start.
pub(crate) fn new_deletion(
    request: pb::DeleteDatasetsRequest,
    limits: &Limits,
) -> Result<NewDeletion> {
    limits.check_tags("dataset_patterns", request.dataset_patterns.len())?;
    let mut patterns = Vec::with_capacity(request.dataset_patterns.len());
    for pattern in request.dataset_patterns {
        let pattern = text("dataset_patterns", pattern)?;
        patterns.extend(Pattern::of_uris(&pattern));
    }
    Ok(NewDeletion {
        name: job_name(request.job_name)?,
        records: record_ids(&request.record_ids, limits)?,
        instances: ids(&request.instance_ids, InstanceId::parse, limits)?,
        patterns,
        level: execution_level(request.execution_level)?,
    })
}
