//! Consolidation: a job of the service rewrites the images.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rpc::pb::consolidate_request::RecordsLister;
use rpc::pb::{ConsolidateRequest, ExecutionLevel, GetJobRequest, RecordIdList};

use super::{Job, done};
use crate::demo::client::refusal;
use crate::screen;

/// How often the job is looked at.
const PAUSE: Duration = Duration::from_millis(50);
/// After this time without any news the job counts as stuck.
const LONGEST_SILENCE: Duration = Duration::from_mins(5);
/// Lines of the log asked for at a time.
const LINES: i32 = 1000;

impl Job<'_> {
    /// Starts the job and follows it to its end.
    ///
    /// # Errors
    /// A refusal of the server, or a job that fails.
    pub async fn consolidate(&mut self) -> anyhow::Result<Duration> {
        let started = Instant::now();
        let request = ConsolidateRequest {
            job_name: format!("demo-{}", self.suffix),
            instance_id: self.instance.clone(),
            layout_name: self.layout.clone(),
            execution_level: ExecutionLevel::ExecutionAsynchronous.into(),
            records_lister: Some(RecordsLister::Records(RecordIdList {
                ids: self.records.clone(),
            })),
            ..ConsolidateRequest::default()
        };
        let answer = self.client.grpc.consolidate(request).await;
        let id = answer
            .map_err(|status| refusal(&status))?
            .into_inner()
            .job_id;
        self.follow(&id).await?;
        let time = started.elapsed();
        done(started, "the job is done");
        Ok(time)
    }

    async fn follow(&mut self, id: &str) -> anyhow::Result<()> {
        let mut shown = 0;
        let mut state = String::new();
        let mut news = Instant::now();
        loop {
            let request = GetJobRequest {
                id: id.to_owned(),
                log_page: 0,
                log_limit: LINES,
            };
            let answer = self.client.grpc.get_job(request).await;
            let job = answer.map_err(|status| refusal(&status))?.into_inner().job;
            let job = job.context("no job was returned")?;
            if job.logs.len() > shown || job.state != state {
                news = Instant::now();
            }
            for line in job.logs.get(shown..).unwrap_or_default() {
                screen::result(&format!("    {line}"));
            }
            shown = shown.max(job.logs.len());
            state = job.state;
            match state.as_str() {
                "DONE" => return Ok(()),
                "DONEBUTUNTIDY" => {
                    screen::note("the job is done, but files of before are left");
                    return Ok(());
                }
                failed if failed.ends_with("FAILED") || failed == "ABORTED" => {
                    bail!("the consolidation ended in the state {failed}; its log is above");
                }
                _ => {}
            }
            if news.elapsed() > LONGEST_SILENCE {
                bail!("the consolidation is in the state {state} since minutes, without any news");
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}
