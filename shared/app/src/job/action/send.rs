//! CONSOLIDATIONINPROGRESS: the orders go to the workers.

use super::running::{Running, Stop};
use crate::job::outbox::Posted;
use crate::{Error, Result};
use database::task;
use domain::TaskId;
use domain::job::{EntryAction, TaskState, in_progress_step, payload};

/// Orders that are in memory together.
const CHUNK: usize = 200;

/// Makes the NEW tasks PENDING and posts their orders, in one transaction.
pub(super) async fn send_orders(running: &Running) -> Result<Posted, Stop> {
    let mut step = running.begin().await?;
    let mut tasks =
        task::list_without_payload(step.conn(), running.job.id, &TaskState::ALL).await?;
    let decided = in_progress_step(&mut tasks);
    let queue = &running.app.options().orders_queue;
    for ids in decided.sent.chunks(CHUNK) {
        let mut sent = task::get_many(step.conn(), ids).await?;
        let orders = sent
            .iter()
            .map(payload::order_message)
            .collect::<Result<Vec<_>, _>>();
        let orders =
            orders.map_err(|error| Error::internal("reading the order of a task", error))?;
        for task in &mut sent {
            task.state = TaskState::Pending;
        }
        task::update(step.conn(), &sent).await?;
        step.posted.post(&mut step.tx, queue, orders).await?;
    }
    if !decided.sent.is_empty() {
        log_sent(running, &mut step, &decided.sent).await?;
    }
    step.recount().await?;
    running
        .end(EntryAction::SendOrders, step, decided.end)
        .await
}

async fn log_sent(
    running: &Running,
    step: &mut super::running::Step,
    sent: &[TaskId],
) -> Result<(), Stop> {
    let text = format!("{} order(s) sent", sent.len());
    let entry = running.entry(domain::job::Severity::Info, text);
    Ok(database::job_log::append(step.conn(), running.job.id, &[entry]).await?)
}
