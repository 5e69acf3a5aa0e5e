//! What the copy of a message that was put aside says about it.
//!
//! The names are those of Pub/Sub, so that one handler reads the dead letters of every broker.

use std::collections::BTreeMap;

/// Attribute: the queue or subscription on which delivery was given up.
pub const SOURCE: &str = "CloudPubSubDeadLetterSourceSubscription";
/// Attribute: how many times the message was delivered.
pub const DELIVERY_COUNT: &str = "CloudPubSubDeadLetterSourceDeliveryCount";
/// Attribute: why the message was given up. Pub/Sub itself does not set it.
pub const REASON: &str = "reason";

/// Adds what is known of a message given up to its attributes.
pub(crate) fn mark(
    attributes: &mut BTreeMap<String, String>,
    source: &str,
    deliveries: u32,
    reason: &str,
) {
    attributes.insert(SOURCE.into(), source.into());
    attributes.insert(DELIVERY_COUNT.into(), deliveries.to_string());
    attributes.insert(REASON.into(), reason.into());
}
