use std::{collections::BTreeMap, time::SystemTime};

use bytes::Bytes;
use uuid::Uuid;

/// What a publisher hands over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Chosen by the publisher, so that a message published twice can be recognised in logs.
    /// Brokers with ids of their own do not keep it.
    pub id: Uuid,
    /// Payload.
    pub data: Bytes,
    /// Names and values beside the payload.
    pub attributes: BTreeMap<String, String>,
}

impl Message {
    /// A message with a random id and no attributes.
    pub fn new(data: impl Into<Bytes>) -> Self {
        Self {
            id: Uuid::new_v4(),
            data: data.into(),
            attributes: BTreeMap::new(),
        }
    }

    /// The same message with one more attribute.
    #[must_use]
    pub fn with_attribute(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.attributes.insert(name.into(), value.into());
        self
    }
}

/// What a handler receives: one delivery of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Queue or subscription that it comes from.
    pub source: String,
    /// Id given by the broker, for logs.
    pub message_id: String,
    /// How many times the message was delivered, this time included, from 1; absent where the broker does not count.
    pub delivery_count: Option<u32>,
    /// When the broker may deliver the message again although it is still handled; absent where it is unknown
    /// or is put off for as long as the handler runs.
    pub deadline: Option<SystemTime>,
    /// Payload.
    pub data: Bytes,
    /// Names and values beside the payload.
    pub attributes: BTreeMap<String, String>,
}
