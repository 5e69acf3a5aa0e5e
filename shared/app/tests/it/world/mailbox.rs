//! A queue whose messages the test delivers.

use async_trait::async_trait;
use bytes::Bytes;
use messaging::{Message, Publisher};
use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

#[derive(Debug, Default)]
pub struct Mailbox {
    waiting: Mutex<VecDeque<(String, Bytes)>>,
    /// Refuses messages, as a broker that is away.
    away: AtomicBool,
    /// Refuses messages for good that hold this text, with all that come along.
    refused: Mutex<Option<String>>,
}

impl Mailbox {
    /// The oldest message, with its queue.
    pub fn take(&self) -> Option<(String, Bytes)> {
        self.waiting.lock().unwrap().pop_front()
    }

    /// Messages that wait, by queue.
    pub fn waiting(&self, queue: &str) -> Vec<Bytes> {
        let waiting = self.waiting.lock().unwrap();
        waiting
            .iter()
            .filter(|(name, _)| name == queue)
            .map(|(_, data)| data.clone())
            .collect()
    }

    pub fn refuse(&self, text: &str) {
        *self.refused.lock().unwrap() = Some(text.to_owned());
    }

    pub fn set_away(&self, away: bool) {
        self.away.store(away, Ordering::SeqCst);
    }
}

#[async_trait]
impl Publisher for Mailbox {
    async fn publish(&self, queue: &str, messages: Vec<Message>) -> messaging::Result<()> {
        if self.away.load(Ordering::SeqCst) {
            return Err(messaging::Error::Unavailable {
                operation: "publish".to_owned(),
                source: "the broker is away".into(),
            });
        }
        if let Some(text) = &*self.refused.lock().unwrap() {
            let holds = |message: &Message| String::from_utf8_lossy(&message.data).contains(text);
            if messages.iter().any(holds) {
                return Err(messaging::Error::Failed {
                    operation: "publish".to_owned(),
                    source: "the message is refused".into(),
                });
            }
        }
        let mut waiting = self.waiting.lock().unwrap();
        waiting.extend(
            messages
                .into_iter()
                .map(|message| (queue.to_owned(), message.data)),
        );
        Ok(())
    }
}
