use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use tokio::{sync::Notify, time::Instant};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    ConsumeOptions, Consumer, Delivery, Handler, Message, Publisher, Result, RetryPolicy,
    dead_letter,
    retry::{Kept, Remaining},
    worker::{self, Exchange, Source, Taken, Ticket},
};

/// Queues in the memory of the process, with the semantics of the queue in Postgres: for tests.
///
/// Clones share their messages.
#[derive(Clone, Debug, Default)]
pub struct MemoryQueue {
    shared: Arc<Shared>,
    policy: RetryPolicy,
}

#[derive(Debug, Default)]
struct Shared {
    rows: Mutex<Rows>,
    wakes: Mutex<BTreeMap<String, Arc<Notify>>>,
}

#[derive(Debug, Default)]
struct Rows {
    last_id: i64,
    by_id: BTreeMap<i64, Row>,
}

#[derive(Debug)]
struct Row {
    queue: String,
    message: Message,
    run_after: Instant,
    first_taken: Option<Instant>,
    locked: Option<(Instant, Uuid)>,
    remaining: Remaining,
    error: Option<String>,
}

impl Row {
    /// When it may be taken; never once it is put aside.
    fn due(&self) -> Option<Instant> {
        let free = self
            .locked
            .map_or(self.run_after, |(until, _)| until.max(self.run_after));
        self.error.is_none().then_some(free)
    }

    fn is_held_by(&self, ticket: &Ticket) -> bool {
        self.locked
            .is_some_and(|(_, holder)| holder == ticket.holder)
            && self.remaining.deliveries == ticket.deliveries
    }
}

impl MemoryQueue {
    /// Empty queues with the default retry policy.
    pub fn new() -> Self {
        Self::default()
    }

    /// Empty queues with a retry policy.
    pub fn with_policy(policy: RetryPolicy) -> Self {
        Self {
            shared: Arc::default(),
            policy,
        }
    }

    /// The messages of a queue that were put aside, with the reason, oldest first.
    pub fn failed(&self, queue: &str) -> Vec<(Message, String)> {
        let rows = self.shared.rows();
        let own = rows.by_id.values().filter(|row| row.queue == queue);
        own.filter_map(|row| Some((row.message.clone(), row.error.clone()?)))
            .collect()
    }

    fn enqueue(&self, queue: &str, messages: impl IntoIterator<Item = Message>) {
        let mut rows = self.shared.rows();
        for message in messages {
            rows.insert(queue, message, &self.policy);
        }
        drop(rows);
        self.shared.wake(queue).notify_one();
    }
}

impl Shared {
    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self, queue: &str) -> Arc<Notify> {
        let mut wakes = self.wakes.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(wakes.entry(queue.to_owned()).or_default())
    }
}

impl Rows {
    fn insert(&mut self, queue: &str, message: Message, policy: &RetryPolicy) {
        self.last_id += 1;
        let remaining = Remaining {
            waits: policy.waits.clone(),
            deliveries: 0,
            postponed: 0,
            max_tries: policy.max_tries,
            age: Duration::ZERO,
        };
        let row = Row {
            queue: queue.to_owned(),
            message,
            run_after: Instant::now(),
            first_taken: None,
            locked: None,
            remaining,
            error: None,
        };
        self.by_id.insert(self.last_id, row);
    }

    /// Removes messages whose tickets are good; their ids.
    fn remove(&mut self, tickets: &[Ticket]) -> Vec<i64> {
        let mut removed = Vec::with_capacity(tickets.len());
        for ticket in tickets {
            let held = self.by_id.get(&ticket.id);
            if held.is_some_and(|row| row.is_held_by(ticket)) {
                self.by_id.remove(&ticket.id);
                removed.push(ticket.id);
            }
        }
        removed
    }

    /// When a message of the queue will be due.
    fn next_due(&self, queue: &str) -> Option<Instant> {
        let own = self.by_id.values().filter(|row| row.queue == queue);
        own.filter_map(Row::due).min()
    }
}

#[async_trait]
impl Publisher for MemoryQueue {
    async fn publish(&self, queue: &str, messages: Vec<Message>) -> Result<()> {
        self.enqueue(queue, messages);
        Ok(())
    }
}

#[async_trait]
impl Consumer for MemoryQueue {
    async fn consume(
        &self,
        queue: &str,
        options: &ConsumeOptions,
        handler: Arc<dyn Handler>,
        stop: CancellationToken,
    ) -> Result<()> {
        let wake = self.shared.wake(queue);
        worker::run(Arc::new(self.clone()), queue, options, handler, wake, stop).await
    }

    async fn backlog(&self, queue: &str) -> Result<u64> {
        let now = Instant::now();
        let rows = self.shared.rows();
        let waiting = |row: &&Row| row.queue == queue && row.error.is_none();
        let counted = rows
            .by_id
            .values()
            .filter(waiting)
            .filter(|row| row.run_after <= now || row.locked.is_some());
        Ok(counted.count() as u64)
    }
}

#[async_trait]
impl Source for MemoryQueue {
    async fn exchange(
        &self,
        queue: &str,
        handled: &[Ticket],
        limit: usize,
        lease: Duration,
    ) -> Result<Exchange> {
        let (now, holder) = (Instant::now(), Uuid::new_v4());
        let mut rows = self.shared.rows();
        let removed = rows.remove(handled);
        let due = |row: &Row| row.queue == queue && row.due().is_some_and(|due| due <= now);
        let taken = rows
            .by_id
            .iter_mut()
            .filter(|(_, row)| due(row))
            .take(limit)
            .map(|(&id, row)| {
                row.locked = Some((now + lease, holder));
                row.remaining.deliveries += 1;
                row.remaining.age = now - *row.first_taken.get_or_insert(now);
                Taken {
                    ticket: Ticket {
                        id,
                        holder,
                        deliveries: row.remaining.deliveries,
                    },
                    delivery: Delivery {
                        source: queue.to_owned(),
                        message_id: row.message.id.to_string(),
                        delivery_count: Some(row.remaining.deliveries),
                        deadline: None,
                        data: row.message.data.clone(),
                        attributes: row.message.attributes.clone(),
                    },
                    remaining: row.remaining.clone(),
                }
            });
        let taken: Vec<_> = taken.collect();
        let next_due = rows.next_due(queue).filter(|_| taken.len() < limit);
        drop(rows);
        if limit > 0 && taken.len() == limit {
            // there may be more than this consumer has room for
            self.shared.wake(queue).notify_one();
        }
        Ok(Exchange {
            removed,
            taken,
            next_due: next_due.map(|due| due.saturating_duration_since(now)),
        })
    }

    async fn extend(&self, tickets: &[Ticket], lease: Duration) -> Result<()> {
        let mut rows = self.shared.rows();
        for ticket in tickets {
            if let Some(row) = rows
                .by_id
                .get_mut(&ticket.id)
                .filter(|row| row.is_held_by(ticket))
            {
                row.locked = Some((Instant::now() + lease, ticket.holder));
            }
        }
        Ok(())
    }

    async fn keep(&self, ticket: &Ticket, kept: &Kept, dead_letters: Option<&str>) -> Result<bool> {
        let mut rows = self.shared.rows();
        let Some(row) = rows
            .by_id
            .get_mut(&ticket.id)
            .filter(|row| row.is_held_by(ticket))
        else {
            return Ok(false);
        };
        row.locked = None;
        let queue = row.queue.clone();
        match kept {
            Kept::Again {
                after,
                waits,
                postponed,
                reason: _,
            } => {
                row.run_after = Instant::now() + *after;
                row.remaining.postponed += u32::from(*postponed);
                row.remaining.waits.clone_from(waits);
                self.shared.wake(&queue).notify_one();
            }
            Kept::Aside { reason } => {
                row.error = Some(reason.clone());
                let mut copy = row.message.clone();
                dead_letter::mark(&mut copy.attributes, &queue, ticket.deliveries, reason);
                drop(rows);
                if let Some(dead_letters) = dead_letters {
                    self.enqueue(dead_letters, [copy]);
                }
            }
        }
        Ok(true)
    }
}
