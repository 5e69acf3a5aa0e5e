use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use messaging::{
    Delivery, Handler, Outcome,
    push::{self, MAX_BODY},
    pusher::{Bearer, HttpPusher, PushOptions},
};

type Received = Arc<Mutex<Vec<(Option<String>, Delivery)>>>;

/// An endpoint that answers with the status that a message asks for.
async fn endpoint() -> (String, Received) {
    let received = Received::default();
    let app = Router::new()
        .route("/push", post(answer))
        .with_state(Arc::clone(&received));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/push", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (url, received)
}

async fn answer(State(received): State<Received>, headers: HeaderMap, body: Bytes) -> Response {
    let delivery = push::parse(&body, MAX_BODY).unwrap();
    let status: u16 = delivery.attributes["status"].parse().unwrap();
    let wait = delivery.attributes.get("wait").cloned();
    let token = headers
        .get("authorization")
        .map(|value| value.to_str().unwrap().to_owned());
    received.lock().unwrap().push((token, delivery));
    let status = StatusCode::from_u16(status).unwrap();
    match wait {
        Some(wait) => (status, [("retry-after", wait)], "because").into_response(),
        None => (status, "because").into_response(),
    }
}

fn delivery(status: u16, wait: Option<&str>) -> Delivery {
    let mut attributes =
        std::collections::BTreeMap::from([("status".to_owned(), status.to_string())]);
    attributes.extend(wait.map(|wait| ("wait".to_owned(), wait.to_owned())));
    Delivery {
        source: "consolidations".into(),
        message_id: "7".into(),
        delivery_count: Some(3),
        deadline: None,
        data: "order".into(),
        attributes,
    }
}

#[tokio::test]
async fn the_status_decides_what_becomes_of_a_message() {
    let (url, received) = endpoint().await;
    let pusher = HttpPusher::new(
        &url,
        &PushOptions {
            bearer: Some("secret".into()).into(),
            ..PushOptions::default()
        },
    );
    let pusher = pusher.unwrap();
    let later = |seconds, text: &str| Outcome::retry_after(Duration::from_secs(seconds), text);
    let again = |seconds, text: &str| Outcome::failed(Duration::from_secs(seconds), text);
    let cases = [
        (200, None, Outcome::Ack),
        (201, None, Outcome::Ack),
        (202, None, Outcome::Ack),
        (204, None, Outcome::Ack),
        (400, None, Outcome::dead_letter("400 Bad Request: because")),
        (503, None, again(4, "503 Service Unavailable: because")),
        (
            503,
            Some("20"),
            later(20, "503 Service Unavailable: because"),
        ),
        (
            429,
            Some("99999999"),
            later(600, "429 Too Many Requests: because"),
        ),
        (
            503,
            Some("soon"),
            again(4, "503 Service Unavailable: because"),
        ),
        (
            203,
            None,
            again(4, "203 Non Authoritative Information: because"),
        ),
        (301, None, again(4, "301 Moved Permanently: because")),
        (401, None, later(4, "401 Unauthorized: because")),
        (403, None, later(4, "403 Forbidden: because")),
        (404, None, again(4, "404 Not Found: because")),
        (500, None, again(4, "500 Internal Server Error: because")),
    ];
    for (status, wait, expected) in cases {
        assert_eq!(
            pusher.handle(delivery(status, wait)).await,
            expected,
            "{status} {wait:?}"
        );
    }
    let (token, first) = received.lock().unwrap().remove(0);
    assert_eq!(
        (token.as_deref(), first),
        (Some("Bearer secret"), delivery(200, None))
    );
}

#[tokio::test]
async fn a_token_that_is_replaced_is_sent_from_then_on() {
    let (url, received) = endpoint().await;
    let token = Arc::new(Mutex::new(Some("old".to_owned())));
    let asked = Arc::clone(&token);
    let options = PushOptions {
        bearer: Bearer::by(move || asked.lock().unwrap().clone().map(Into::into)),
        ..PushOptions::default()
    };
    let pusher = HttpPusher::new(&url, &options).unwrap();
    for next in [Some("new".to_owned()), None] {
        pusher.handle(delivery(200, None)).await;
        *token.lock().unwrap() = next;
    }
    pusher.handle(delivery(200, None)).await;
    let received = received.lock().unwrap();
    let tokens: Vec<_> = received.iter().map(|(token, _)| token.as_deref()).collect();
    assert_eq!(tokens, [Some("Bearer old"), Some("Bearer new"), None]);
}

#[tokio::test]
async fn an_endpoint_that_is_away_is_tried_again() {
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/push", unused.local_addr().unwrap());
    drop(unused);
    let pusher = HttpPusher::new(&url, &PushOptions::default()).unwrap();
    let Outcome::Retry {
        after,
        counts,
        reason,
    } = pusher.handle(delivery(200, None)).await
    else {
        panic!("not retried")
    };
    // nothing was tried: orders wait for a worker for as long as it takes
    assert_eq!((after, counts), (Some(Duration::from_secs(4)), false));
    assert!(
        reason.contains(&url) && reason.contains("refused"),
        "{reason}"
    );
}

#[tokio::test]
async fn an_endpoint_that_does_not_answer_is_tried_again() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/push", silent.local_addr().unwrap());
    let options = PushOptions {
        timeout: Duration::from_millis(200),
        ..PushOptions::default()
    };
    let pusher = HttpPusher::new(&url, &options).unwrap();
    assert!(matches!(
        pusher.handle(delivery(200, None)).await,
        Outcome::Retry { counts: true, .. }
    ));
}
