use std::{sync::Arc, time::Duration};

use axum::{Router, body::Bytes, extract::State, http::StatusCode, routing::post};
use messaging::{
    Delivery, Message, Publisher,
    pubsub::{Connection, PubSubPublisher, SetupOptions, setup},
    push::{self, MAX_BODY},
};
use tokio::{sync::mpsc, time::timeout};
use uuid::Uuid;

pub fn emulator() -> Option<Connection> {
    let connection = Connection::from_environment();
    if connection == Connection::Service {
        eprintln!("skipped: needs PUBSUB_EMULATOR_HOST");
        return None;
    }
    Some(connection)
}

pub fn project() -> String {
    format!("p-{}", Uuid::new_v4().simple())
}

/// A server whose `/push` hands on what it receives.
async fn server() -> (String, mpsc::UnboundedReceiver<Delivery>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let receive = |State(sender): State<mpsc::UnboundedSender<Delivery>>, body: Bytes| async move {
        sender.send(push::parse(&body, MAX_BODY).unwrap()).unwrap();
        StatusCode::NO_CONTENT
    };
    let app = Router::new()
        .route("/push", post(receive))
        .with_state(sender);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (url, receiver)
}

async fn run(connection: &Connection, options: &SetupOptions) -> Vec<String> {
    let mut lines = Vec::new();
    setup(connection, options, |line| lines.push(line.to_owned()))
        .await
        .unwrap();
    lines
}

#[tokio::test(flavor = "multi_thread")]
async fn setting_up_twice_changes_nothing_and_another_kind_changes_the_subscription() {
    let Some(connection) = emulator() else { return };
    let mut options = SetupOptions::new(project(), "http://127.0.0.1:9/");
    let steps = |subscription: &str| {
        vec![
            "topic events: exists".to_owned(),
            "topic events-failed: exists".to_owned(),
            "topic consolidations: exists".to_owned(),
            "topic consolidations-failed: exists".to_owned(),
            "subscription events: exists".to_owned(),
            "subscription events-failed: exists".to_owned(),
            format!("subscription consolidations: {subscription}"),
            "subscription consolidations-failed: exists".to_owned(),
            "Done!".to_owned(),
        ]
    };
    let first = run(&connection, &options).await;
    assert_eq!(
        first,
        steps("created")
            .iter()
            .map(|line| line.replace("exists", "created"))
            .collect::<Vec<_>>()
    );
    assert_eq!(run(&connection, &options).await, steps("exists"));
    options.consolidater = Some("http://127.0.0.1:10".into());
    assert_eq!(run(&connection, &options).await, steps("changed"));
    assert_eq!(run(&connection, &options).await, steps("exists"));
    options.consolidater = None;
    assert_eq!(run(&connection, &options).await, steps("changed"));
    assert_eq!(run(&connection, &options).await, steps("exists"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_published_is_pushed_to_the_server() {
    let Some(connection) = emulator() else { return };
    let (url, mut received) = server().await;
    let options = SetupOptions::new(project(), url);
    run(&connection, &options).await;
    let publisher: Arc<dyn Publisher> = Arc::new(
        PubSubPublisher::connect(&options.project, &connection)
            .await
            .unwrap(),
    );
    let messages =
        (0..20).map(|i| Message::new(format!("event {i}")).with_attribute("number", i.to_string()));
    publisher
        .publish("events", messages.collect())
        .await
        .unwrap();
    let mut numbers = Vec::new();
    for _ in 0..20 {
        let delivery = timeout(Duration::from_secs(20), received.recv())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            delivery.source,
            format!("projects/{}/subscriptions/events", options.project)
        );
        assert_eq!(
            delivery.data,
            format!("event {}", delivery.attributes["number"])
        );
        numbers.push(delivery.attributes["number"].parse::<u32>().unwrap());
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (0..20).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_topic_is_a_failure_that_stays() {
    let Some(connection) = emulator() else { return };
    let publisher = PubSubPublisher::connect(&project(), &connection)
        .await
        .unwrap();
    let error = publisher
        .publish("nowhere", vec![Message::new("x")])
        .await
        .unwrap_err();
    assert!(!error.is_retryable(), "{error:?}");
    assert_eq!(error.to_string(), "cannot publish to the topic \"nowhere\"");
}
