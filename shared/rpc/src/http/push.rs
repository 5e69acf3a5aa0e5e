//! Messages that a queue pushes.

use app::job::PushAnswer;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode, header};
use messaging::{Delivery, push as envelope};
use std::future::Future;
use std::time::Duration;
use uuid::Uuid;

/// Largest body that is read, in bytes.
pub const MAX_PUSH_BYTES: usize = envelope::MAX_BODY;

/// Answers a request that delivers a message, by what `handle` makes of the message.
///
/// | Status | Meaning |
/// |---|---|
/// | 204 | nothing is left to do |
/// | 400 | no envelope of a queue, or a message that can never be handled |
/// | 405 | another method than POST; without body |
/// | 500 | a fault of the service |
/// | 503 | deliver it again; `Retry-After` says when |
pub async fn push<H, F>(request: Request, handle: H) -> Response
where
    H: FnOnce(Delivery) -> F,
    F: Future<Output = PushAnswer>,
{
    if request.method() != Method::POST {
        return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "POST")]).into_response();
    }
    let body = match axum::body::to_bytes(request.into_body(), MAX_PUSH_BYTES).await {
        Ok(body) => body,
        Err(error) => return malformed(&format!("push envelope: cannot be read: {error}")),
    };
    match envelope::parse(&body, MAX_PUSH_BYTES) {
        Ok(delivery) => answer(handle(delivery).await),
        Err(error) => malformed(&error.to_string()),
    }
}

fn malformed(text: &str) -> Response {
    tracing::warn!(reason = text, "push is refused");
    (StatusCode::BAD_REQUEST, text.to_owned()).into_response()
}

fn answer(answer: PushAnswer) -> Response {
    match answer {
        PushAnswer::Done => StatusCode::NO_CONTENT.into_response(),
        PushAnswer::Refused(reason) => (StatusCode::BAD_REQUEST, reason).into_response(),
        PushAnswer::Retry { after, reason } => {
            let retry_after = [(header::RETRY_AFTER, whole_seconds(after).to_string())];
            (StatusCode::SERVICE_UNAVAILABLE, retry_after, reason).into_response()
        }
        PushAnswer::Failed(reason) => {
            let id = Uuid::new_v4();
            tracing::error!(error_id = %id, reason, "pushed message failed");
            let text = format!("internal error (error id {id})");
            (StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
        }
    }
}

fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::{MAX_PUSH_BYTES, push, whole_seconds};
    use app::job::PushAnswer;
    use axum::body::Body;
    use axum::response::Response;
    use http::{Request, header};
    use std::time::Duration;

    const ENVELOPE: &str = r#"{"message":{"data":"aGVsbG8="},"deliveryAttempt":3}"#;

    async fn post(body: impl Into<Body>, answer: PushAnswer) -> Response {
        let request = Request::post("/push").body(body.into()).unwrap();
        push(request, |delivery| async move {
            assert_eq!(
                (delivery.data.as_ref(), delivery.delivery_count),
                (&b"hello"[..], Some(3))
            );
            answer
        })
        .await
    }

    #[tokio::test]
    async fn each_answer_has_its_status() {
        let retry = PushAnswer::Retry {
            after: Duration::from_millis(1500),
            reason: "busy".to_owned(),
        };
        for (answer, status) in [
            (PushAnswer::Done, 204),
            (PushAnswer::Refused("poison".to_owned()), 400),
            (PushAnswer::Failed("password=secret".to_owned()), 500),
            (retry.clone(), 503),
        ] {
            assert_eq!(
                post(ENVELOPE, answer.clone()).await.status(),
                status,
                "{answer:?}"
            );
        }
        assert_eq!(
            post(ENVELOPE, retry).await.headers()[header::RETRY_AFTER],
            "2"
        );
    }

    #[tokio::test]
    async fn bodies_that_no_queue_sends_are_refused() {
        for body in ["", "not json", "{}", r#"{"message":{"data":"%%%"}}"#] {
            assert_eq!(post(body, PushAnswer::Done).await.status(), 400, "{body}");
        }
        assert_eq!(
            post(vec![b' '; MAX_PUSH_BYTES + 1], PushAnswer::Done)
                .await
                .status(),
            400
        );
    }

    #[tokio::test]
    async fn other_methods_are_refused_without_a_body() {
        for method in ["GET", "PUT", "DELETE"] {
            let request = Request::builder()
                .method(method)
                .body(Body::from(ENVELOPE))
                .unwrap();
            let response = push(request, |_| async { PushAnswer::Done }).await;
            assert_eq!(response.status(), 405, "{method}");
            assert!(
                axum::body::to_bytes(response.into_body(), 1)
                    .await
                    .unwrap()
                    .is_empty()
            );
        }
    }

    #[test]
    fn waits_are_rounded_up() {
        let seconds = [0, 1, 1000, 1001].map(|millis| whole_seconds(Duration::from_millis(millis)));
        assert_eq!(seconds, [0, 1, 1, 2]);
    }
}
