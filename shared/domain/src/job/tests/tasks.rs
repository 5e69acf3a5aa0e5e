//! Tasks: results, retries, cancellation.

use super::{consolidation, counted, deletion, now, paused, states, tasks};
use crate::TaskId;
use crate::job::{
    ActionEnd, FollowUp, Job, JobState, JobStatus, Severity, Task, TaskCounters, TaskEvent,
    TaskOutcome, TaskState, TaskStatus, apply_task, cancel_marker_name, cancellation_ended,
    force_retry_tasks, in_progress_step, retry_tasks, tasks_to_mark_cancelled,
};
use JobState::{
    CancellationFailed, ConsolidationCancelling, ConsolidationFailed, ConsolidationForceRetrying,
    ConsolidationInProgress, ConsolidationRetrying,
};
use TaskState::{Cancelled, Done, Failed, New, Pending};
use TaskStatus::{TaskCancelled, TaskFailed, TaskIgnored, TaskSuccessful};

fn event(task: &Task, status: TaskStatus) -> TaskEvent {
    let error = match status {
        TaskSuccessful => "",
        TaskFailed | TaskIgnored | TaskCancelled => "no such file",
    };
    TaskEvent {
        job_id: task.job_id,
        task_id: task.id,
        status,
        error: error.to_owned(),
        attempt: task.attempt,
        run_id: None,
    }
}

/// A job in `state` with one task in `task`, which then reports `status`.
fn report(state: JobState, task: TaskState, status: TaskStatus) -> Option<TaskOutcome> {
    let job = consolidation(state);
    let tasks = tasks(&job, &[task]);
    let job = counted(job, &tasks);
    apply_task(&job, &tasks[0], &event(&tasks[0], status), now()).ok()
}

fn new_state(outcome: Option<&TaskOutcome>) -> Option<TaskState> {
    match outcome {
        Some(TaskOutcome::Changed { state, .. }) => Some(*state),
        Some(TaskOutcome::Unchanged { .. }) | None => None,
    }
}

#[test]
fn the_last_result_ends_the_state() {
    let job = consolidation(ConsolidationInProgress);
    let mut tasks = tasks(&job, &[Pending, Pending]);
    let mut job = counted(job, &tasks);
    let mut last = None;
    for (index, status) in [TaskSuccessful, TaskFailed].into_iter().enumerate() {
        let message = event(&tasks[index], status);
        let outcome = apply_task(&job, &tasks[index], &message, now()).unwrap();
        let TaskOutcome::Changed {
            job: next,
            state,
            logs,
            follow_up,
        } = outcome
        else {
            panic!("{outcome:?}");
        };
        tasks[index].state = state;
        job = *next;
        last = Some((logs, follow_up));
    }
    assert_eq!(states(&tasks), [Done, Failed]);
    assert_eq!(
        job.counters,
        TaskCounters {
            active: 0,
            failed: 1
        }
    );
    let (logs, follow_up) = last.unwrap();
    assert_eq!(logs[0].severity, Severity::Error);
    assert!(logs[0].message.contains(&tasks[1].id.to_string()));
    assert_eq!(
        logs[1].message,
        format!(
            "TaskEvt received with status TaskFailed (id:{}, err:no such file)",
            tasks[1].id
        )
    );
    let Some(FollowUp::Publish(JobStatus::ConsolidationFailed(reason))) = follow_up else {
        panic!("{follow_up:?}");
    };
    assert_eq!(reason.as_str(), "1 task(s) failed");
}

#[test]
fn a_retry_resets_failed_tasks_only() {
    let job = consolidation(ConsolidationRetrying);
    let mut tasks = tasks(&job, &[Pending, Failed, Done, Cancelled]);
    let reset = retry_tasks(&mut tasks);
    assert_eq!(states(&tasks), [Pending, New, Done, Cancelled]);
    assert_eq!(reset, [tasks[1].id]);
    assert_eq!(
        tasks.iter().map(|task| task.attempt).collect::<Vec<_>>(),
        [1, 2, 1, 1]
    );
    let step = in_progress_step(&mut tasks);
    assert_eq!(states(&tasks), [Pending, Pending, Done, Cancelled]);
    assert_eq!(step.sent, reset);
    assert_eq!(step.end, ActionEnd::AwaitingTasks);
    assert_eq!(
        step.counters,
        TaskCounters {
            active: 2,
            failed: 0
        }
    );
}

#[test]
fn a_forced_retry_resets_whatever_is_not_finished() {
    let job = consolidation(ConsolidationForceRetrying);
    let mut tasks = tasks(&job, &[Done, Pending, Failed, New, Cancelled]);
    assert_eq!(force_retry_tasks(&mut tasks).len(), 2);
    assert_eq!(states(&tasks), [Done, New, New, New, Cancelled]);
    assert_eq!(
        tasks.iter().map(|task| task.attempt).collect::<Vec<_>>(),
        [1, 2, 2, 1, 1]
    );
    let counters = TaskCounters::of(states(&tasks));
    assert_eq!(
        counters,
        TaskCounters {
            active: 3,
            failed: 0
        }
    );
}

#[test]
fn the_state_is_over_when_no_task_is_active() {
    let job = consolidation(ConsolidationInProgress);
    let cases: [(&[TaskState], ActionEnd); 6] = [
        (&[], ActionEnd::Complete),
        (&[Done, Done], ActionEnd::Complete),
        (&[Done, Cancelled], ActionEnd::Complete),
        (&[Done, Failed], ActionEnd::TasksFailed(1)),
        (&[Done, Pending], ActionEnd::AwaitingTasks),
        (&[Failed, New], ActionEnd::AwaitingTasks),
    ];
    for (given, expected) in cases {
        assert_eq!(
            in_progress_step(&mut tasks(&job, given)).end,
            expected,
            "{given:?}"
        );
    }
}

#[test]
fn only_sent_tasks_are_marked_as_cancelled() {
    let job = consolidation(ConsolidationCancelling);
    let tasks = tasks(&job, &[New, Pending, Done, Failed]);
    let marked: Vec<TaskId> = tasks_to_mark_cancelled(&tasks)
        .map(|task| task.id)
        .collect();
    assert_eq!(marked, [tasks[1].id]);
    let name = cancel_marker_name(job.id, marked[0]);
    assert_eq!(name, format!("{}_{}", job.id, marked[0]));
}

#[test]
fn a_late_success_wins_and_a_late_failure_does_not() {
    let at = |task, status| report(ConsolidationInProgress, task, status);
    assert_eq!(new_state(at(Failed, TaskSuccessful).as_ref()), Some(Done));
    assert_eq!(
        new_state(at(Cancelled, TaskSuccessful).as_ref()),
        Some(Done)
    );
    for status in [TaskFailed, TaskIgnored] {
        for task in [Failed, Cancelled] {
            assert_eq!(
                at(task, status),
                Some(TaskOutcome::Unchanged { follow_up: None })
            );
        }
        assert_eq!(at(Done, status), None);
    }
    assert_eq!(
        new_state(at(Pending, TaskIgnored).as_ref()),
        Some(Cancelled)
    );
    assert_eq!(new_state(at(New, TaskSuccessful).as_ref()), Some(Done));
}

#[test]
fn the_same_result_twice_changes_nothing() {
    let at = |task, status| report(ConsolidationInProgress, task, status);
    for (task, status) in [
        (Done, TaskSuccessful),
        (Failed, TaskFailed),
        (Cancelled, TaskIgnored),
    ] {
        assert_eq!(
            at(task, status),
            Some(TaskOutcome::Unchanged { follow_up: None })
        );
    }
}

#[test]
fn results_are_accepted_wherever_the_tasks_are_still_needed() {
    for state in JobState::ALL {
        let accepted = new_state(report(state, Pending, TaskSuccessful).as_ref()) == Some(Done);
        let expected = [
            ConsolidationInProgress,
            ConsolidationFailed,
            ConsolidationRetrying,
            ConsolidationForceRetrying,
            ConsolidationCancelling,
            CancellationFailed,
        ]
        .contains(&state);
        assert_eq!(accepted, expected, "{state}");
    }
    for state in [
        ConsolidationRetrying,
        ConsolidationForceRetrying,
        ConsolidationFailed,
    ] {
        let outcome = report(state, Pending, TaskSuccessful);
        assert!(matches!(
            outcome,
            Some(TaskOutcome::Changed {
                follow_up: None,
                ..
            })
        ));
    }
    for status in TaskStatus::ALL {
        assert_eq!(
            report(JobState::Failed, Pending, status),
            Some(TaskOutcome::Unchanged { follow_up: None }),
            "{status}"
        );
    }
}

#[test]
fn a_paused_job_counts_results_but_goes_on_only_after_the_pause() {
    let job = paused(consolidation(ConsolidationInProgress));
    let tasks = tasks(&job, &[Pending]);
    let job = counted(job, &tasks);
    let message = event(&tasks[0], TaskSuccessful);
    let outcome = apply_task(&job, &tasks[0], &message, now()).unwrap();
    assert!(matches!(
        outcome,
        TaskOutcome::Changed {
            follow_up: None,
            ..
        }
    ));
}

#[test]
fn other_attempts_only_count_when_they_succeed() {
    let job = consolidation(ConsolidationInProgress);
    let mut tasks = tasks(&job, &[Pending]);
    tasks[0].attempt = 2;
    let job = counted(job, &tasks);
    for (status, expected) in [
        (TaskFailed, None),
        (TaskIgnored, None),
        (TaskSuccessful, Some(Done)),
    ] {
        let message = TaskEvent {
            attempt: 1,
            ..event(&tasks[0], status)
        };
        let outcome = apply_task(&job, &tasks[0], &message, now()).ok();
        assert_eq!(new_state(outcome.as_ref()), expected, "{status}");
    }
}

#[test]
fn a_cancelled_task_only_matters_to_a_cancelled_job() {
    assert_eq!(
        report(ConsolidationInProgress, Pending, TaskCancelled),
        Some(TaskOutcome::Unchanged { follow_up: None })
    );
    let Some(TaskOutcome::Changed {
        job,
        state,
        follow_up,
        ..
    }) = report(ConsolidationCancelling, Pending, TaskCancelled)
    else {
        panic!("the task did not change");
    };
    assert_eq!((state, job.counters.active), (Cancelled, 0));
    // a worker of a former attempt may still write
    assert_eq!(follow_up, Some(FollowUp::TestCancellation));
}

#[test]
fn each_result_tests_the_end_of_a_cancellation() {
    let job = consolidation(ConsolidationCancelling);
    let tasks = tasks(&job, &[Pending, Pending, Done]);
    let job = counted(job, &tasks);
    for (task, status) in [(0, TaskCancelled), (2, TaskCancelled), (2, TaskFailed)] {
        let message = event(&tasks[task], status);
        let follow_up = match apply_task(&job, &tasks[task], &message, now()).unwrap() {
            TaskOutcome::Changed { follow_up, .. } | TaskOutcome::Unchanged { follow_up } => {
                follow_up
            }
        };
        assert_eq!(follow_up, Some(FollowUp::TestCancellation));
    }
}

#[test]
fn a_cancellation_ends_with_the_last_lease_or_after_ten_minutes() {
    let at = |seconds: i64| crate::Instant::from_timestamp(1_600_000_000 + seconds, 0).unwrap();
    for (leases, seconds, expected) in [
        (0, 0, true),
        (1, 0, false),
        (1, 599, false),
        (1, 600, true),
        (1, -5, false),
    ] {
        assert_eq!(cancellation_ended(leases, now(), at(seconds)), expected);
    }
}

#[test]
fn results_of_another_job_and_of_a_wrong_state_are_refused() {
    let job = consolidation(ConsolidationInProgress);
    let other: Job = consolidation(ConsolidationInProgress);
    let foreign = &tasks(&other, &[Pending])[0];
    assert!(apply_task(&job, foreign, &event(foreign, TaskSuccessful), now()).is_err());
    let removal = deletion(JobState::DeletionEffective);
    let file = &tasks(&removal, &[New])[0];
    let outcome = apply_task(&removal, file, &event(file, TaskSuccessful), now());
    assert_eq!(new_state(outcome.as_ref().ok()), Some(Done));
}

#[test]
fn task_names_read_back() {
    for (index, state) in TaskState::ALL.into_iter().enumerate() {
        assert_eq!(state as usize, index);
        assert_eq!(
            TaskState::from_name(&state.name().to_lowercase()),
            Some(state)
        );
    }
    for (index, status) in TaskStatus::ALL.into_iter().enumerate() {
        assert_eq!(TaskStatus::from_number(index as i32), Some(status));
        assert_eq!(TaskStatus::from_name(status.name()), Some(status));
    }
    assert_eq!(TaskStatus::from_number(4), None);
}
