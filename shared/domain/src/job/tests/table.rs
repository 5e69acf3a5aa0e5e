//! The machine compared with its tables, every state with every event.

use super::{event, events, job, now, paused};
use crate::job::{ExecutionLevel, JobState, JobStatus, JobType, apply};

/// State: event → next state. `(paused)` marks what needs a pause, `rerun` a forced retry that
/// stays in the state.
const CONSOLIDATION: &str = "
NEW: JobCreated→CREATED CancelledByUser(paused)→ABORTED CancelledByUserForced→ABORTED RetryForced→rerun
CREATED: OrdersPrepared→CONSOLIDATIONINPROGRESS PrepareOrdersFailed→INITIALISATIONFAILED CancelledByUser(paused)→ABORTED CancelledByUserForced→ABORTED RetryForced→rerun
CONSOLIDATIONINPROGRESS: ConsolidationDone→CONSOLIDATIONDONE ConsolidationFailed→CONSOLIDATIONFAILED SendOrdersFailed→CONSOLIDATIONFAILED CancelledByUser→CONSOLIDATIONCANCELLING CancelledByUserForced→CONSOLIDATIONCANCELLING Retried→CONSOLIDATIONRETRYING RetryForced→CONSOLIDATIONFORCERETRYING
CONSOLIDATIONDONE: ConsolidationIndexed→CONSOLIDATIONINDEXED ConsolidationIndexingFailed→CONSOLIDATIONFAILED CancelledByUser(paused)→ABORTED CancelledByUserForced→ABORTED RetryForced→rerun
CONSOLIDATIONINDEXED: DatasetsSwapped→CONSOLIDATIONEFFECTIVE SwapDatasetsFailed→CONSOLIDATIONFAILED CancelledByUser(paused)→ABORTED CancelledByUserForced→ABORTED RetryForced→rerun
CONSOLIDATIONEFFECTIVE: DeletionStarted→DONE StartDeletionFailed→DONEBUTUNTIDY RetryForced→rerun
CONSOLIDATIONFAILED: CancelledByUser→ABORTED CancelledByUserForced→ABORTED Retried→CONSOLIDATIONRETRYING RetryForced→CONSOLIDATIONRETRYING
CONSOLIDATIONRETRYING: OrdersPrepared→CONSOLIDATIONINPROGRESS ConsolidationRetryFailed→CONSOLIDATIONFAILED RetryForced→rerun
CONSOLIDATIONFORCERETRYING: OrdersPrepared→CONSOLIDATIONINPROGRESS ConsolidationRetryFailed→CONSOLIDATIONFAILED RetryForced→rerun
CONSOLIDATIONCANCELLING: CancellationDone→ABORTED CancellationFailed→CANCELLATIONFAILED CancelledByUserForced→ABORTED RetryForced→rerun
CANCELLATIONFAILED: Retried→CONSOLIDATIONCANCELLING RetryForced→CONSOLIDATIONCANCELLING
INITIALISATIONFAILED: CancelledByUser→ABORTED CancelledByUserForced→ABORTED Retried→CREATED RetryForced→CREATED
ABORTED: RollbackDone→FAILED RollbackFailed→ROLLBACKFAILED RetryForced→rerun
ROLLBACKFAILED: CancelledByUserForced→FAILED Retried→ABORTED RetryForced→ABORTED
DONEBUTUNTIDY: Retried→CONSOLIDATIONEFFECTIVE RetryForced→CONSOLIDATIONEFFECTIVE";

const DELETION: &str = "
NEW: JobCreated→CREATED CancelledByUser(paused)→ABORTED CancelledByUserForced→ABORTED RetryForced→rerun
CREATED: DeletionReady→DELETIONINPROGRESS DeletionNotReady→INITIALISATIONFAILED CancelledByUser(paused)→ABORTED CancelledByUserForced→ABORTED RetryForced→rerun
DELETIONINPROGRESS: RemovalDone→DELETIONEFFECTIVE RemovalFailed→DELETIONFAILED CancelledByUser(paused)→ABORTED CancelledByUserForced→ABORTED RetryForced→rerun
DELETIONEFFECTIVE: DeletionDone→DONE DeletionFailed→DONEBUTUNTIDY CancelledByUserForced→ABORTED RetryForced→rerun
DELETIONFAILED: CancelledByUser→ABORTED CancelledByUserForced→ABORTED Retried→DELETIONINPROGRESS RetryForced→DELETIONINPROGRESS
INITIALISATIONFAILED: CancelledByUserForced→ABORTED Retried→CREATED RetryForced→CREATED
ABORTED: RollbackDone→FAILED RollbackFailed→ROLLBACKFAILED RetryForced→rerun
ROLLBACKFAILED: CancelledByUserForced→FAILED Retried→ABORTED RetryForced→ABORTED
DONEBUTUNTIDY: RetryForced→DELETIONEFFECTIVE";

/// What the table says: the next state, `None` when the event is refused.
fn expected(table: &str, state: JobState, event: &JobStatus, waiting: bool) -> Option<JobState> {
    if *event == JobStatus::Continue {
        return waiting.then_some(state);
    }
    let row = table
        .lines()
        .find_map(|line| line.strip_prefix(&format!("{state}: ")))?;
    let (condition, next) = row
        .split(' ')
        .filter_map(|cell| cell.split_once('→'))
        .find_map(|(name, next)| {
            let condition = name.strip_prefix(event.name())?;
            matches!(condition, "" | "(paused)").then_some((condition, next))
        })?;
    match (condition, next) {
        ("(paused)", _) if !waiting => None,
        (_, "rerun") => Some(state),
        (_, next) => Some(JobState::from_name(next).unwrap()),
    }
}

#[test]
fn every_state_handles_exactly_the_events_of_its_table() {
    let mut handled = 0;
    for (job_type, table) in [
        (JobType::Consolidation, CONSOLIDATION),
        (JobType::Deletion, DELETION),
        (JobType::Ingestion, ""),
    ] {
        for state in JobState::ALL {
            let running = job(job_type, state, ExecutionLevel::Asynchronous);
            for job in [running.clone(), paused(running)] {
                for event in events() {
                    let found = apply(&job, &event, now());
                    let expected = if job_type == JobType::Ingestion || !state.is_of(job_type) {
                        None
                    } else {
                        expected(table, state, &event, job.waiting)
                    };
                    let found = found.ok().map(|transition| transition.job.state);
                    assert_eq!(
                        found, expected,
                        "{job_type} {state} {event} {}",
                        job.waiting
                    );
                    handled += usize::from(expected.is_some());
                }
            }
        }
    }
    assert!(handled > 130, "{handled}");
}

#[test]
fn states_and_events_read_back_in_any_letter_case() {
    for (index, state) in JobState::ALL.into_iter().enumerate() {
        assert_eq!(state as usize, index);
        assert_eq!(JobState::from_name(state.name()), Some(state));
        assert_eq!(
            JobState::from_name(&state.name().to_lowercase()),
            Some(state)
        );
    }
    assert_eq!(JobState::from_name("CONSOLIDATION DONE"), None);
    for job_type in JobType::ALL {
        assert_eq!(
            JobType::from_name(&job_type.name().to_lowercase()),
            Some(job_type)
        );
    }
    for (number, name) in JobStatus::NAMES.into_iter().enumerate() {
        assert_eq!(event(number).number(), number);
        assert_eq!(event(number).name(), name);
        assert_eq!(JobStatus::number_of(&name.to_uppercase()), Some(number));
    }
    assert_eq!(JobStatus::from_number(28, ""), None);
}

#[test]
fn twelve_events_need_a_reason_and_the_others_have_none() {
    let failing = events().filter(|event| !event.error().is_empty()).count();
    assert_eq!(failing, 12);
    for event in events() {
        let wrong = if event.error().is_empty() { "why" } else { "" };
        assert_eq!(JobStatus::from_number(event.number(), wrong), None);
    }
}

#[test]
fn only_jobs_at_their_end_are_cleaned() {
    for (text, expected) in [
        ("", &[JobState::Done, JobState::Failed][..]),
        ("done", &[JobState::Done]),
        ("FAILED", &[JobState::Failed]),
        ("DoneButUntidy", &[JobState::DoneButUntidy]),
    ] {
        assert_eq!(JobState::to_clean(text).unwrap(), expected);
    }
    for text in ["NEW", "ABORTED", "x", " DONE"] {
        assert!(JobState::to_clean(text).is_err(), "{text}");
    }
}
