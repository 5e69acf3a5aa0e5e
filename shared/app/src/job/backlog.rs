//! How much waits, told as metrics.

use super::failure;
use super::push::failed_queue;
use crate::{App, Error, Result};
use database::task;
use domain::job::TaskState;
use messaging::Consumer;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Tasks and messages that wait.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Tasks of jobs that are not over, by the name of their state.
    pub tasks: BTreeMap<&'static str, u64>,
    /// Messages that are due or being handled, by queue, those of messages given up included.
    pub messages: BTreeMap<String, u64>,
}

impl App {
    /// Logs the numbers of [`App::backlog`] at regular times until `stop` is cancelled, one line for each that is not zero, or
    /// was not the last time: as `geocube_tasks` by `state` and `geocube_messages` by `queue`.
    pub async fn tell_backlog(
        &self,
        consumer: Option<Arc<dyn Consumer>>,
        every: Duration,
        stop: CancellationToken,
    ) {
        let mut timer = tokio::time::interval(every);
        timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut last = Backlog::default();
        while stop.run_until_cancelled(timer.tick()).await.is_some() {
            match self.backlog(consumer.as_deref()).await {
                Ok(backlog) => {
                    backlog.tell(&last);
                    last = backlog;
                }
                Err(error) => {
                    tracing::warn!(error = failure::text(&error), "the backlog is not known");
                }
            }
        }
    }

    /// Counts what waits. Without a consumer that knows, a broker tells of its messages itself.
    ///
    /// # Errors
    /// When the database or the queue do not answer.
    pub async fn backlog(&self, consumer: Option<&dyn Consumer>) -> Result<Backlog> {
        let counted = {
            let mut connection = self.database().read().await?;
            task::count_by_state(&mut connection).await?
        };
        let mut tasks: BTreeMap<_, _> = TaskState::ALL.map(|state| (state.name(), 0)).into();
        tasks.extend(counted.iter().map(|(state, count)| (state.name(), *count)));
        let mut messages = BTreeMap::new();
        let Some(consumer) = consumer else {
            return Ok(Backlog { tasks, messages });
        };
        for queue in [&self.options().events_queue, &self.options().orders_queue] {
            for queue in [queue.clone(), failed_queue(queue)] {
                let waiting = consumer.backlog(&queue).await;
                let waiting = waiting
                    .map_err(|error| Error::unavailable(format!("the queue {queue}"), error))?;
                messages.insert(queue, waiting);
            }
        }
        Ok(Backlog { tasks, messages })
    }
}

impl Backlog {
    fn tell(&self, last: &Self) {
        for (state, value) in &self.tasks {
            if *value > 0 || last.tasks.get(state).is_some_and(|last| *last > 0) {
                tracing::info!(metric = "geocube_tasks", state, value, "backlog");
            }
        }
        for (queue, value) in &self.messages {
            if *value > 0 || last.messages.get(queue).is_some_and(|last| *last > 0) {
                tracing::info!(metric = "geocube_messages", queue, value, "backlog");
            }
        }
    }
}
