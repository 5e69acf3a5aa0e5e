//! The loop that embedded queues share: take, handle, settle, keep the leases alive.

use std::{
    collections::HashMap,
    fmt::Debug,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use futures::FutureExt;
use tokio::{
    sync::Notify,
    task::JoinSet,
    time::{MissedTickBehavior, interval, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, warn};

use crate::{
    ConsumeOptions, Delivery, Handler, Outcome, Result,
    retry::{Remaining, Settlement, settle},
};

/// Right to settle one delivery. Worthless once the message was delivered again.
#[derive(Clone, Debug)]
pub(crate) struct Ticket {
    pub id: i64,
    pub holder: uuid::Uuid,
    pub deliveries: u32,
}

/// A message leased to this consumer.
#[derive(Debug)]
pub(crate) struct Taken {
    pub ticket: Ticket,
    pub delivery: Delivery,
    pub remaining: Remaining,
}

/// What a queue must know to be consumed. Operations on a lost ticket change nothing and answer `false`.
#[async_trait]
pub(crate) trait Source: Debug + Send + Sync + 'static {
    /// Leases up to `limit` due messages, the oldest first.
    async fn take(&self, queue: &str, limit: usize, lease: Duration) -> Result<Vec<Taken>>;
    /// Time until a message will be due, if there is one.
    async fn next_due(&self, queue: &str) -> Result<Option<Duration>>;
    /// Puts off the end of the leases.
    async fn extend(&self, tickets: &[Ticket], lease: Duration) -> Result<()>;
    /// Removes, puts back or puts aside a message; in the last case with a copy to the dead-letter queue.
    async fn settle(
        &self,
        ticket: &Ticket,
        settlement: &Settlement,
        dead_letters: Option<&str>,
    ) -> Result<bool>;
}

/// First wait after a failure of the broker; doubled up to [`LONGEST_PAUSE`].
const PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How many times settling is tried before the message is left to the end of its lease.
const SETTLE_TRIES: u32 = 6;

/// Consumes a queue until `stop` is cancelled. `wake` is notified when messages may have become due.
pub(crate) async fn run(
    source: Arc<dyn Source>,
    queue: &str,
    options: &ConsumeOptions,
    handler: Arc<dyn Handler>,
    wake: Arc<Notify>,
    stop: CancellationToken,
) -> Result<()> {
    let worker = Arc::new(Worker {
        source,
        handler,
        queue: queue.to_owned(),
        options: options.clone(),
        held: Mutex::default(),
    });
    let mut tasks = JoinSet::new();
    // its end, be it a return or a drop, ends the heartbeat
    let heartbeat = CancellationToken::new();
    let _guard = heartbeat.clone().drop_guard();
    tokio::spawn(heartbeat.run_until_cancelled_owned(Arc::clone(&worker).keep_leases()));

    let taken = worker.take_until(&mut tasks, &wake, &stop).await;
    let finished = timeout(worker.options.grace, async {
        while tasks.join_next().await.is_some() {}
    })
    .await;
    if finished.is_err() {
        tasks.shutdown().await;
        worker.give_back().await;
    }
    taken
}

struct Worker {
    source: Arc<dyn Source>,
    handler: Arc<dyn Handler>,
    queue: String,
    options: ConsumeOptions,
    /// Messages being handled.
    held: Mutex<HashMap<i64, (Ticket, Remaining)>>,
}

impl Worker {
    async fn take_until(
        self: &Arc<Self>,
        tasks: &mut JoinSet<()>,
        wake: &Notify,
        stop: &CancellationToken,
    ) -> Result<()> {
        let concurrency = self.options.concurrency.max(1);
        let mut pause = PAUSE;
        loop {
            while tasks.try_join_next().is_some() {}
            let free = concurrency.saturating_sub(tasks.len());
            let mut idle = self.options.poll;
            if free > 0 && !stop.is_cancelled() {
                match self.fill(tasks, free).await {
                    Ok(next) => {
                        idle = idle.min(next);
                        pause = PAUSE;
                    }
                    Err(error) if error.is_retryable() => {
                        warn!(queue = %self.queue, error = &error as &dyn std::error::Error, "cannot take messages");
                        idle = pause;
                        pause = (pause * 2).min(LONGEST_PAUSE);
                    }
                    Err(error) => return Err(error),
                }
            }
            let full = tasks.len() >= concurrency;
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                Some(_) = tasks.join_next(), if !tasks.is_empty() => {}
                () = wake.notified(), if !full => {}
                () = sleep(idle), if !full => {}
            }
        }
    }

    /// Starts the handlers of up to `free` messages; gives the time until the next one is due.
    async fn fill(self: &Arc<Self>, tasks: &mut JoinSet<()>, free: usize) -> Result<Duration> {
        let taken = self
            .source
            .take(&self.queue, free, self.options.lease)
            .await?;
        let full = taken.len() == free;
        for message in taken {
            self.hold(&message);
            tasks.spawn(Arc::clone(self).handle(message));
        }
        if full {
            return Ok(Duration::MAX);
        }
        Ok(self
            .source
            .next_due(&self.queue)
            .await?
            .unwrap_or(Duration::MAX))
    }

    async fn handle(self: Arc<Self>, message: Taken) {
        let Taken {
            ticket,
            delivery,
            remaining,
        } = message;
        let message_id = delivery.message_id.clone();
        let outcome = if remaining.tries() > remaining.max_tries {
            // every run so far ended with the death of its process
            Outcome::dead_letter(format!(
                "given up after {} deliveries without an answer",
                remaining.max_tries
            ))
        } else {
            let handled = AssertUnwindSafe(self.handler.handle(delivery))
                .catch_unwind()
                .await;
            handled.unwrap_or_else(|_| Outcome::retry("the handler panicked"))
        };
        let settlement = settle(outcome, &remaining);
        match &settlement {
            Settlement::Remove => {}
            Settlement::Again { after, reason, .. } => {
                debug!(queue = %self.queue, message_id, ?after, reason, "message will be delivered again");
            }
            Settlement::Fail { reason } => {
                error!(queue = %self.queue, message_id, reason, "message is put aside");
            }
        }
        self.settle(&ticket, &settlement).await;
        self.release(&ticket);
    }

    async fn settle(&self, ticket: &Ticket, settlement: &Settlement) {
        let dead_letters = self.options.dead_letter_queue.as_deref();
        let mut pause = PAUSE;
        for attempt in 1..=SETTLE_TRIES {
            match self.source.settle(ticket, settlement, dead_letters).await {
                Ok(true) => return,
                Ok(false) => {
                    warn!(queue = %self.queue, id = ticket.id, "lease was lost while the message was handled");
                    return;
                }
                Err(error) => {
                    warn!(queue = %self.queue, attempt, error = &error as &dyn std::error::Error, "cannot settle a message");
                    if !error.is_retryable() {
                        return;
                    }
                }
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn keep_leases(self: Arc<Self>) {
        let mut ticks = interval((self.options.lease / 3).max(Duration::from_millis(10)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let tickets: Vec<_> = self
                .lock()
                .values()
                .map(|(ticket, _)| ticket.clone())
                .collect();
            if tickets.is_empty() {
                continue;
            }
            if let Err(error) = self.source.extend(&tickets, self.options.lease).await {
                warn!(queue = %self.queue, error = &error as &dyn std::error::Error, "cannot extend leases");
            }
        }
    }

    /// Makes the messages whose handlers were stopped available at once.
    async fn give_back(&self) {
        let held: Vec<_> = self.lock().drain().map(|(_, held)| held).collect();
        for (ticket, remaining) in held {
            let settlement = Settlement::Again {
                after: Duration::ZERO,
                waits: remaining.waits,
                postponed: true,
                reason: "the consumer stopped".into(),
            };
            if let Err(error) = self.source.settle(&ticket, &settlement, None).await {
                warn!(queue = %self.queue, error = &error as &dyn std::error::Error, "cannot give a message back");
            }
        }
    }

    fn hold(&self, message: &Taken) {
        self.lock().insert(
            message.ticket.id,
            (message.ticket.clone(), message.remaining.clone()),
        );
    }

    fn release(&self, ticket: &Ticket) {
        self.lock().remove(&ticket.id);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<i64, (Ticket, Remaining)>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
