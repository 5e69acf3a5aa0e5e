//! The users: each has a job, tries its calls again while no server answers, and failed jobs too.

use super::random::Random;
use super::world::{CANCELLED, DELETED, TWICE, WIDE, World};
use app::App;
use app::job::JobQuery;
use domain::job::JobState;
use domain::{InstanceId, JobId, Pattern, RecordId};
use rpc::pb::consolidate_request::RecordsLister;
use rpc::pb::geocube_client::GeocubeClient;
use rpc::pb::{
    CancelJobRequest, ConsolidateRequest, DeleteDatasetsRequest, ExecutionLevel, RecordIdList,
    RetryJobRequest,
};
use std::time::{Duration, Instant};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};

/// Pause of a user.
const PAUSE: Duration = Duration::from_millis(60);
/// Longest time in which nothing happens to a job.
const LONGEST_STAND_STILL: Duration = Duration::from_mins(1);

pub struct Users {
    grpc: GeocubeClient<Channel>,
    app: App,
    instance: InstanceId,
    records: Vec<RecordId>,
    random: Random,
    /// One cancels a job when its orders are sent.
    cancel_sent: bool,
}

impl Users {
    pub fn of(world: &World<'_>) -> Self {
        let endpoint = Endpoint::from_shared(format!("http://{}", world.programs.address)).unwrap();
        let channel = endpoint
            .connect_timeout(Duration::from_secs(2))
            .timeout(Duration::from_secs(20))
            .connect_lazy();
        Self {
            grpc: GeocubeClient::new(channel),
            app: world.app.clone(),
            instance: world.prepared.instance,
            records: world.prepared.records.clone(),
            random: world.random.clone(),
            cancel_sent: world.trouble.is_some_and(|trouble| trouble.cancel_sent),
        }
    }

    /// All of them, until every job is over.
    pub async fn act(mut self) {
        let patience = [(); 2].map(|()| self.random.between(50, 1200));
        tokio::join!(
            self.rewrite_twice(),
            self.rewrite_wide(patience[0]),
            self.delete(),
            self.rewrite_and_cancel(patience[1]),
        );
        // the deletions that followed
        for job in self.jobs("*_deletion_*").await {
            self.end_of(job).await;
        }
    }

    async fn rewrite_twice(&self) {
        let first = TWICE.start..TWICE.end - 1;
        let job = self.consolidate("first", "tiles", &self.records[first]);
        let job = job.await;
        assert_eq!(self.end_of(job).await, JobState::Done);
        let job = self
            .consolidate("second", "tiles", &self.records[TWICE])
            .await;
        assert_eq!(self.end_of(job).await, JobState::Done);
    }

    /// Has no patience.
    async fn rewrite_wide(&self, patience: Duration) {
        let job = self.consolidate("wide", "fine", &self.records[WIDE]).await;
        tokio::time::sleep(patience).await;
        self.retry(job, true).await;
        assert_eq!(self.end_of(job).await, JobState::Done);
    }

    async fn rewrite_and_cancel(&self, patience: Duration) {
        let job = self
            .consolidate("cancelled", "tiles", &self.records[CANCELLED])
            .await;
        if self.cancel_sent {
            self.orders_of(job).await;
        } else {
            tokio::time::sleep(patience).await;
        }
        let request = CancelJobRequest {
            id: job.to_string(),
            force_any_state: true,
        };
        self.call(async || self.grpc.clone().cancel_job(request.clone()).await)
            .await;
        self.end_of(job).await;
    }

    async fn delete(&self) {
        let records = &self.records[DELETED];
        let request = DeleteDatasetsRequest {
            record_ids: records.iter().map(ToString::to_string).collect(),
            execution_level: ExecutionLevel::ExecutionAsynchronous.into(),
            job_name: "deletion".to_owned(),
            ..DeleteDatasetsRequest::default()
        };
        self.call(async || self.grpc.clone().delete_datasets(request.clone()).await)
            .await;
        let job = self.job_named("deletion").await;
        assert_eq!(self.end_of(job).await, JobState::Done);
    }

    async fn consolidate(&self, name: &str, layout: &str, records: &[RecordId]) -> JobId {
        let ids = records.iter().map(ToString::to_string).collect();
        let request = ConsolidateRequest {
            job_name: name.to_owned(),
            instance_id: self.instance.to_string(),
            layout_name: layout.to_owned(),
            execution_level: ExecutionLevel::ExecutionAsynchronous.into(),
            records_lister: Some(RecordsLister::Records(RecordIdList { ids })),
            ..ConsolidateRequest::default()
        };
        self.call(async || self.grpc.clone().consolidate(request.clone()).await)
            .await;
        self.job_named(name).await
    }

    async fn retry(&self, job: JobId, force_any_state: bool) {
        let request = RetryJobRequest {
            id: job.to_string(),
            force_any_state,
        };
        self.call(async || self.grpc.clone().retry_job(request.clone()).await)
            .await;
    }

    /// Calls until a server answers. Whether the job is there already, or past what was asked for, the user looks up.
    async fn call<T>(&self, call: impl AsyncFn() -> Result<T, Status>) {
        let begun = Instant::now();
        loop {
            let Err(status) = call().await else {
                return;
            };
            match status.code() {
                // not found: a deletion that was carried out although its answer was lost
                Code::AlreadyExists | Code::FailedPrecondition | Code::NotFound => return,
                Code::Unavailable | Code::Unknown | Code::Cancelled | Code::DeadlineExceeded => {}
                _ => panic!("{status:?}"),
            }
            assert!(begun.elapsed() < LONGEST_STAND_STILL, "{status:?}");
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Waits until the orders of a job are sent.
    async fn orders_of(&self, id: JobId) {
        let begun = Instant::now();
        loop {
            let job = self.app.job(id, 0, 1000).await.unwrap();
            if job.logs.iter().any(|line| line.contains("order(s) sent")) {
                return;
            }
            assert!(begun.elapsed() < LONGEST_STAND_STILL, "{:#?}", job.logs);
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn job_named(&self, name: &str) -> JobId {
        let jobs = self.jobs(name).await;
        assert_eq!(jobs.len(), 1, "jobs named {name}");
        jobs[0]
    }

    async fn jobs(&self, name: &str) -> Vec<JobId> {
        let query = JobQuery {
            name: Pattern::parse(name),
            ..JobQuery::default()
        };
        let jobs = self.app.list_jobs(&query).await.unwrap();
        jobs.into_iter().map(|found| found.job.id).collect()
    }

    /// Waits for the last state of a job; what failed is tried again.
    async fn end_of(&self, id: JobId) -> JobState {
        let (mut last, mut since) = (None, Instant::now());
        loop {
            let job = self.app.job(id, 0, 30).await.unwrap();
            let state = job.job.state;
            match state {
                JobState::Done | JobState::Failed => return state,
                JobState::ConsolidationFailed
                | JobState::DeletionFailed
                | JobState::InitialisationFailed
                | JobState::CancellationFailed
                | JobState::RollbackFailed => self.retry(id, false).await,
                JobState::DoneButUntidy => self.retry(id, true).await,
                _ => {}
            }
            let now = Some((state, job.job.revision, job.job.last_update));
            if now != last {
                (last, since) = (now, Instant::now());
            }
            assert!(
                since.elapsed() < LONGEST_STAND_STILL,
                "job {} stands still in {state:?}: {:#?}",
                job.job.name,
                job.logs
            );
            tokio::time::sleep(PAUSE).await;
        }
    }
}
