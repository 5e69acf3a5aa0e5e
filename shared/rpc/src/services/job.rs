//! Jobs.

use super::reply::{Checked, Reply, reply};
use crate::convert;
use crate::pb;
use crate::status::status;
use app::App;
use app::job::JobQuery;
use domain::JobId;

pub(super) async fn consolidate(
    app: &App,
    request: pb::ConsolidateRequest,
) -> Reply<pb::ConsolidateResponse> {
    let consolidation = convert::new_consolidation(request, app.limits()).checked()?;
    let id = app.consolidate(consolidation).await.map_err(status)?;
    reply(pb::ConsolidateResponse {
        job_id: id.to_string(),
    })
}

pub(super) async fn list_jobs(
    app: &App,
    request: pb::ListJobsRequest,
) -> Reply<pb::ListJobsResponse> {
    let pb::ListJobsRequest {
        name_like,
        page,
        limit,
    } = request;
    let query = JobQuery {
        name: convert::pattern("name_like", &name_like).checked()?,
        page: convert::page(limit, page).checked()?,
    };
    let jobs = app.list_jobs(&query).await.map_err(status)?;
    reply(pb::ListJobsResponse {
        jobs: jobs.into_iter().map(convert::job_to).collect(),
    })
}

pub(super) async fn get_job(app: &App, request: pb::GetJobRequest) -> Reply<pb::GetJobResponse> {
    let pb::GetJobRequest {
        id,
        log_page,
        log_limit,
    } = request;
    let id = JobId::parse(&id).checked()?;
    let (page, limit) = (log_page.max(0) as u64, log_limit.max(0) as u64);
    let job = app.job(id, page, limit).await.map_err(status)?;
    reply(pb::GetJobResponse {
        job: Some(convert::job_to(job)),
    })
}

pub(super) async fn clean_jobs(
    app: &App,
    request: pb::CleanJobsRequest,
) -> Reply<pb::CleanJobsResponse> {
    let pb::CleanJobsRequest { name_like, state } = request;
    let name = convert::pattern("name_like", &name_like).checked()?;
    let count = app
        .clean_jobs(name.as_ref(), &state)
        .await
        .map_err(status)?;
    reply(pb::CleanJobsResponse {
        count: count as i32,
    })
}

pub(super) async fn retry_job(
    app: &App,
    request: pb::RetryJobRequest,
) -> Reply<pb::RetryJobResponse> {
    let pb::RetryJobRequest {
        id,
        force_any_state,
    } = request;
    let id = JobId::parse(&id).checked()?;
    app.retry_job(id, force_any_state).await.map_err(status)?;
    reply(pb::RetryJobResponse {})
}

pub(super) async fn cancel_job(
    app: &App,
    request: pb::CancelJobRequest,
) -> Reply<pb::CancelJobResponse> {
    let pb::CancelJobRequest {
        id,
        force_any_state,
    } = request;
    let id = JobId::parse(&id).checked()?;
    app.cancel_job(id, force_any_state).await.map_err(status)?;
    reply(pb::CancelJobResponse {})
}

pub(super) async fn continue_job(
    app: &App,
    request: pb::ContinueJobRequest,
) -> Reply<pb::ContinueJobResponse> {
    let id = JobId::parse(&request.id).checked()?;
    app.continue_job(id).await.map_err(status)?;
    reply(pb::ContinueJobResponse {})
}
