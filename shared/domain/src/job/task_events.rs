//! Handling of the results of several tasks that arrived together.

use super::{FollowUp, Job, LogEntry, Refusal, Task, TaskEvent, TaskOutcome, apply_task};
use crate::{Instant, TaskId};
use std::collections::BTreeMap;

/// What became of one of the events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Its task changed.
    Changed,
    /// It changed nothing.
    Unchanged,
    /// The job has no such task.
    Unknown,
    /// It does not concern the present state.
    Refused(Refusal),
}

/// What the events change together, to be saved in one transaction.
#[derive(Clone, Debug, PartialEq)]
pub struct TasksOutcome {
    /// The job after the last one; to be saved when a task changed.
    pub job: Job,
    /// The tasks that changed.
    pub changed: Vec<Task>,
    /// What to append to the log of the job.
    pub logs: Vec<LogEntry>,
    /// What to do then.
    pub follow_up: Option<FollowUp>,
    /// What became of each event, in their order.
    pub verdicts: Vec<Verdict>,
}

/// Decides what the results of tasks of a job change, one after the other, as [`apply_task`] does for each of them. Of what
/// follows the last one counts: it is what the tasks have come to.
pub fn apply_tasks(
    mut job: Job,
    tasks: Vec<Task>,
    events: &[TaskEvent],
    now: Instant,
) -> TasksOutcome {
    let own = tasks.into_iter().filter(|task| task.job_id == job.id);
    let mut tasks: BTreeMap<TaskId, Task> = own.map(|task| (task.id, task)).collect();
    let mut changed = BTreeMap::new();
    let (mut all_logs, mut last_follow_up) = (Vec::new(), None);
    let mut verdicts = Vec::with_capacity(events.len());
    for event in events {
        let Some(task) = tasks.get_mut(&event.task_id) else {
            verdicts.push(Verdict::Unknown);
            continue;
        };
        let (verdict, follow_up) = match apply_task(&job, task, event, now) {
            Err(refusal) => (Verdict::Refused(refusal), None),
            Ok(TaskOutcome::Unchanged { follow_up }) => (Verdict::Unchanged, follow_up),
            Ok(TaskOutcome::Changed {
                job: next,
                state,
                logs,
                follow_up,
            }) => {
                task.state = state;
                changed.insert(task.id, task.clone());
                job = *next;
                all_logs.extend(logs);
                (Verdict::Changed, follow_up)
            }
        };
        verdicts.push(verdict);
        last_follow_up = follow_up.or(last_follow_up);
    }
    TasksOutcome {
        job,
        changed: changed.into_values().collect(),
        logs: all_logs,
        follow_up: last_follow_up,
        verdicts,
    }
}
