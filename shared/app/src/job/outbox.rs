//! Messages that are stored with the change that causes them, and published right after.

use super::failure;
use crate::failpoint::failpoint;
use crate::{App, Error, Result};
use database::outbox::{self, NewMessage, StoredMessage};
use database::{PgConnection, job};
use domain::job::JobEvent;
use messaging::Message;
use std::collections::BTreeMap;

/// Messages published together, which are read from the outbox for that.
const TOGETHER: usize = 200;

/// Messages of one transaction, in order.
#[derive(Debug, Default)]
pub(super) struct Posted {
    /// Those that are only in the outbox, being too many to be held in memory; published before the others.
    stored: Vec<i64>,
    held: Vec<StoredMessage>,
}

impl Posted {
    /// Stores messages for a queue.
    pub(super) async fn post(
        &mut self,
        conn: &mut PgConnection,
        queue: &str,
        payloads: Vec<Vec<u8>>,
    ) -> database::Result<()> {
        let messages = new_messages(queue, payloads);
        let ids = outbox::insert(conn, &messages).await?;
        let held = ids
            .into_iter()
            .zip(messages)
            .map(|(id, message)| StoredMessage { id, message });
        self.held.extend(held);
        Ok(())
    }

    /// As [`Self::post`], for one of many pieces: the messages are read again when they are published.
    pub(super) async fn post_piece(
        &mut self,
        conn: &mut PgConnection,
        queue: &str,
        payloads: Vec<Vec<u8>>,
    ) -> database::Result<()> {
        let messages = new_messages(queue, payloads);
        self.stored.extend(outbox::insert(conn, &messages).await?);
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.stored.is_empty() && self.held.is_empty()
    }

    /// The messages that are held, to be handled here instead of being published.
    pub(super) fn into_messages(self) -> Vec<StoredMessage> {
        self.held
    }
}

fn new_messages(queue: &str, payloads: Vec<Vec<u8>>) -> Vec<NewMessage> {
    let message = |payload| NewMessage {
        topic: queue.to_owned(),
        payload,
        attributes: BTreeMap::new(),
    };
    payloads.into_iter().map(message).collect()
}

impl App {
    /// Stores an event that follows from the present state of a job.
    pub(super) async fn post_event(
        &self,
        conn: &mut PgConnection,
        posted: &mut Posted,
        event: &JobEvent,
    ) -> Result<()> {
        job::set_follow_up(conn, event).await?;
        Ok(posted
            .post(conn, &self.options().events_queue, vec![event.to_json()])
            .await?)
    }

    /// Publishes the messages of a committed transaction. What cannot be published now is left to
    /// the sweeper.
    pub(super) async fn relay(&self, posted: Posted) {
        if let Err(error) = self.publish_posted(posted).await {
            tracing::warn!(
                error = failure::text(&error),
                "messages are left to the sweeper"
            );
        }
    }

    async fn publish_posted(&self, posted: Posted) -> Result<()> {
        for ids in posted.stored.chunks(TOGETHER) {
            loop {
                let piece = {
                    let mut connection = self.database().read().await?;
                    outbox::unsent_of(&mut connection, ids).await?
                };
                if piece.is_empty() {
                    break;
                }
                self.publish_and_mark(piece).await?;
            }
        }
        if !posted.held.is_empty() {
            self.publish_and_mark(posted.held).await?;
        }
        Ok(())
    }

    async fn publish_and_mark(&self, messages: Vec<StoredMessage>) -> Result<()> {
        failpoint!("outbox.publish.before");
        let ids = self.publish_stored(messages).await?;
        failpoint!("outbox.publish.after");
        let mut connection = self.database().write().await?;
        outbox::mark_sent(&mut connection, &ids).await?;
        failpoint!("outbox.mark.after");
        Ok(())
    }

    /// Publishes messages in their order; the ids of all of them.
    pub(super) async fn publish_stored(&self, stored: Vec<StoredMessage>) -> Result<Vec<i64>> {
        let ids = stored.iter().map(|stored| stored.id).collect();
        let mut runs: Vec<(String, Vec<Message>)> = Vec::new();
        for StoredMessage { message, .. } in stored {
            let NewMessage {
                topic,
                payload,
                attributes,
            } = message;
            let message = Message {
                attributes,
                ..Message::new(payload)
            };
            match runs.last_mut() {
                Some((last, messages)) if *last == topic => messages.push(message),
                _ => runs.push((topic, vec![message])),
            }
        }
        for (queue, messages) in runs {
            self.publish_to(&queue, messages).await?;
        }
        Ok(ids)
    }

    /// Publishes messages one by one; the ids of those that the queue took. The others are logged.
    ///
    /// # Errors
    /// When the queue does not answer.
    pub(super) async fn publish_each(&self, stored: Vec<StoredMessage>) -> Result<Vec<i64>> {
        let mut ids = Vec::with_capacity(stored.len());
        for stored in stored {
            let (id, queue) = (stored.id, stored.message.topic.clone());
            match self.publish_stored(vec![stored]).await {
                Ok(published) => ids.extend(published),
                Err(error) if error.is_retryable() => return Err(error),
                Err(error) => {
                    tracing::error!(
                        message = id,
                        queue,
                        error = failure::text(&error),
                        "the queue refuses a stored message"
                    );
                }
            }
        }
        Ok(ids)
    }

    pub(super) async fn publish_to(&self, queue: &str, messages: Vec<Message>) -> Result<()> {
        self.publisher()
            .publish(queue, messages)
            .await
            .map_err(|error| unavailable(queue, error))
    }
}

fn unavailable(queue: &str, error: messaging::Error) -> Error {
    let what = format!("the queue {queue}");
    if error.is_retryable() {
        Error::unavailable(what, error)
    } else {
        Error::internal(format!("publishing to {what}"), error)
    }
}
