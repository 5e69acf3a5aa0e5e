//! Whole lives of jobs over a queue that doubles, delays and shuffles, with users who command whatever is allowed.

use super::{consolidation, deletion, failure, now};
use crate::job::{
    ActionEnd, ActionRecord, EntryAction, ExecutionLevel, Job, JobEvent, JobState, JobStatus,
    Reception, TaskCounters, apply_stored, receive,
};
use crate::{EventId, Result};
use proptest::prelude::*;
use std::collections::HashSet;

const COMMANDS: [JobStatus; 5] = [
    JobStatus::Continue,
    JobStatus::Retried,
    JobStatus::RetryForced,
    JobStatus::CancelledByUser,
    JobStatus::CancelledByUserForced,
];

/// What happens next.
#[derive(Clone, Debug)]
enum Step {
    /// A user commands something, if it is not refused.
    Command(usize),
    /// One of all the events so far is delivered, whether for the first time or again.
    Delivery(prop::sample::Index),
    /// The next event that was not delivered yet is, and its action succeeds or fails.
    Progress(bool),
    /// A task that failed succeeds after all.
    LateSuccess,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (0..COMMANDS.len()).prop_map(Step::Command),
        any::<prop::sample::Index>().prop_map(Step::Delivery),
        any::<bool>().prop_map(Step::Progress),
        any::<bool>().prop_map(Step::Progress),
        Just(Step::LateSuccess),
    ];
    prop::collection::vec(step, 0..60)
}

/// A job, all that is stored about it, and every event that was ever published.
struct Life {
    job: Job,
    record: ActionRecord,
    handled: HashSet<EventId>,
    /// Commands that were refused are remembered as well.
    remembered: HashSet<EventId>,
    published: Vec<JobEvent>,
    /// Number of events that were delivered in their order.
    delivered: usize,
}

impl Life {
    fn new(job: Job) -> Self {
        let created = JobEvent::new(job.id, JobStatus::JobCreated, 0);
        Self {
            job,
            record: ActionRecord::default(),
            handled: HashSet::new(),
            remembered: HashSet::new(),
            published: vec![created],
            delivered: 0,
        }
    }

    fn post(&mut self, status: JobStatus) {
        let event = JobEvent::new(self.job.id, status, self.job.revision);
        self.published.push(event);
    }

    fn command(&mut self, status: &JobStatus) {
        if apply_stored(&self.job, self.record.action_revision, status, now()).is_ok() {
            self.post(status.clone());
        }
    }

    fn late_success(&mut self) {
        let idle = self.job.state == JobState::ConsolidationInProgress && !self.job.waiting;
        if idle && self.job.counters.failed == 1 {
            self.job.counters.failed = 0;
            self.post(JobStatus::ConsolidationDone);
        }
    }

    fn progress(&mut self, succeeds: bool) -> Result<(), TestCaseError> {
        if self.delivered == self.published.len() {
            return Ok(());
        }
        self.delivered += 1;
        self.deliver(self.delivered - 1, succeeds)
    }

    fn deliver(&mut self, number: usize, succeeds: bool) -> Result<(), TestCaseError> {
        let event = self.published[number].clone();
        let id = event.event_id.expect("each has one");
        let known = self.handled.contains(&id) || self.remembered.contains(&id);
        let (state, revision) = (self.job.state, self.job.revision);
        match receive(&self.job, &self.record, &event, known, now()) {
            Reception::Handled(transition) => {
                prop_assert!(
                    self.handled.insert(id),
                    "{} twice in {}",
                    event.status,
                    state
                );
                let cancel = matches!(
                    event.status,
                    JobStatus::CancelledByUser | JobStatus::CancelledByUserForced
                );
                prop_assert!(
                    cancel || event.seq == Some(revision),
                    "{} of a former visit in {}",
                    event.status,
                    state
                );
                self.job = transition.job;
                self.record.last_event_id = Some(id);
                if let Some(action) = transition.entry {
                    self.run(action, succeeds);
                }
            }
            Reception::Stale(_) => {
                if event.status.is_command() {
                    self.remembered.insert(id);
                } else {
                    let belied = matches!(event.status, JobStatus::ConsolidationFailed(_));
                    prop_assert!(
                        event.seq < Some(revision) || belied,
                        "{} is lost in {}",
                        event.status,
                        state
                    );
                }
            }
            Reception::Finished | Reception::Duplicate => {}
            other @ (Reception::Busy | Reception::RunAgain(_)) => {
                return Err(TestCaseError::fail(format!("{other:?}")));
            }
        }
        Ok(())
    }

    fn run(&mut self, action: EntryAction, succeeds: bool) {
        self.record.action_revision = self.job.revision;
        let failed = u32::from(action == EntryAction::SendOrders && !succeeds);
        self.job.counters = TaskCounters { active: 0, failed };
        let end = match (succeeds, action) {
            (true, _) | (false, EntryAction::Start | EntryAction::ReleaseLocks) => {
                Ok(ActionEnd::Complete)
            }
            (false, EntryAction::SendOrders) => Ok(ActionEnd::TasksFailed(1)),
            (false, _) => Err(failure()),
        };
        if let Some(status) = action.follow_up(end) {
            self.post(status);
        }
    }

    /// Whether the job is over, or needs its user.
    fn rests(&self) -> bool {
        let action = EntryAction::of(self.job.job_type, self.job.state);
        self.job.waiting || action.is_none() || self.job.state.is_terminal()
    }
}

fn first(is_deletion: bool, level: usize) -> Job {
    let job = if is_deletion {
        deletion(JobState::New)
    } else {
        consolidation(JobState::New)
    };
    Job {
        execution_level: ExecutionLevel::ALL[level],
        ..job
    }
}

proptest! {
    #[test]
    fn no_event_is_lost_and_none_acts_on_a_later_visit(
        is_deletion: bool,
        level in 0..ExecutionLevel::ALL.len(),
        steps in steps(),
    ) {
        let mut life = Life::new(first(is_deletion, level));
        for step in steps {
            match step {
                Step::Command(number) => life.command(&COMMANDS[number]),
                Step::Delivery(index) => {
                    let number = index.index(life.published.len());
                    life.deliver(number, true)?;
                }
                Step::Progress(succeeds) => life.progress(succeeds)?,
                Step::LateSuccess => life.late_success(),
            }
        }
        // whatever was delivered before its time comes again, as the rest does
        life.delivered = 0;
        while life.delivered < life.published.len() {
            life.progress(true)?;
        }
        prop_assert!(life.rests(), "stuck in {}", life.job.state);
        let before = life.job.clone();
        for number in 0..life.published.len() {
            life.deliver(number, true)?;
        }
        prop_assert_eq!(&life.job, &before, "copies change nothing");
    }

    #[test]
    fn two_commands_in_one_state_do_no_more_than_one(
        is_deletion: bool,
        level in 0..ExecutionLevel::ALL.len(),
        steps in steps(),
        command in 0..COMMANDS.len(),
    ) {
        let mut life = Life::new(first(is_deletion, level));
        for step in steps {
            match step {
                Step::Command(number) => life.command(&COMMANDS[number]),
                Step::Delivery(_) | Step::Progress(_) => life.progress(true)?,
                Step::LateSuccess => life.late_success(),
            }
        }
        while life.delivered < life.published.len() {
            life.progress(true)?;
        }
        let (once, twice) = (COMMANDS[command].clone(), life.published.len());
        life.command(&once);
        life.command(&once);
        if life.published.len() == twice {
            return Ok(());
        }
        life.deliver(twice, false)?;
        let after = life.job.clone();
        life.deliver(twice + 1, false)?;
        prop_assert_eq!(&life.job, &after, "{}", once);
        life.delivered = twice + 2;
        while life.delivered < life.published.len() {
            life.progress(false)?;
            let after = life.job.clone();
            life.deliver(twice + 1, true)?;
            prop_assert_eq!(&life.job, &after, "{}", once);
        }
    }
}
