//! CONSOLIDATIONINPROGRESS: the orders go to the workers.

use super::running::{Running, Step, Stop};
use crate::job::outbox::Posted;
use crate::{Error, Result};
use database::{job_log, task};
use domain::job::{EntryAction, Severity, TaskState, in_progress_step, payload};

/// Makes the NEW tasks PENDING and posts their orders, piece by piece in one transaction.
pub(super) async fn send_orders(running: &Running) -> Result<Posted, Stop> {
    let mut step = running.begin().await?;
    let mut tasks =
        task::list_without_payload(step.conn(), running.job.id, &TaskState::ALL).await?;
    let decided = in_progress_step(&mut tasks);
    if !decided.sent.is_empty() {
        post_orders(running, &mut step).await?;
        let text = format!("{} order(s) sent", decided.sent.len());
        let entry = running.entry(Severity::Info, text);
        job_log::append(step.conn(), running.job.id, &[entry]).await?;
    }
    step.recount().await?;
    running
        .end(EntryAction::SendOrders, step, decided.end)
        .await
}

async fn post_orders(running: &Running, step: &mut Step) -> Result<(), Stop> {
    let (job, queue) = (running.job.id, &running.app.options().orders_queue);
    let mut last = None;
    loop {
        let mut sent = task::list_piece(step.conn(), job, &[TaskState::New], last).await?;
        let Some(task) = sent.last() else {
            return Ok(());
        };
        last = Some(task.id);
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
        step.posted.post_piece(&mut step.tx, queue, orders).await?;
    }
}
