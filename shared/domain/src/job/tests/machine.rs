//! Jobs from end to end, pauses and logs.

use super::{consolidation, deletion, failure, job, now, paused};
use crate::job::{
    ActionEnd, EntryAction, ExecutionLevel, Job, JobState, JobStatus, JobType, Severity, apply,
};
use crate::{Error, InstanceId};
use ExecutionLevel::{StepByStepAll, StepByStepCritical, StepByStepMajor};

/// Runs a job whose actions all succeed, continuing after each pause. Returns the states entered
/// and those in which it paused.
fn run(mut job: Job) -> (Vec<JobState>, Vec<JobState>) {
    let (mut entered, mut pauses) = (Vec::new(), Vec::new());
    let mut event = Some(JobStatus::JobCreated);
    while let Some(next) = event {
        let transition = apply(&job, &next, now()).unwrap();
        if transition.job.state != job.state {
            entered.push(transition.job.state);
        }
        job = transition.job;
        event = if job.waiting {
            pauses.push(job.state);
            assert_eq!(transition.entry, None);
            Some(JobStatus::Continue)
        } else {
            transition
                .entry
                .and_then(|action| action.follow_up(Ok(ActionEnd::Complete)))
        };
    }
    (entered, pauses)
}

#[test]
fn an_asynchronous_consolidation_runs_to_its_end_without_pause() {
    use JobState::{
        ConsolidationDone, ConsolidationEffective, ConsolidationInProgress, ConsolidationIndexed,
        Created, Done,
    };
    let (entered, pauses) = run(consolidation(JobState::New));
    assert_eq!(
        entered,
        [
            Created,
            ConsolidationInProgress,
            ConsolidationDone,
            ConsolidationIndexed,
            ConsolidationEffective,
            Done
        ]
    );
    assert!(pauses.is_empty());
}

#[test]
fn jobs_pause_where_their_level_says() {
    use JobState::{
        ConsolidationDone, ConsolidationEffective, ConsolidationInProgress, ConsolidationIndexed,
        Created, DeletionEffective, DeletionInProgress,
    };
    let consolidations: [(ExecutionLevel, &[JobState]); 3] = [
        (
            StepByStepCritical,
            &[ConsolidationInProgress, ConsolidationEffective],
        ),
        (
            StepByStepMajor,
            &[
                Created,
                ConsolidationInProgress,
                ConsolidationDone,
                ConsolidationEffective,
            ],
        ),
        (
            StepByStepAll,
            &[
                Created,
                ConsolidationInProgress,
                ConsolidationDone,
                ConsolidationIndexed,
                ConsolidationEffective,
            ],
        ),
    ];
    for (level, expected) in consolidations {
        let (entered, pauses) = run(job(JobType::Consolidation, JobState::New, level));
        assert_eq!(pauses, expected, "{level}");
        assert_eq!(entered.last(), Some(&JobState::Done));
    }
    let deletions: [(ExecutionLevel, &[JobState]); 5] = [
        (ExecutionLevel::Synchronous, &[]),
        (ExecutionLevel::Asynchronous, &[]),
        (StepByStepCritical, &[DeletionInProgress]),
        (
            StepByStepMajor,
            &[Created, DeletionInProgress, DeletionEffective],
        ),
        (
            StepByStepAll,
            &[Created, DeletionInProgress, DeletionEffective],
        ),
    ];
    for (level, expected) in deletions {
        let (entered, pauses) = run(job(JobType::Deletion, JobState::New, level));
        assert_eq!(pauses, expected, "{level}");
        assert_eq!(entered.last(), Some(&JobState::Done));
    }
}

#[test]
fn a_synchronous_consolidation_is_invalid() {
    let error = Job::consolidation(
        "name".to_owned(),
        "layout".to_owned(),
        InstanceId::new(),
        None,
        ExecutionLevel::Synchronous,
        now(),
    );
    assert!(matches!(error, Err(Error::Invalid(text)) if text.starts_with("execution_level")));
}

#[test]
fn a_refusal_names_job_event_and_state() {
    let job = consolidation(JobState::New);
    let refusal = apply(&job, &JobStatus::CancelledByUser, now()).unwrap_err();
    let text = format!(
        "Job {}: Unable to trigger CancelledByUser (current state=NEW)",
        job.id
    );
    assert_eq!(refusal.to_string(), text);
    assert_eq!(Error::from(refusal), Error::Precondition(text));
}

#[test]
fn a_cancelled_pause_waits_again_before_the_rollback() {
    let waiting = paused(consolidation(JobState::Created));
    let aborted = apply(&waiting, &JobStatus::CancelledByUser, now()).unwrap();
    assert_eq!(
        (aborted.job.state, aborted.job.waiting),
        (JobState::Aborted, true)
    );
    assert_eq!(aborted.entry, None);
    let released = apply(&aborted.job, &JobStatus::Continue, now()).unwrap();
    assert_eq!(released.entry, Some(EntryAction::RollBackConsolidation));
    let over = EntryAction::RollBackConsolidation.follow_up(Ok(ActionEnd::Complete));
    let failed = apply(&released.job, &over.unwrap(), now()).unwrap();
    assert_eq!(
        (failed.job.state, failed.job.waiting),
        (JobState::Failed, false)
    );
}

#[test]
fn a_forced_retry_does_nothing_on_a_paused_job_and_reruns_a_running_one() {
    let waiting = paused(consolidation(JobState::Created));
    let transition = apply(&waiting, &JobStatus::RetryForced, now()).unwrap();
    assert_eq!(transition.job.state, JobState::Created);
    assert!(transition.job.waiting);
    assert_eq!(transition.entry, None);
    let running = consolidation(JobState::Created);
    let transition = apply(&running, &JobStatus::RetryForced, now()).unwrap();
    assert_eq!(transition.job.state, JobState::Created);
    assert_eq!(transition.job.revision, running.revision + 1);
    assert_eq!(transition.entry, Some(EntryAction::PrepareOrders));
    assert!(transition.logs.len() >= 2);
}

#[test]
fn a_failure_is_logged_in_the_state_where_it_happened() {
    let running = consolidation(JobState::Created);
    let event = JobStatus::PrepareOrdersFailed(failure());
    let transition = apply(&running, &event, now()).unwrap();
    let first = &transition.logs[0];
    assert_eq!(
        (first.severity, first.state),
        (Severity::Error, JobState::Created)
    );
    assert!(first.message.contains("broken"));
    assert_eq!(transition.entry, None);
    let last = transition.logs.last().unwrap();
    assert!(last.message.contains("retry or cancel"), "{}", last.message);
    // at the most detailed level the remarks come after the pause
    let slow = Job {
        execution_level: StepByStepAll,
        ..running
    };
    let transition = apply(&slow, &event, now()).unwrap();
    assert_eq!(transition.logs.len(), 2);
    let released = apply(&transition.job, &JobStatus::Continue, now()).unwrap();
    assert_eq!(released.logs.len(), 3);
}

#[test]
fn cancelling_a_running_file_deletion_warns() {
    let running = deletion(JobState::DeletionEffective);
    let warned = |job: &Job| {
        let transition = apply(job, &JobStatus::CancelledByUserForced, now()).unwrap();
        assert_eq!(transition.job.state, JobState::Aborted);
        transition
            .logs
            .iter()
            .any(|log| log.severity == Severity::Warn)
    };
    assert!(warned(&running));
    assert!(!warned(&paused(running)));
}

#[test]
fn giving_up_a_failed_rollback_releases_the_locks() {
    for job in [
        consolidation(JobState::RollbackFailed),
        deletion(JobState::RollbackFailed),
    ] {
        let transition = apply(&job, &JobStatus::CancelledByUserForced, now()).unwrap();
        assert_eq!(transition.job.state, JobState::Failed);
        assert_eq!(transition.entry, Some(EntryAction::ReleaseLocks));
        let again = apply(&job, &JobStatus::Retried, now()).unwrap();
        assert_eq!(again.job.state, JobState::Aborted);
    }
}

#[test]
fn the_follow_up_of_every_action_is_handled_in_its_state() {
    for job_type in [JobType::Consolidation, JobType::Deletion] {
        for state in JobState::ALL
            .into_iter()
            .filter(|state| state.is_of(job_type))
        {
            let Some(action) = EntryAction::of(job_type, state) else {
                continue;
            };
            let job = job(job_type, state, ExecutionLevel::Asynchronous);
            for end in [
                Ok(ActionEnd::Complete),
                Ok(ActionEnd::TasksFailed(2)),
                Ok(ActionEnd::AwaitingTasks),
                Err(failure()),
            ] {
                if let Some(event) = action.follow_up(end) {
                    let next = apply(&job, &event, now()).unwrap();
                    assert_ne!(next.job.state, state);
                }
            }
        }
    }
}

#[test]
fn deletion_jobs_have_names() {
    let parent = consolidation(JobState::ConsolidationEffective);
    let child = parent.deletion_of_replaced(now());
    assert!(child.name.starts_with("job_deletion_"));
    assert_eq!(child.execution_level, ExecutionLevel::Asynchronous);
    assert_eq!(serde_json::to_string(&child.payload).unwrap(), "{}");
    let unnamed = Job::deletion(String::new(), StepByStepCritical, now());
    assert_eq!(unnamed.name.len(), 36);
    let payload = serde_json::to_value(&parent.payload).unwrap();
    assert_eq!(payload["params_id"], parent.id.to_string());
    assert_eq!(payload.get("collapse_record_id"), None);
}
