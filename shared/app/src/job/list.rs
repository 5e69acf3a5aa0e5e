//! Reading jobs.

use super::JobSnapshot;
use crate::{App, Result};
use database::{Page, job, job_log};
use domain::job::{Job, LogPage, list_job_lines};
use domain::{JobId, Pattern};

/// Entries of the log of each job of a list.
const LISTED_ENTRIES: u32 = 10;

/// Which jobs to list.
#[derive(Clone, Debug, Default)]
pub struct JobQuery {
    /// Pattern of their names.
    pub name: Option<Pattern>,
    /// Which part of the list.
    pub page: Page,
}

impl App {
    /// Jobs by time of creation, each with the last lines of its log.
    ///
    /// # Errors
    /// [`domain::Error::LimitExceeded`] when there are more than one answer may have.
    pub async fn list_jobs(&self, query: &JobQuery) -> Result<Vec<JobSnapshot>> {
        let mut connection = self.database().read().await?;
        // one more shows whether there are more than one answer may have
        let most = self.limits().datasets.saturating_add(1);
        let jobs = job::list(&mut connection, query.name.as_ref(), query.page, most).await?;
        self.limits().check_answer("jobs", jobs.len())?;
        let ids: Vec<JobId> = jobs.iter().map(|job| job.id).collect();
        let mut logs = job_log::newest(&mut connection, &ids, LISTED_ENTRIES).await?;
        let snapshot = |job: Job| {
            let entries = logs.remove(&job.id).unwrap_or_default();
            JobSnapshot {
                job,
                logs: list_job_lines(&entries),
            }
        };
        Ok(jobs.into_iter().map(snapshot).collect())
    }

    /// A job and a page of its log, counted from the newest entry; no log with a limit of 0. A page has no more entries than
    /// one answer may have items.
    ///
    /// # Errors
    /// [`domain::Error::NotFound`].
    pub async fn job(&self, id: JobId, log_page: u64, log_limit: u64) -> Result<JobSnapshot> {
        let limit = log_limit.min(u64::from(self.limits().datasets));
        self.snapshot(id, LogPage::new(log_page, limit)).await
    }

    pub(super) async fn snapshot(&self, id: JobId, page: LogPage) -> Result<JobSnapshot> {
        let mut connection = self.database().read().await?;
        let job = job::get(&mut connection, id).await?.job;
        if page.limit() == 0 {
            return Ok(JobSnapshot {
                job,
                logs: Vec::new(),
            });
        }
        let entries = job_log::page(&mut connection, id, page).await?;
        let total = job_log::count(&mut connection, id).await?;
        Ok(JobSnapshot {
            job,
            logs: page.lines(&entries, total),
        })
    }
}
