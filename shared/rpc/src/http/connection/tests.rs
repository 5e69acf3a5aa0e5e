use super::{Connection, Lifetime};
use crate::http::Tls;
use axum::Router;
use axum::routing::get;
use runtime::shutdown::CancellationToken;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

const SHORT: Duration = Duration::from_millis(200);
const LONG: Duration = Duration::from_secs(10);

fn connection(tls: Option<Tls>, age: Option<Duration>) -> Connection {
    let slow = async || {
        sleep(2 * SHORT).await;
        "late"
    };
    Connection {
        router: Router::new()
            .route("/", get("ok"))
            .route("/slow", get(slow)),
        tls,
        handshake_limit: SHORT,
        lifetime: Lifetime {
            age,
            stop: CancellationToken::new(),
        },
    }
}

fn tls() -> Tls {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("crt"), folder.path().join("key"));
    let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(&certificate, pair.cert.pem()).unwrap();
    std::fs::write(&key, pair.signing_key.serialize_pem()).unwrap();
    Tls::load(&certificate, &key).unwrap()
}

/// The client's end, and how the server's end ended.
async fn open(connection: Connection) -> (TcpStream, JoinHandle<Result<(), String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await;
    let (stream, _) = listener.accept().await.unwrap();
    let serving = tokio::spawn(async move {
        let served = connection.serve(stream).await;
        served.map_err(|error| error.to_string())
    });
    (client.unwrap(), serving)
}

async fn ask(client: &mut TcpStream, path: &str) {
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    client.write_all(request.as_bytes()).await.unwrap();
}

async fn everything(client: &mut TcpStream) -> String {
    let mut answer = String::new();
    timeout(LONG, client.read_to_string(&mut answer))
        .await
        .unwrap()
        .unwrap();
    answer
}

#[tokio::test]
async fn a_handshake_that_takes_too_long_is_given_up() {
    let (mut silent, serving) = open(connection(Some(tls()), None)).await;
    let ended = timeout(LONG, serving).await.unwrap().unwrap();
    assert_eq!(ended, Err("deadline has elapsed".to_owned()));
    assert_eq!(everything(&mut silent).await, "");
}

#[tokio::test]
async fn a_stop_ends_a_handshake() {
    let connection = Connection {
        handshake_limit: LONG,
        ..connection(Some(tls()), None)
    };
    let stop = connection.lifetime.stop.clone();
    let (_silent, serving) = open(connection).await;
    stop.cancel();
    assert_eq!(timeout(SHORT, serving).await.unwrap().unwrap(), Ok(()));
}

#[tokio::test]
async fn an_old_connection_that_is_idle_is_closed() {
    let (mut client, serving) = open(connection(None, Some(SHORT))).await;
    ask(&mut client, "/").await;
    let answer = everything(&mut client).await;
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.ends_with("ok"),
        "{answer}"
    );
    assert_eq!(serving.await.unwrap(), Ok(()));
}

#[tokio::test]
async fn a_request_in_flight_outlives_the_age_of_its_connection() {
    let (mut client, serving) = open(connection(None, Some(SHORT))).await;
    ask(&mut client, "/slow").await;
    let answer = everything(&mut client).await;
    assert!(answer.ends_with("late"), "{answer}");
    assert_eq!(serving.await.unwrap(), Ok(()));
}

#[tokio::test]
async fn without_an_age_a_connection_stays() {
    let connection = connection(None, None);
    let stop = connection.lifetime.stop.clone();
    let (mut client, serving) = open(connection).await;
    ask(&mut client, "/").await;
    sleep(2 * SHORT).await;
    assert!(!serving.is_finished());
    ask(&mut client, "/slow").await;
    sleep(SHORT / 2).await;
    stop.cancel();
    let answer = everything(&mut client).await;
    assert!(
        answer.contains("ok") && answer.ends_with("late"),
        "{answer}"
    );
    assert_eq!(serving.await.unwrap(), Ok(()));
}
