//! The consolidater as a function of AWS Lambda: carries out the orders that SQS, SNS, `EventBridge` or HTTP bring, each
//! of which becomes one file.
//!
//! [`Function`] answers one event, to be called without Lambda in tests. `app::worker::setup` names the database,
//! stores and queues.

pub mod config;
mod function;
mod unwrap;

pub use function::Function;
