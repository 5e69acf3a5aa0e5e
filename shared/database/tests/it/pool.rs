use crate::database;
use database::testing::Proxy;
use database::{Database, Error, PoolOptions, connect_options, reach};
use std::time::{Duration, Instant};

fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}

fn options(max_connections: u32) -> PoolOptions {
    PoolOptions {
        max_connections,
        acquire_timeout: Duration::from_secs(1),
        ..PoolOptions::default()
    }
}

/// A port of this machine where nobody listens.
fn closed_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[tokio::test]
async fn a_server_that_does_not_listen_is_waited_for_and_named_with_the_cause() {
    let port = closed_port();
    let url = format!("postgres://me:secret@127.0.0.1:{port}/none");
    let begin = Instant::now();
    let error = Database::connect(&url, &options(2)).await.unwrap_err();
    let waited = begin.elapsed();
    assert!(matches!(error, Error::Unreachable { .. }) && error.is_retryable());
    let text = chain(&error);
    assert!(
        text.starts_with(&format!(
            "no connection to the database at 127.0.0.1:{port}: "
        )) && text.contains("refused")
            && !text.contains("secret"),
        "{text}"
    );
    assert!(
        waited > Duration::from_millis(500) && waited < Duration::from_secs(3),
        "{waited:?}"
    );
}

#[tokio::test]
async fn a_server_that_comes_in_time_is_reached() {
    let test = database!();
    let mut proxy = Proxy::before(&test.url()).await;
    proxy.cut().await;
    let connect = connect_options(proxy.url()).unwrap();
    let reached = tokio::spawn(async move { reach(&connect, Duration::from_secs(20)).await });
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert!(!reached.is_finished());
    proxy.mend().await;
    reached.await.unwrap().unwrap();
}

#[tokio::test]
async fn what_time_does_not_mend_is_told_at_once() {
    let test = database!();
    let url = test.url();
    let (server, _) = url.rsplit_once('/').unwrap();
    let url = format!("{server}/no_such_database");
    let begin = Instant::now();
    let connect = connect_options(&url).unwrap();
    let error = reach(&connect, Duration::from_mins(1)).await.unwrap_err();
    assert!(chain(&error).contains("no_such_database"), "{error:?}");
    assert!(begin.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn one_connection_is_too_few_and_two_are_never_exceeded() {
    let test = database!();
    let error = Database::connect(&test.url(), &options(1)).await;
    let text = error.unwrap_err().to_string();
    assert_eq!(text, "max_connections: 1 are too few, expected at least 2");
    let named = PoolOptions {
        application_name: "counted".to_owned(),
        ..options(2)
    };
    let db = Database::connect(&test.url(), &named).await.unwrap();
    let _held = (db.read().await.unwrap(), db.begin().await.unwrap());
    assert!(matches!(
        db.read().await.unwrap_err(),
        Error::PoolExhausted { connections: 1, .. }
    ));
    assert_eq!(test.sessions(&["counted"]).await, 2);
}

#[tokio::test]
async fn wp29_times_are_utc_whatever_zone_the_server_prefers() {
    let test = database!();
    let name = "SELECT current_database()::text";
    let name = test.texts(name).await.remove(0);
    let elsewhere = format!("ALTER DATABASE \"{name}\" SET timezone = 'Asia/Kolkata'");
    test.run(&[&elsewhere]).await;
    let db = Database::connect(&test.url(), &options(2)).await.unwrap();
    for mut connection in [db.read().await.unwrap(), db.write().await.unwrap()] {
        let zone: String = sqlx::query_scalar("SHOW timezone")
            .fetch_one(&mut *connection)
            .await
            .unwrap();
        assert_eq!(zone, "UTC");
    }
}
