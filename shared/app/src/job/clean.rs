//! Removal of finished jobs.

use super::failure;
use crate::{App, Error, PathPolicy, Result};
use database::job::StoredJob;
use database::{PgConnection, dataset, in_transaction, job, noted_file, task};
use domain::job::{JobState, JobType, TaskState};
use domain::{DatasetStatus, JobId, Pattern, Uri};

/// Jobs that are looked up together.
const PAGE: u32 = 1000;

/// What became of the jobs to remove.
#[derive(Default)]
struct Cleaned {
    removed: u64,
    left: u64,
    /// Why the last one is left.
    error: Option<Error>,
}

impl App {
    /// Removes the finished jobs of a name, or of all names, that are in `state`; without a state,
    /// those DONE or FAILED. Answers how many. Jobs that cannot be removed do not keep the others. Files that a deletion did not
    /// manage to delete are left to the sweeper.
    ///
    /// # Errors
    /// [`domain::Error::Invalid`] for any other state than DONE, FAILED and DONEBUTUNTIDY; what kept a job from being
    /// removed, with the numbers of the removed ones and of those that are left: [`domain::Error::Precondition`] where the job
    /// is DONEBUTUNTIDY and the only one that knows of datasets which are still to be deleted.
    pub async fn clean_jobs(&self, name: Option<&Pattern>, state: &str) -> Result<u64> {
        let states = JobState::to_clean(state)?;
        let mut cleaned = Cleaned::default();
        if let Err(error) = self.clean(name, &states, &mut cleaned).await {
            cleaned.error = Some(error);
        }
        match cleaned.error {
            None => Ok(cleaned.removed),
            Some(error) => Err(explained(error, cleaned.removed, cleaned.left)),
        }
    }

    async fn clean(
        &self,
        name: Option<&Pattern>,
        states: &[JobState],
        cleaned: &mut Cleaned,
    ) -> Result<()> {
        let mut last = None;
        loop {
            let ids = {
                let mut connection = self.database().read().await?;
                job::ids_in_states(&mut connection, name, states, last, PAGE).await?
            };
            let Some(end) = ids.last() else {
                return Ok(());
            };
            last = Some(*end);
            for id in ids {
                match self.remove(id, states).await {
                    Ok(removed) => cleaned.removed += u64::from(removed),
                    Err(error) => {
                        tracing::warn!(job.id = %id, error = failure::text(&error), "job is not removed");
                        cleaned.left += 1;
                        cleaned.error = Some(error);
                    }
                }
            }
        }
    }

    async fn remove(&self, id: JobId, states: &[JobState]) -> Result<bool> {
        let paths = &self.options().paths;
        Ok(in_transaction(self.database(), |tx| {
            let (states, paths) = (states.to_vec(), paths.clone());
            Box::pin(async move {
                let stored = match job::get_for_update(tx, id).await {
                    Ok(stored) if states.contains(&stored.job.state) => stored,
                    Ok(_) | Err(database::Error::Domain(domain::Error::NotFound { .. })) => {
                        return Ok(false);
                    }
                    Err(error) => return Err(error),
                };
                keep_what_is_left(tx, &stored, &paths).await?;
                job::delete(tx, id, &states).await
            })
        })
        .await?)
    }
}

/// Sees to it that nothing is forgotten with a job. Its tasks are all that tells of files whose containers are gone, and its
/// locks of datasets that it replaced but did not hand over to a deletion.
async fn keep_what_is_left(
    conn: &mut PgConnection,
    stored: &StoredJob,
    paths: &PathPolicy,
) -> database::Result<()> {
    let job = &stored.job;
    let replaced = dataset::ids_of_job(conn, job.id, DatasetStatus::ToDelete).await?;
    // one that is over for good cannot be retried, and what it holds is released, as at all times
    if !replaced.is_empty() && job.state == JobState::DoneButUntidy {
        let text = format!(
            "Job {}: {} dataset(s) are still to be deleted (current state={}): force a retry first",
            job.id,
            replaced.len(),
            job.state
        );
        return Err(domain::Error::Precondition(text).into());
    }
    if job.job_type != JobType::Deletion {
        return Ok(());
    }
    let unfinished = [TaskState::New, TaskState::Pending, TaskState::Failed];
    let tasks = task::list(conn, job.id, &unfinished).await?;
    let file = |payload: &[u8]| Uri::parse(String::from_utf8_lossy(payload)).ok();
    let files: Vec<Uri> = tasks
        .iter()
        .filter_map(|task| file(&task.payload))
        .filter(|uri| paths.may_manage(uri))
        .collect();
    noted_file::note_files(conn, job.id, &files).await
}

/// Why jobs are left, with their number and that of the removed ones, which stay removed.
fn explained(error: Error, removed: u64, left: u64) -> Error {
    let what = |what: String| {
        format!("the removal of jobs ({removed} removed, {left} could not be removed): {what}")
    };
    match error {
        Error::Unavailable { what: part, source } => Error::Unavailable {
            what: what(part),
            source,
        },
        Error::Internal { what: part, source } => Error::Internal {
            what: what(part),
            source,
        },
        Error::Domain(domain::Error::Precondition(part)) => {
            Error::Domain(domain::Error::Precondition(what(part)))
        }
        other @ (Error::Domain(_) | Error::DeadlineExceeded(_) | Error::Cancelled(_)) => other,
    }
}
