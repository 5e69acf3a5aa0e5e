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
    retry::{Kept, Remaining, Settlement, settle},
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

/// What one exchange with a queue comes to.
#[derive(Debug)]
pub(crate) struct Exchange {
    /// Which of the handled messages were still this consumer's, and are removed.
    pub removed: Vec<i64>,
    /// Messages that are leased to this consumer now, the oldest first.
    pub taken: Vec<Taken>,
    /// Time until a message will be due, if there is one; not told when there may be more that are due already.
    pub next_due: Option<Duration>,
}

/// What a queue must know to be consumed. Operations on a lost ticket change nothing.
#[async_trait]
pub(crate) trait Source: Debug + Send + Sync + 'static {
    /// Removes messages that were handled, and leases up to `limit` due ones: one round trip, however many they are.
    async fn exchange(
        &self,
        queue: &str,
        handled: &[Ticket],
        limit: usize,
        lease: Duration,
    ) -> Result<Exchange>;
    /// Puts off the end of the leases.
    async fn extend(&self, tickets: &[Ticket], lease: Duration) -> Result<()>;
    /// Puts a message back, or aside with a copy to the dead-letter queue; whether the ticket was good.
    async fn keep(&self, ticket: &Ticket, kept: &Kept, dead_letters: Option<&str>) -> Result<bool>;
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

    let mut handled = Vec::new();
    let taken = worker
        .take_until(&mut tasks, &mut handled, &wake, &stop)
        .await;
    worker.remove(&mut handled).await;
    let finish = worker.finish(&mut tasks, &mut handled);
    if timeout(worker.options.grace, finish).await.is_err() {
        collect(&mut tasks, &mut handled);
        tasks.shutdown().await;
        worker.remove(&mut handled).await;
        worker.give_back().await;
    }
    taken
}

/// Handlers in work. They give the tickets of the messages that are to be removed.
type Handlers = JoinSet<Option<Ticket>>;

/// Adds the tickets of the handlers that have ended meanwhile.
fn collect(tasks: &mut Handlers, handled: &mut Vec<Ticket>) {
    while let Some(ended) = tasks.try_join_next() {
        handled.extend(ended.ok().flatten());
    }
}

struct Worker {
    source: Arc<dyn Source>,
    handler: Arc<dyn Handler>,
    queue: String,
    options: ConsumeOptions,
    /// Messages being handled, or handled and not removed yet.
    held: Mutex<HashMap<i64, (Ticket, Remaining)>>,
}

impl Worker {
    async fn take_until(
        self: &Arc<Self>,
        tasks: &mut Handlers,
        handled: &mut Vec<Ticket>,
        wake: &Notify,
        stop: &CancellationToken,
    ) -> Result<()> {
        let concurrency = self.options.concurrency.max(1);
        let mut pause = PAUSE;
        loop {
            collect(tasks, handled);
            let free = concurrency.saturating_sub(tasks.len());
            let mut idle = self.options.poll;
            if free > 0 && !stop.is_cancelled() {
                match self.exchange(tasks, handled, free).await {
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
                Some(ended) = tasks.join_next(), if !tasks.is_empty() => handled.extend(ended.ok().flatten()),
                () = wake.notified(), if !full => self.gather(tasks, handled, stop).await,
                () = sleep(idle), if !full => {}
            }
        }
    }

    /// Lets messages come together as long as others are handled: until one of these is.
    async fn gather(
        &self,
        tasks: &mut Handlers,
        handled: &mut Vec<Ticket>,
        stop: &CancellationToken,
    ) {
        if tasks.is_empty() || self.options.gather.is_zero() {
            return;
        }
        tokio::select! {
            () = stop.cancelled() => {}
            Some(ended) = tasks.join_next() => handled.extend(ended.ok().flatten()),
            () = sleep(self.options.gather) => {}
        }
    }

    /// Removes what was handled, and starts the handlers of up to `free` messages; gives the time until the next one is due.
    async fn exchange(
        self: &Arc<Self>,
        tasks: &mut Handlers,
        handled: &mut Vec<Ticket>,
        free: usize,
    ) -> Result<Duration> {
        let Exchange {
            removed,
            taken,
            next_due,
        } = self
            .source
            .exchange(&self.queue, handled, free, self.options.lease)
            .await?;
        for ticket in handled.drain(..) {
            if !removed.contains(&ticket.id) {
                self.tell_lost(&ticket);
            }
            self.release(&ticket);
        }
        for message in taken {
            self.hold(&message);
            tasks.spawn(Arc::clone(self).handle(message));
        }
        Ok(next_due.unwrap_or(Duration::MAX))
    }

    /// Waits for the handlers, and removes what they have handled.
    async fn finish(self: &Arc<Self>, tasks: &mut Handlers, handled: &mut Vec<Ticket>) {
        while let Some(ended) = tasks.join_next().await {
            handled.extend(ended.ok().flatten());
            collect(tasks, handled);
            self.remove(handled).await;
        }
    }

    /// Removes what was handled without taking anything. What cannot be removed is left to the end of its lease.
    async fn remove(self: &Arc<Self>, handled: &mut Vec<Ticket>) {
        let mut pause = PAUSE;
        for attempt in 1..=SETTLE_TRIES {
            if handled.is_empty() {
                return;
            }
            match self.exchange(&mut JoinSet::new(), handled, 0).await {
                Ok(_) => return,
                Err(error) => {
                    warn!(queue = %self.queue, attempt, error = &error as &dyn std::error::Error, "cannot remove handled messages");
                    if !error.is_retryable() {
                        break;
                    }
                }
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        for ticket in handled.drain(..) {
            self.release(&ticket);
        }
    }

    /// Handles a message; the ticket of one that is to be removed.
    async fn handle(self: Arc<Self>, message: Taken) -> Option<Ticket> {
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
        let kept = match settle(outcome, &remaining) {
            Settlement::Remove => return Some(ticket),
            Settlement::Keep(kept) => kept,
        };
        match &kept {
            Kept::Again { after, reason, .. } => {
                debug!(queue = %self.queue, message_id, ?after, reason, "message will be delivered again");
            }
            Kept::Aside { reason } => {
                error!(queue = %self.queue, message_id, reason, "message is put aside");
            }
        }
        self.keep(&ticket, &kept).await;
        self.release(&ticket);
        None
    }

    async fn keep(&self, ticket: &Ticket, kept: &Kept) {
        let dead_letters = self.options.dead_letter_queue.as_deref();
        let mut pause = PAUSE;
        for attempt in 1..=SETTLE_TRIES {
            match self.source.keep(ticket, kept, dead_letters).await {
                Ok(true) => return,
                Ok(false) => {
                    self.tell_lost(ticket);
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

    fn tell_lost(&self, ticket: &Ticket) {
        warn!(queue = %self.queue, id = ticket.id, "lease was lost while the message was handled");
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
            let kept = Kept::Again {
                after: Duration::ZERO,
                waits: remaining.waits,
                postponed: true,
                reason: "the consumer stopped".into(),
            };
            if let Err(error) = self.source.keep(&ticket, &kept, None).await {
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
