//! The HTTP form in which a broker delivers a message: the wrapped push request of Pub/Sub.
//!
//! ```json
//! {"message": {"data": "<base64>", "attributes": {}, "messageId": "1"}, "subscription": "events", "deliveryAttempt": 1}
//! ```

use std::collections::BTreeMap;

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::Delivery;

/// Largest body that is read by default: the 10 MB of a Pub/Sub message, in base64, and its attributes.
pub const MAX_BODY: usize = 16 << 20;

/// Why a request body is not a push envelope. Such a body does not come from a queue.
#[derive(Debug, thiserror::Error)]
pub enum Malformed {
    /// The body is too large to be read.
    #[error("push envelope: {size} bytes are too many, expected at most {limit}")]
    TooLarge {
        /// Bytes received.
        size: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// The body is not JSON, or a field has the wrong type or is missing.
    #[error("push envelope: expected JSON with message.data: {0}")]
    NotEnvelope(#[source] serde_json::Error),
    /// `message.data` is not base64.
    #[error("push envelope: message.data is not base64: {0}")]
    NotBase64(#[source] base64::DecodeError),
    /// The message has neither data nor attributes.
    #[error("push envelope: message is empty, expected data or attributes")]
    Empty,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    message: Wrapped,
    #[serde(default)]
    subscription: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    delivery_attempt: Option<u32>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Wrapped {
    #[serde(default)]
    data: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    attributes: Option<BTreeMap<String, String>>,
    #[serde(default)]
    message_id: String,
}

/// Reads the body of a push request of at most `limit` bytes.
///
/// Subscription, id, attributes and delivery attempt may be absent. The deadline is not in the body: it stays empty.
pub fn parse(body: &[u8], limit: usize) -> Result<Delivery, Malformed> {
    if body.len() > limit {
        return Err(Malformed::TooLarge {
            size: body.len(),
            limit,
        });
    }
    let Envelope {
        message,
        subscription,
        delivery_attempt,
    } = serde_json::from_slice(body).map_err(Malformed::NotEnvelope)?;
    let attributes = message.attributes.unwrap_or_default();
    let data = match message.data {
        Some(text) => BASE64_STANDARD.decode(text).map_err(Malformed::NotBase64)?,
        None if attributes.is_empty() => return Err(Malformed::Empty),
        None => Vec::new(),
    };
    Ok(Delivery {
        source: subscription,
        message_id: message.message_id,
        delivery_count: delivery_attempt,
        deadline: None,
        data: data.into(),
        attributes,
    })
}

/// Writes the body of a push request that delivers a message.
pub fn build(delivery: &Delivery) -> Bytes {
    let envelope = Envelope {
        message: Wrapped {
            data: Some(BASE64_STANDARD.encode(&delivery.data)),
            attributes: (!delivery.attributes.is_empty()).then(|| delivery.attributes.clone()),
            message_id: delivery.message_id.clone(),
        },
        subscription: delivery.source.clone(),
        delivery_attempt: delivery.delivery_count,
    };
    serde_json::to_vec(&envelope)
        .expect("texts and numbers always become JSON")
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_of_the_service_is_read() {
        let body = br#"{"message":{"data":"aGVsbG8=","attributes":{"a":"b"},"messageId":"7","message_id":"7",
            "publishTime":"2026-01-01T00:00:00Z"},"subscription":"projects/p/subscriptions/s","deliveryAttempt":3}"#;
        let expected = Delivery {
            source: "projects/p/subscriptions/s".into(),
            message_id: "7".into(),
            delivery_count: Some(3),
            deadline: None,
            data: "hello".into(),
            attributes: [("a".to_owned(), "b".to_owned())].into(),
        };
        assert_eq!(parse(body, MAX_BODY).unwrap(), expected);
    }

    #[test]
    fn the_shortest_body_is_read() {
        let delivery = parse(br#"{"message":{"data":"aGVsbG8="}}"#, MAX_BODY).unwrap();
        assert_eq!(
            (delivery.data.as_ref(), delivery.delivery_count),
            (b"hello".as_slice(), None)
        );
    }

    #[test]
    fn malformed_bodies_are_refused_with_their_reason() {
        let cases: [(&[u8], &str); 13] = [
            (b"", "expected JSON"),
            (b"not json", "expected JSON"),
            (b"{}", "missing field `message`"),
            (b"[]", "expected JSON"),
            (b"null", "expected JSON"),
            (br#"{"message":null}"#, "expected JSON"),
            (br#"{"message":{}}"#, "message is empty"),
            (br#"{"message":{"data":7}}"#, "expected JSON"),
            (br#"{"message":{"data":"%%%"}}"#, "not base64"),
            (br#"{"message":{"data":"aGVsbG8"}}"#, "not base64"),
            (
                br#"{"message":{"data":""},"deliveryAttempt":-1}"#,
                "expected JSON",
            ),
            (
                br#"{"message":{"data":""},"deliveryAttempt":99999999999}"#,
                "expected JSON",
            ),
            (b"\xff\xfe", "expected JSON"),
        ];
        for (body, expected) in cases {
            let refusal = parse(body, MAX_BODY).unwrap_err().to_string();
            assert!(
                refusal.starts_with("push envelope: ") && refusal.contains(expected),
                "{refusal}"
            );
        }
        let refusal = parse(&[b' '; 11], 10).unwrap_err().to_string();
        assert_eq!(
            refusal,
            "push envelope: 11 bytes are too many, expected at most 10"
        );
        let nested = [b"{\"x\":".as_slice(), &b"[".repeat(100_000)].concat();
        assert!(parse(&nested, MAX_BODY).is_err());
    }

    #[test]
    fn what_is_built_can_be_read() {
        let delivery = Delivery {
            source: "events".into(),
            message_id: "42".into(),
            delivery_count: Some(1),
            deadline: None,
            data: Bytes::from_static(&[0, 255, 10, 34]),
            attributes: [("naïve \"name\"".to_owned(), "\n".to_owned())].into(),
        };
        assert_eq!(parse(&build(&delivery), MAX_BODY).unwrap(), delivery);
        let bare = Delivery {
            delivery_count: None,
            attributes: BTreeMap::new(),
            data: Bytes::new(),
            ..delivery
        };
        assert_eq!(parse(&build(&bare), MAX_BODY).unwrap(), bare);
    }
}
