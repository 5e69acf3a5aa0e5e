//! Google Pub/Sub, or its emulator where the environment variable `PUBSUB_EMULATOR_HOST` names one.

mod connection;
mod consumer;
mod errors;
mod publisher;
mod setup;

pub use connection::Connection;
pub use consumer::PubSubConsumer;
pub use publisher::PubSubPublisher;
pub use setup::{SetupOptions, setup};
