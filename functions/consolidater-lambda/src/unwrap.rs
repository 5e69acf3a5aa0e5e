//! Orders inside the envelopes of AWS.

use serde_json::{Map, Value};

/// More envelopes than this are not opened: nobody sends them.
const DEEPEST: usize = 8;

/// The text inside of the envelopes of `EventBridge` and SNS around it, in any order and number; what is in no such
/// envelope stays as it is.
pub(crate) fn unwrapped(text: &str) -> String {
    let mut text = text.to_owned();
    for _ in 0..DEEPEST {
        let Ok(Value::Object(object)) = serde_json::from_str(&text) else {
            break;
        };
        let Some(inner) = inner(object) else { break };
        text = inner;
    }
    text
}

/// What an envelope holds.
fn inner(mut object: Map<String, Value>) -> Option<String> {
    if object.contains_key("detail-type")
        && let Some(detail) = object.remove("detail")
    {
        return Some(text_of(detail));
    }
    if object.contains_key("Type")
        && let Some(message) = object.remove("Message")
    {
        return Some(text_of(message));
    }
    None
}

fn text_of(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::unwrapped;
    use serde_json::{Value, json};

    #[test]
    fn m21_orders_are_found_in_each_envelope() {
        let order = json!({"v": 1, "type": "consolidation", "value": 0.1});
        let sns = |text: &str| {
            json!({"Type": "Notification", "TopicArn": "a", "Message": text}).to_string()
        };
        let bridge = |detail: &Value| {
            json!({"version": "0", "detail-type": "order", "source": "s", "detail": detail})
                .to_string()
        };
        let plain = order.to_string();
        for (given, envelopes) in [
            (plain.clone(), "none"),
            (sns(&plain), "SNS"),
            (bridge(&order), "EventBridge"),
            (bridge(&json!(plain)), "EventBridge with a text"),
            (sns(&bridge(&order)), "SNS around EventBridge"),
            (bridge(&json!(sns(&plain))), "EventBridge around SNS"),
            (sns(&sns(&plain)), "SNS around SNS"),
        ] {
            let found: Value = serde_json::from_str(&unwrapped(&given)).unwrap();
            assert_eq!(found, order, "{envelopes}");
        }
    }

    #[test]
    fn what_is_in_no_envelope_stays_as_it_is() {
        for text in [
            "",
            "no order",
            "[1]",
            r#"{"Message":"without Type"}"#,
            r#"{"detail":{}}"#,
            r#"{"Type":"Notification"}"#,
        ] {
            assert_eq!(unwrapped(text), text);
        }
    }
}
