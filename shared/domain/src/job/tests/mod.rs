//! Tests of the machine and of the tasks.

mod delivery;
mod journeys;
mod machine;
mod random;
mod table;
mod tasks;
mod together;

use super::{
    ExecutionLevel, Failure, Job, JobState, JobStatus, JobType, Task, TaskCounters, TaskState,
};
use crate::{InstanceId, Instant, TaskId};

/// A job at rest in a state.
fn job(job_type: JobType, state: JobState, level: ExecutionLevel) -> Job {
    let job = match job_type {
        JobType::Consolidation => Job::consolidation(
            "job".to_owned(),
            "layout".to_owned(),
            InstanceId::new(),
            None,
            if level == ExecutionLevel::Synchronous {
                ExecutionLevel::Asynchronous
            } else {
                level
            },
            now(),
        )
        .unwrap(),
        JobType::Deletion | JobType::Ingestion => Job::deletion(String::new(), level, now()),
    };
    Job {
        job_type,
        state,
        ..job
    }
}

fn consolidation(state: JobState) -> Job {
    job(JobType::Consolidation, state, ExecutionLevel::Asynchronous)
}

fn deletion(state: JobState) -> Job {
    job(JobType::Deletion, state, ExecutionLevel::Asynchronous)
}

fn paused(job: Job) -> Job {
    Job {
        waiting: true,
        execution_level: ExecutionLevel::StepByStepAll,
        ..job
    }
}

/// Every event, failing ones with a reason.
fn events() -> impl Iterator<Item = JobStatus> {
    (0..JobStatus::NAMES.len()).map(event)
}

fn event(number: usize) -> JobStatus {
    JobStatus::from_number(number, "")
        .or_else(|| JobStatus::from_number(number, "broken"))
        .unwrap()
}

fn failure() -> Failure {
    Failure::new("broken")
}

fn now() -> Instant {
    Instant::from_timestamp(1_600_000_000, 0).unwrap()
}

fn tasks(job: &Job, states: &[TaskState]) -> Vec<Task> {
    states
        .iter()
        .map(|state| Task {
            state: *state,
            ..Task::new(TaskId::new(), job.id, Vec::new())
        })
        .collect()
}

fn states(tasks: &[Task]) -> Vec<TaskState> {
    tasks.iter().map(|task| task.state).collect()
}

fn counted(job: Job, tasks: &[Task]) -> Job {
    Job {
        counters: TaskCounters::of(states(tasks)),
        ..job
    }
}
