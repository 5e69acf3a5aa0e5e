//! Messages that are stored with the change that causes them, and published right after.

use super::failure;
use crate::failpoint::failpoint;
use crate::{App, Error, Result};
use database::outbox::{self, NewMessage, StoredMessage};
use database::{PgConnection, job};
use domain::job::JobEvent;
use messaging::Message;
use std::collections::BTreeMap;

/// Messages of one transaction, in order.
#[derive(Debug, Default)]
pub(super) struct Posted(Vec<StoredMessage>);

impl Posted {
    /// Stores messages for a queue.
    pub(super) async fn post(
        &mut self,
        conn: &mut PgConnection,
        queue: &str,
        payloads: Vec<Vec<u8>>,
    ) -> database::Result<()> {
        if payloads.is_empty() {
            return Ok(());
        }
        let message = |payload| NewMessage {
            topic: queue.to_owned(),
            payload,
            attributes: BTreeMap::new(),
        };
        let messages: Vec<NewMessage> = payloads.into_iter().map(message).collect();
        let ids = outbox::insert(conn, &messages).await?;
        let stored = ids
            .into_iter()
            .zip(messages)
            .map(|(id, message)| StoredMessage { id, message });
        self.0.extend(stored);
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The messages, to be handled here instead of being published.
    pub(super) fn into_messages(self) -> Vec<StoredMessage> {
        self.0
    }
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
        if posted.0.is_empty() {
            return;
        }
        let published = async {
            failpoint!("outbox.publish.before");
            let ids = self.publish_stored(posted.0).await?;
            failpoint!("outbox.publish.after");
            let mut connection = self.database().write().await?;
            outbox::mark_sent(&mut connection, &ids).await?;
            failpoint!("outbox.mark.after");
            Ok::<_, Error>(())
        };
        if let Err(error) = published.await {
            tracing::warn!(
                error = failure::text(&error),
                "messages are left to the sweeper"
            );
        }
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
