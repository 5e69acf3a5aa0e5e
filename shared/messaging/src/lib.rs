//! Messages between the services: publish, consume, settle.
//!
//! [`Publisher`] and [`Consumer`] are the ports. Delivery is at least once: a handler may see a message twice,
//! and messages may come in any order. What a handler answers ([`Outcome`]) decides what becomes of the message.
//!
//! Backends: [`MemoryQueue`] for tests, the queue in Postgres (feature `pgqueue`), Google Pub/Sub (feature
//! `pubsub`). [`push`] reads and writes the HTTP form in which a broker delivers a message, and the feature
//! `pusher` delivers a queue to an HTTP endpoint in that form.
//! This crate knows bytes and names of queues: nothing of jobs, events or what a message means.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> messaging::Result<()> {
//! use std::sync::Arc;
//! use messaging::{CancellationToken, ConsumeOptions, Consumer, Delivery, MemoryQueue, Message, Outcome, Publisher};
//!
//! let queue = MemoryQueue::new();
//! queue.publish("events", vec![Message::new("hello")]).await?;
//! let stop = CancellationToken::new();
//! let handler = {
//!     let stop = stop.clone();
//!     move |delivery: Delivery| {
//!         stop.cancel();
//!         async move {
//!             assert_eq!(delivery.data, "hello");
//!             Outcome::Ack
//!         }
//!     }
//! };
//! queue.consume("events", &ConsumeOptions::default(), Arc::new(handler), stop).await?;
//! assert_eq!(queue.backlog("events").await?, 0);
//! # Ok(()) }
//! ```

#[cfg(feature = "testing")]
pub mod conformance;
mod consumer;
pub mod dead_letter;
mod error;
mod memory;
mod message;
mod outcome;
#[cfg(feature = "pgqueue")]
pub mod pgqueue;
mod publisher;
#[cfg(feature = "pubsub")]
pub mod pubsub;
pub mod push;
#[cfg(feature = "pusher")]
pub mod pusher;
mod retry;
#[cfg(any(feature = "pubsub", feature = "pusher"))]
mod tls;
mod worker;

pub use consumer::{ConsumeOptions, Consumer, Handler};
pub use error::{Error, Result};
pub use memory::MemoryQueue;
pub use message::{Delivery, Message};
pub use outcome::Outcome;
pub use publisher::Publisher;
pub use retry::RetryPolicy;
pub use tokio_util::sync::CancellationToken;
