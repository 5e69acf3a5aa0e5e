//! A job as a caller sees it.

use domain::job::Job;

/// A job and a page of its log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobSnapshot {
    /// The job.
    pub job: Job,
    /// Lines of its log, in chronological order, with remarks on those left out.
    pub logs: Vec<String>,
}
