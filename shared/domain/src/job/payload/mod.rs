//! What travels between the services, and what is stored in tasks: JSON with `"v": 1` and a
//! `"type"`.

mod error;
mod event;
mod order;

pub use error::PayloadError;
pub use event::{JobEvent, TaskEvent};
pub use order::{
    ConsolidationOrder, OrderDataset, OrderRecord, TargetContainer, ValidShape, order_message,
};

use serde::de::{self, DeserializeOwned};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Version of the payloads.
const VERSION: u64 = 1;

/// A payload.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// Result of a task, from a worker.
    Task(TaskEvent),
    /// Event of a job.
    Job(JobEvent),
    /// One file to write.
    Order(Box<ConsolidationOrder>),
}

impl Message {
    /// Text of `"type"`.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Task(_) => TaskEvent::TYPE,
            Self::Job(_) => JobEvent::TYPE,
            Self::Order(_) => ConsolidationOrder::TYPE,
        }
    }
}

/// Reads a payload. Unknown keys are ignored.
///
/// # Errors
/// [`PayloadError`] for anything but JSON, another version, an unknown type, a missing key, and a
/// value that breaks its rules.
pub fn parse_message(bytes: &[u8]) -> Result<Message, PayloadError> {
    #[derive(Deserialize)]
    struct Head {
        #[serde(default)]
        v: Value,
        #[serde(default, rename = "type")]
        kind: Value,
    }
    let malformed = |source| PayloadError::Malformed { source };
    if !bytes.trim_ascii_start().starts_with(b"{") {
        // serde would also read the fields from an array
        return Err(malformed(de::Error::custom("expected `{`")));
    }
    let head: Head = serde_json::from_slice(bytes).map_err(malformed)?;
    if head.v.as_u64() != Some(VERSION) {
        return Err(PayloadError::Version {
            found: shortened(&head.v),
        });
    }
    match head.kind.as_str() {
        Some(TaskEvent::TYPE) => body(bytes, TaskEvent::TYPE).map(Message::Task),
        Some(JobEvent::TYPE) => body(bytes, JobEvent::TYPE).map(Message::Job),
        Some(ConsolidationOrder::TYPE) => {
            body(bytes, ConsolidationOrder::TYPE).map(|order| Message::Order(Box::new(order)))
        }
        Some(_) | None => Err(PayloadError::Type {
            found: shortened(&head.kind),
        }),
    }
}

fn body<T: DeserializeOwned>(bytes: &[u8], kind: &'static str) -> Result<T, PayloadError> {
    serde_json::from_slice(bytes).map_err(|source| PayloadError::Invalid { kind, source })
}

fn shortened(value: &Value) -> String {
    value.to_string().chars().take(64).collect()
}

/// JSON of a payload, behind its version and type.
fn to_json<T: Serialize>(kind: &'static str, body: &T) -> Vec<u8> {
    #[derive(Serialize)]
    struct Tagged<'a, T> {
        v: u64,
        #[serde(rename = "type")]
        kind: &'static str,
        #[serde(flatten)]
        body: &'a T,
    }
    let tagged = Tagged {
        v: VERSION,
        kind,
        body,
    };
    serde_json::to_vec(&tagged).expect("payloads are structs whose keys are texts")
}

#[cfg(test)]
mod tests;
