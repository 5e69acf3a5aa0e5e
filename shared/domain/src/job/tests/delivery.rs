//! Events delivered twice, and crashes.

use super::{consolidation, event, events, failure, job, now, paused};
use crate::job::{
    ActionRecord, EntryAction, ExecutionLevel, Job, JobEvent, JobState, JobStatus, JobType,
    Reception, TaskCounters, apply, receive,
};

fn record(job: &Job, event: &JobEvent, finished: bool, lease_is_live: bool) -> ActionRecord {
    ActionRecord {
        last_event_id: event.event_id,
        action_revision: job.revision - i64::from(!finished),
        lease_is_live,
    }
}

#[test]
fn after_a_crash_the_same_event_runs_the_action_of_every_state_again() {
    for job_type in [JobType::Consolidation, JobType::Deletion] {
        for state in JobState::ALL {
            for number in 0..JobStatus::NAMES.len() {
                let before = job(job_type, state, ExecutionLevel::Asynchronous);
                let message = JobEvent::new(before.id, event(number), 0);
                let Ok(transition) = apply(&before, &message.status, now()) else {
                    continue;
                };
                let after = transition.job;
                let crashed = record(&after, &message, false, false);
                let expected = match transition.entry {
                    Some(action) => Reception::RunAgain(action),
                    None => Reception::Finished,
                };
                assert_eq!(receive(&after, &crashed, &message, true, now()), expected);
                let finished = record(&after, &message, true, false);
                let again = receive(&after, &finished, &message, true, now());
                assert_eq!(again, Reception::Finished);
            }
        }
    }
}

#[test]
fn a_running_action_is_not_started_twice() {
    let job = Job {
        revision: 3,
        ..consolidation(JobState::Created)
    };
    let message = JobEvent::new(job.id, JobStatus::JobCreated, 3);
    let running = record(&job, &message, false, true);
    assert_eq!(
        receive(&job, &running, &message, true, now()),
        Reception::Busy
    );
    let waiting = paused(job);
    assert_eq!(
        receive(&waiting, &running, &message, true, now()),
        Reception::Finished
    );
}

#[test]
fn a_forced_retry_is_handled_once_per_command() {
    let job = consolidation(JobState::Created);
    let message = JobEvent::new(job.id, JobStatus::RetryForced, 0);
    let other = ActionRecord::default();
    let Reception::Handled(transition) = receive(&job, &other, &message, false, now()) else {
        panic!("not handled");
    };
    assert_eq!(transition.entry, Some(EntryAction::PrepareOrders));
    assert_eq!(
        receive(&job, &other, &message, true, now()),
        Reception::Duplicate
    );
}

#[test]
fn a_second_command_to_go_on_does_not_end_the_next_pause() {
    let job = Job {
        revision: 4,
        ..paused(consolidation(JobState::ConsolidationIndexed))
    };
    let command = |seq| JobEvent::new(job.id, JobStatus::Continue, seq);
    let other = ActionRecord::default();
    let Reception::Handled(transition) =
        receive(&job, &other, &command(job.revision), false, now())
    else {
        panic!("not handled");
    };
    let next = paused(Job {
        state: JobState::ConsolidationEffective,
        revision: transition.job.revision + 1,
        ..transition.job
    });
    let late = receive(&next, &other, &command(job.revision), false, now());
    assert!(matches!(late, Reception::Stale(_)), "{late:?}");
    let third = receive(&next, &other, &command(next.revision), false, now());
    assert!(matches!(third, Reception::Handled(_)), "{third:?}");
}

/// The job with tasks as an event tells of them.
fn as_told(job: &Job, status: &JobStatus) -> Job {
    let failed = u32::from(matches!(status, JobStatus::ConsolidationFailed(_)));
    Job {
        counters: TaskCounters { active: 0, failed },
        ..job.clone()
    }
}

#[test]
fn of_events_for_a_former_revision_only_a_cancel_counts_and_not_a_second_one() {
    let other = ActionRecord::default();
    for job_type in [JobType::Consolidation, JobType::Deletion] {
        for state in JobState::ALL {
            for status in events() {
                for waiting in [false, true] {
                    let job = Job {
                        revision: 7,
                        waiting,
                        ..as_told(&job(job_type, state, ExecutionLevel::Asynchronous), &status)
                    };
                    if apply(&job, &status, now()).is_err() {
                        continue;
                    }
                    let of = |seq| {
                        let event = JobEvent {
                            seq,
                            ..JobEvent::new(job.id, status.clone(), 0)
                        };
                        receive(&job, &other, &event, false, now())
                    };
                    for seq in [Some(7), None] {
                        let received = of(seq);
                        assert!(
                            matches!(received, Reception::Handled(_)),
                            "{state} {status}: {received:?}"
                        );
                    }
                    let second = matches!(
                        state,
                        JobState::ConsolidationCancelling | JobState::RollbackFailed
                    );
                    let counts = match status {
                        JobStatus::CancelledByUser => true,
                        JobStatus::CancelledByUserForced => !second,
                        _ => false,
                    };
                    let late = of(Some(6));
                    let found = matches!(late, Reception::Handled(_));
                    assert_eq!(found, counts, "{state} {status}: {late:?}");
                    let refused =
                        matches!(&late, Reception::Stale(refusal) if refusal.state == state);
                    assert_eq!(refused, !counts, "{state} {status}: {late:?}");
                }
            }
        }
    }
}

#[test]
fn an_end_of_the_tasks_that_they_belie_is_stale() {
    let ended = |active, failed, status: &JobStatus| {
        let job = Job {
            counters: TaskCounters { active, failed },
            ..consolidation(JobState::ConsolidationInProgress)
        };
        for seq in [Some(job.revision), None] {
            let event = JobEvent {
                seq,
                ..JobEvent::new(job.id, status.clone(), 0)
            };
            match receive(&job, &ActionRecord::default(), &event, false, now()) {
                Reception::Handled(_) => {}
                Reception::Stale(_) => return false,
                other => panic!("{other:?}"),
            }
        }
        true
    };
    let failed = JobStatus::ConsolidationFailed(failure());
    for (active, failed_tasks, done_counts, failed_counts) in [
        (0, 0, true, false),
        (0, 1, false, true),
        (1, 0, false, false),
        (1, 1, false, false),
    ] {
        let found = (
            ended(active, failed_tasks, &JobStatus::ConsolidationDone),
            ended(active, failed_tasks, &failed),
        );
        let expected = (done_counts, failed_counts);
        assert_eq!(found, expected, "{active} active, {failed_tasks} failed");
    }
    let unsent = JobStatus::SendOrdersFailed(failure());
    assert!(ended(1, 0, &unsent));
}

#[test]
fn events_without_identity_are_judged_by_the_machine() {
    let job = consolidation(JobState::New);
    let message = JobEvent {
        event_id: None,
        ..JobEvent::new(job.id, JobStatus::JobCreated, 1)
    };
    let none = ActionRecord::default();
    let Reception::Handled(transition) = receive(&job, &none, &message, false, now()) else {
        panic!("not handled");
    };
    let again = receive(&transition.job, &none, &message, false, now());
    assert!(matches!(again, Reception::Stale(refusal) if refusal.state == JobState::Created));
}

#[test]
fn a_stored_swap_is_neither_undone_nor_repeated() {
    let job = Job {
        revision: 5,
        ..consolidation(JobState::ConsolidationIndexed)
    };
    for (status, finished, handled) in [
        (JobStatus::CancelledByUserForced, false, true),
        (JobStatus::RetryForced, false, true),
        (JobStatus::CancelledByUserForced, true, false),
        (JobStatus::RetryForced, true, false),
        (JobStatus::DatasetsSwapped, true, true),
    ] {
        let message = JobEvent::new(job.id, status.clone(), 5);
        let last = JobEvent::new(job.id, JobStatus::ConsolidationIndexed, 4);
        let record = record(&job, &last, finished, false);
        let received = receive(&job, &record, &message, false, now());
        let expected = if handled { "Handled" } else { "Stale" };
        let found = format!("{received:?}");
        assert!(
            found.starts_with(expected),
            "{status:?} {finished}: {found}"
        );
    }
    let waiting = paused(job);
    let message = JobEvent::new(waiting.id, JobStatus::CancelledByUser, 5);
    let record = record(&waiting, &message, true, false);
    let other = JobEvent::new(waiting.id, JobStatus::CancelledByUser, 5);
    let received = receive(&waiting, &record, &other, false, now());
    assert!(matches!(received, Reception::Handled(_)), "{received:?}");
}
