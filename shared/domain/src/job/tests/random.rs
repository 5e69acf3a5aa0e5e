//! Random sequences of events.

use super::{event, events, job, now, tasks};
use crate::job::{
    ExecutionLevel, Job, JobState, JobStatus, JobType, TaskCounters, TaskEvent, TaskOutcome,
    TaskState, TaskStatus, apply, apply_task,
};
use proptest::prelude::*;

fn jobs() -> impl Strategy<Value = Job> {
    (
        0..3usize,
        0..20usize,
        0..5usize,
        any::<bool>(),
        any::<i64>(),
    )
        .prop_map(|(kind, state, level, waiting, revision)| Job {
            waiting,
            revision,
            ..job(
                JobType::ALL[kind],
                JobState::ALL[state],
                ExecutionLevel::ALL[level],
            )
        })
}

fn reachable() -> impl Strategy<Value = Job> {
    let sequence = prop::collection::vec(0..JobStatus::NAMES.len(), 0..40);
    (jobs(), prop::bool::ANY, sequence).prop_map(|(job, deletion, sequence)| {
        let job_type = if deletion {
            JobType::Deletion
        } else {
            JobType::Consolidation
        };
        let first = Job {
            job_type,
            state: JobState::New,
            waiting: false,
            revision: 0,
            ..job
        };
        sequence.into_iter().fold(first, |job, number| {
            apply(&job, &event(number), now()).map_or(job, |transition| transition.job)
        })
    })
}

/// Whether some sequence of commands and internal events leads from here to the end.
fn reaches_the_end(job: &Job) -> bool {
    let mut seen = Vec::new();
    let mut open = vec![job.clone()];
    while let Some(job) = open.pop() {
        if job.state.is_terminal() {
            return true;
        }
        if seen.contains(&(job.state, job.waiting)) {
            continue;
        }
        seen.push((job.state, job.waiting));
        open.extend(
            events()
                .filter_map(|event| apply(&job, &event, now()).ok())
                .map(|transition| transition.job),
        );
    }
    false
}

proptest! {
    #[test]
    fn any_job_survives_any_event(job in jobs(), number in 0..JobStatus::NAMES.len()) {
        let result = apply(&job, &event(number), now());
        if job.state.is_terminal() && !job.waiting || !job.state.is_of(job.job_type) {
            prop_assert!(result.is_err());
        }
        if let Ok(transition) = result {
            prop_assert!(transition.job.state.is_of(job.job_type));
            prop_assert!(transition.entry.is_none() || !transition.job.waiting);
            prop_assert!(!transition.logs.is_empty());
        }
    }

    #[test]
    fn every_job_can_reach_its_end(job in reachable()) {
        prop_assert!(reaches_the_end(&job));
    }

    #[test]
    fn the_same_event_twice_is_refused_or_only_runs_the_state_again(
        job in reachable(),
        number in 0..JobStatus::NAMES.len(),
    ) {
        let event = event(number);
        let Ok(once) = apply(&job, &event, now()) else { return Ok(()) };
        let Ok(twice) = apply(&once.job, &event, now()) else { return Ok(()) };
        // only commands are handled twice: the same step again, or the next step of a cancel
        let repeated = matches!(
            event,
            JobStatus::RetryForced | JobStatus::Retried | JobStatus::CancelledByUserForced
                | JobStatus::CancelledByUser
        );
        prop_assert!(repeated, "{} {event}", once.job.state);
        if event == JobStatus::RetryForced && once.job.state == job.state {
            prop_assert_eq!(twice.job.state, job.state);
        }
    }

    #[test]
    fn counters_follow_the_tasks(
        job in jobs(),
        given in prop::collection::vec(0..5usize, 1..6),
        results in prop::collection::vec((any::<prop::sample::Index>(), 0..4usize, 1..3i32), 0..20),
    ) {
        let given: Vec<TaskState> = given.into_iter().map(|index| TaskState::ALL[index]).collect();
        let mut tasks = tasks(&job, &given);
        let mut job = super::counted(job, &tasks);
        for (index, status, attempt) in results {
            let task = index.get(&tasks);
            let message = TaskEvent {
                job_id: job.id,
                task_id: task.id,
                status: TaskStatus::ALL[status],
                error: String::new(),
                attempt,
                run_id: None,
            };
            let was = task.state;
            if let Ok(TaskOutcome::Changed { job: next, state, .. }) =
                apply_task(&job, task, &message, now())
            {
                prop_assert_ne!(was, state);
                prop_assert_ne!(was, TaskState::Done);
                let position = index.index(tasks.len());
                tasks[position].state = state;
                job = *next;
            }
            let counters = TaskCounters::of(tasks.iter().map(|task| task.state));
            prop_assert_eq!(job.counters, counters);
        }
    }
}
