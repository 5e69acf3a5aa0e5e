//! Results of tasks that arrived together.

use super::{consolidation, counted, now, tasks};
use crate::TaskId;
use crate::job::{
    FollowUp, Job, JobState, JobStatus, Task, TaskEvent, TaskOutcome, TaskState, TaskStatus,
    TasksOutcome, Verdict, apply_task, apply_tasks,
};
use proptest::prelude::*;

fn event(task: &Task, status: TaskStatus) -> TaskEvent {
    TaskEvent {
        job_id: task.job_id,
        task_id: task.id,
        status,
        error: "no such file".to_owned(),
        attempt: task.attempt,
        run_id: None,
    }
}

/// What the events come to when each is saved before the next one is looked at.
fn one_by_one(mut job: Job, mut tasks: Vec<Task>, events: &[TaskEvent]) -> TasksOutcome {
    let (mut logs, mut follow_up, mut verdicts) = (Vec::new(), None, Vec::new());
    for event in events {
        let task = tasks.iter_mut().find(|task| task.id == event.task_id);
        let task = task.unwrap();
        verdicts.push(match apply_task(&job, task, event, now()) {
            Err(refusal) => Verdict::Refused(refusal),
            Ok(TaskOutcome::Unchanged { follow_up: next }) => {
                follow_up = next.or(follow_up);
                Verdict::Unchanged
            }
            Ok(TaskOutcome::Changed {
                job: next_job,
                state,
                logs: next_logs,
                follow_up: next,
            }) => {
                (job, task.state) = (*next_job, state);
                logs.extend(next_logs);
                follow_up = next.or(follow_up);
                Verdict::Changed
            }
        });
    }
    let touched = |task: &Task| {
        let changed = events.iter().zip(&verdicts);
        let mut changed = changed.filter(|(_, verdict)| **verdict == Verdict::Changed);
        changed.any(|(event, _)| event.task_id == task.id)
    };
    let mut changed: Vec<Task> = tasks.into_iter().filter(touched).collect();
    changed.sort_by_key(|task| task.id);
    TasksOutcome {
        job,
        changed,
        logs,
        follow_up,
        verdicts,
    }
}

proptest! {
    #[test]
    fn results_together_are_results_one_after_the_other(
        state in 0..JobState::ALL.len(),
        states in prop::collection::vec(0..TaskState::ALL.len(), 4),
        results in prop::collection::vec((0..4usize, 0..TaskStatus::ALL.len(), 0..2), 0..8),
    ) {
        let job = consolidation(JobState::ALL[state]);
        let states: Vec<_> = states.into_iter().map(|state| TaskState::ALL[state]).collect();
        let tasks = tasks(&job, &states);
        let job = counted(job, &tasks);
        let events: Vec<_> = results
            .into_iter()
            .map(|(task, status, late)| {
                let event = event(&tasks[task], TaskStatus::ALL[status]);
                TaskEvent { attempt: event.attempt + late, ..event }
            })
            .collect();
        let together = apply_tasks(job.clone(), tasks.clone(), &events, now());
        prop_assert_eq!(together, one_by_one(job, tasks, &events));
    }
}

#[test]
fn the_last_of_some_results_ends_the_state() {
    let job = consolidation(JobState::ConsolidationInProgress);
    let tasks = tasks(&job, &[TaskState::Pending; 3]);
    let job = counted(job, &tasks);
    let events: Vec<_> = tasks
        .iter()
        .map(|task| event(task, TaskStatus::TaskSuccessful))
        .collect();
    let begun = apply_tasks(job.clone(), tasks.clone(), &events[..2], now());
    assert_eq!((begun.job.counters.active, begun.follow_up), (1, None));
    let ended = apply_tasks(job, tasks, &events, now());
    assert_eq!((ended.job.counters.active, ended.changed.len()), (0, 3));
    let done = FollowUp::Publish(JobStatus::ConsolidationDone);
    assert_eq!(ended.follow_up, Some(done));
}

#[test]
fn an_unknown_task_holds_up_none_of_the_others() {
    let job = consolidation(JobState::ConsolidationInProgress);
    let mut tasks = tasks(&job, &[TaskState::Pending; 2]);
    let job = counted(job, &tasks);
    let known = event(&tasks[0], TaskStatus::TaskSuccessful);
    let unknown = TaskEvent {
        task_id: TaskId::new(),
        ..known.clone()
    };
    // of another job, whose row is not locked
    tasks[1].job_id = crate::JobId::new();
    let foreign = event(&tasks[1], TaskStatus::TaskSuccessful);
    let events = [unknown, foreign, known];
    let outcome = apply_tasks(job, tasks, &events, now());
    let expected = [Verdict::Unknown, Verdict::Unknown, Verdict::Changed];
    assert_eq!(outcome.verdicts, expected);
}
