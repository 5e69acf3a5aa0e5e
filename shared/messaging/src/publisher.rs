use std::fmt::Debug;

use async_trait::async_trait;

use crate::{Message, Result};

/// Accepts messages for queues.
///
/// Held as `Arc<dyn Publisher>`. `publish` returns after every message was accepted for good. When it fails,
/// some may have been accepted (none with the queue in Postgres): publish all again, handlers cope with duplicates.
#[async_trait]
pub trait Publisher: Debug + Send + Sync + 'static {
    /// Publishes a batch to a queue or topic, in any order.
    async fn publish(&self, queue: &str, messages: Vec<Message>) -> Result<()>;
}
