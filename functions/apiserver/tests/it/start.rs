//! The program itself: how it starts on secrets and certificates, and what it says when it cannot.

mod opened;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use base64::{Engine, prelude::BASE64_STANDARD};
use database::testing::{TestDatabase, reference};
use database::{ClientCertificates, connect_with_certificates};
use http::StatusCode;
use rpc::pb;
use rpc::pb::geocube_client::GeocubeClient;
use rpc::pb::{GetVersionRequest, ListVariablesRequest};
use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::time::timeout;
use tonic::{Code, Request as Call};

const LONG: Duration = Duration::from_secs(30);

/// A Secret Manager of our own; answers its address.
async fn secret_manager(secrets: &[(&'static str, String)]) -> String {
    async fn answer(
        State(secrets): State<Arc<BTreeMap<String, String>>>,
        request: Request,
    ) -> Response {
        let Some(value) = secrets.get(request.uri().path()) else {
            let body = r#"{"error": {"message": "Secret not found"}}"#;
            return (StatusCode::NOT_FOUND, body).into_response();
        };
        let data = BASE64_STANDARD.encode(value);
        format!(r#"{{"payload": {{"data": "{data}"}}}}"#).into_response()
    }
    let path = |id| format!("/v1/projects/p/secrets/{id}/versions/latest:access");
    let secrets = secrets.iter().map(|(id, value)| (path(id), value.clone()));
    let router = Router::new()
        .fallback(answer)
        .with_state(Arc::new(secrets.collect()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

fn program(secret_manager: &str, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_geocube-apiserver"));
    command
        .args(["--host=127.0.0.1", "--port=0", "--project=p"])
        .args(args)
        .env_clear()
        .env("LOGLEVEL", "debug")
        .env("SECRET_MANAGER_EMULATOR_HOST", secret_manager)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// What a start that must fail says.
async fn refusal(secret_manager: &str, args: &[&str]) -> String {
    let ended = timeout(LONG, program(secret_manager, args).output()).await;
    let ended = ended.unwrap().unwrap();
    let said = [ended.stdout, ended.stderr].concat();
    let said = String::from_utf8(said).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{said}");
    said
}

/// A started program and what it said until then.
struct Running {
    address: String,
    said: String,
    _child: Child,
}

async fn start(secret_manager: &str, args: &[&str]) -> Running {
    let mut child = program(secret_manager, args).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut said = String::new();
    let listening = async {
        loop {
            let line = lines.next_line().await.unwrap();
            let line = line.unwrap_or_else(|| panic!("the program ended: {said}"));
            said.push_str(&line);
            said.push('\n');
            if !line.contains("listening") {
                continue;
            }
            let at = line.find("127.0.0.1:").unwrap();
            let port = line[at + 10..].split(|letter: char| !letter.is_ascii_digit());
            return format!("http://127.0.0.1:{}", port.into_iter().next().unwrap());
        }
    };
    let address = timeout(LONG, listening).await.unwrap();
    Running {
        address,
        said,
        _child: child,
    }
}

impl Running {
    async fn client(&self) -> GeocubeClient<tonic::transport::Channel> {
        GeocubeClient::connect(self.address.clone()).await.unwrap()
    }
}

fn with_token<T>(message: T, token: &str) -> Call<T> {
    let mut call = Call::new(message);
    let value = format!("Bearer {token}").parse().unwrap();
    call.metadata_mut().insert("authorization", value);
    call
}

#[tokio::test]
async fn the_tokens_of_a_secret_close_the_server_and_are_never_logged() {
    let Some(database) = TestDatabase::create().await else {
        return;
    };
    let json = r#"{"user": "sesame-of-users"}"#.to_owned();
    let manager = secret_manager(&[("tokens", json)]).await;
    let connection = format!("--dbConnection={}", database.url());
    let running = start(&manager, &[&connection, "--baSecretName=tokens"]).await;
    let mut client = running.client().await;
    let refused = client.version(GetVersionRequest {}).await.unwrap_err();
    assert_eq!(
        (refused.code(), refused.message()),
        (Code::Unauthenticated, "invalid token")
    );
    client
        .version(with_token(GetVersionRequest {}, "sesame-of-users"))
        .await
        .unwrap();
    for closed in ["geocube.Admin", "push routes"] {
        assert!(running.said.contains(closed), "{}", running.said);
    }
    assert!(!running.said.contains("sesame"), "{}", running.said);
}

/// Whether a token opens the server.
async fn is_let_in(running: &Running, token: &str) -> bool {
    let mut client = running.client().await;
    let answer = client
        .version(with_token(GetVersionRequest {}, token))
        .await;
    answer.is_ok()
}

#[tokio::test]
async fn tokens_that_are_replaced_count_without_a_restart() {
    let Some(database) = TestDatabase::create().await else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tokens.json");
    // as a mounted secret is replaced: as a whole
    let put = |text: &str| {
        let next = folder.path().join("next");
        std::fs::write(&next, text).unwrap();
        std::fs::rename(&next, &file).unwrap();
    };
    put(r#"{"user": "first"}"#);
    let flags = [
        format!("--dbConnection={}", database.url()),
        format!("--tokensFile={}", file.display()),
        "--tokensReload=50ms".to_owned(),
    ];
    let flags = flags.each_ref().map(String::as_str);
    let running = start("127.0.0.1:9", &flags).await;
    assert!(is_let_in(&running, "first").await);
    assert!(!is_let_in(&running, "second").await);

    // neither what cannot be understood nor the end of all tokens changes anything
    for text in ["", r#"{"user": 7}"#, "{}"] {
        put(text);
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(is_let_in(&running, "first").await, "{text}");
        assert!(!is_let_in(&running, "").await, "{text}");
    }
    put(r#"{"user": "second"}"#);
    let replaced = async {
        while !is_let_in(&running, "second").await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(LONG, replaced).await.unwrap();
    assert!(!is_let_in(&running, "first").await);
}

#[tokio::test]
async fn locks_that_nobody_will_release_are_told_at_the_start() {
    let rows = reference::rows("/data");
    let Some(database) = TestDatabase::adopted(&[reference::FRESH, &rows]).await else {
        return;
    };
    let connection = format!("--dbConnection={}", database.url());
    let running = start("127.0.0.1:9", &[&connection]).await;
    let told = running
        .said
        .lines()
        .find(|line| line.contains("still holds datasets (geocube migrate --repair)"));
    let told = told.unwrap_or_else(|| panic!("{}", running.said));
    assert!(
        told.contains(r#""severity":"warn""#)
            && told.contains("e0000000-0000-4000-8000-000000000003"),
        "{told}"
    );
}

#[tokio::test]
async fn a_secret_that_cannot_be_used_ends_the_start_with_its_name() {
    let manager = secret_manager(&[
        ("malformed", "hidden".to_owned()),
        ("empty", r#"{"user": ""}"#.to_owned()),
    ])
    .await;
    let database = "--dbConnection=postgresql://nobody@127.0.0.1:9/none";
    let named = |id: &str| format!("--baSecretName: secret {id} of project p: ");
    for (id, text) in [
        ("missing", "not found (404: Secret not found)"),
        ("malformed", "expected a JSON object"),
        ("empty", "expected a JSON object"),
    ] {
        let flag = format!("--baSecretName={id}");
        let said = refusal(&manager, &[database, &flag]).await;
        assert!(said.contains(&named(id)) && said.contains(text), "{said}");
        assert!(!said.contains("hidden"), "{said}");
    }
    let away = refusal("127.0.0.1:9", &[database, "--baSecretName=s"]).await;
    assert!(
        away.contains(&named("s")) && away.contains("cannot be reached"),
        "{away}"
    );
    let parts = ["--dbName=n", "--dbUser=u", "--dbHost=127.0.0.1:9"];
    for (id, text) in [
        ("missing", "not found"),
        ("malformed", "apiserver.crt, apiserver.key and root.crt"),
    ] {
        let flag = format!("--dbSecretName={id}");
        let said = refusal(&manager, &[&parts[..], &[flag.as_str()]].concat()).await;
        let named = format!("--dbSecretName: secret {id} of project p: ");
        assert!(said.contains(&named) && said.contains(text), "{said}");
    }
}

#[tokio::test]
async fn a_certificate_that_cannot_be_used_ends_the_start_with_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let certificate = folder.path().join("tls.crt");
    std::fs::write(&certificate, "hidden").unwrap();
    let database = "--dbConnection=postgresql://nobody@127.0.0.1:9/none";
    let flag = format!("--tlsCert={}", certificate.display());
    for (args, text) in [
        (
            vec![database, "--tls"],
            "--tlsCert: cannot read /tls/tls.crt",
        ),
        (vec![database, "--tls", &flag], "a chain of certificates"),
        // without TLS the next thing to fail is the database
        (
            vec![database, "--tls", "--local", &flag],
            "connecting to the database",
        ),
    ] {
        let said = refusal("127.0.0.1:9", &args).await;
        assert!(said.contains(text), "{args:?}: {said}");
        assert!(!said.contains("hidden"), "{said}");
    }
}

/// Folder with address and certificates of a server that asks for them; see `scripts/test`.
fn tls_postgres() -> Option<(String, impl Fn(&str) -> String)> {
    let Ok(folder) = std::env::var("GEOCUBE_TLS_POSTGRES") else {
        eprintln!("skipped: needs GEOCUBE_TLS_POSTGRES");
        return None;
    };
    let read = move |name: &str| std::fs::read_to_string(format!("{folder}/{name}")).unwrap();
    Some((read("host"), read))
}

#[tokio::test]
async fn certificates_of_a_secret_open_the_database() {
    let Some((host, read)) = tls_postgres() else {
        return;
    };
    let pem = ["apiserver.crt", "apiserver.key", "root.crt"].map(&read);
    let [certificate, key, root] = &pem;
    let url = format!("postgresql://geocube@{host}/postgres");
    let certificates = ClientCertificates {
        certificate,
        key,
        root,
    };
    let options = connect_with_certificates(&url, certificates).unwrap();
    database::migrate::run_with(&options).await.unwrap();

    let json = |root: &str| {
        serde_json::json!({"apiserver.crt": certificate, "apiserver.key": key, "root.crt": root})
            .to_string()
    };
    let stranger = rcgen::generate_simple_self_signed(["instance".to_owned()]).unwrap();
    let manager = secret_manager(&[
        ("certificates", json(root)),
        ("stranger", json(&stranger.cert.pem())),
    ])
    .await;
    let host = format!("--dbHost={host}");
    let parts = ["--dbName=postgres", "--dbUser=geocube", &host];
    let with = |secret| [&parts[..], &[secret]].concat();
    let running = start(&manager, &with("--dbSecretName=certificates")).await;
    let mut client = running.client().await;
    let listed = client.list_variables(ListVariablesRequest::default()).await;
    listed.unwrap();
    assert!(!running.said.contains("BEGIN"), "{}", running.said);

    // a server of another authority gets nothing
    let said = refusal(&manager, &with("--dbSecretName=stranger")).await;
    assert!(said.contains("connecting to the database"), "{said}");
    assert!(!said.contains("BEGIN"), "{said}");
    // and the server lets nobody in without a certificate
    let bare = format!("--dbConnection={url}?sslmode=require");
    let said = refusal(&manager, &[bare.as_str()]).await;
    assert!(said.contains("connecting to the database"), "{said}");
}

#[tokio::test]
async fn a_database_that_is_away_is_named_at_once_and_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let url = format!("--dbConnection=postgresql://nobody:hidden@{address}/none");
    let begin = Instant::now();
    let mut program = program("127.0.0.1:9", &[&url, "--dbAcquireTimeout=3s"]);
    let mut child = program.spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let (mut said, mut first) = (String::new(), None);
    while let Some(line) = timeout(LONG, lines.next_line()).await.unwrap().unwrap() {
        if line.contains(&address.to_string()) && line.contains("refused") {
            first.get_or_insert_with(|| begin.elapsed());
        }
        said.push_str(&line);
    }
    let all = begin.elapsed();
    let first = first.unwrap_or_else(|| panic!("{said}"));
    assert!(all > first + Duration::from_secs(2), "{first:?} {all:?}");
    let last = format!("connecting to the database: no connection to the database at {address}: ");
    assert!(said.contains(&last) && !said.contains("hidden"), "{said}");
}

#[tokio::test]
async fn the_smallest_number_of_connections_is_enough_and_never_exceeded() {
    let Some(database) = TestDatabase::create().await else {
        return;
    };
    let connection = format!("--dbConnection={}", database.url());
    let said = refusal("127.0.0.1:9", &[&connection, "--dbMaxConnections=3"]).await;
    assert!(
        said.contains("--dbMaxConnections: expected at least 4"),
        "{said}"
    );

    let args = [&connection, "--dbMaxConnections=4", "--sweepInterval=1s"];
    let running = start("127.0.0.1:9", &args).await;
    let client = running.client().await;
    let mut calls = tokio::task::JoinSet::new();
    for number in 0..60 {
        let mut client = client.clone();
        calls.spawn(async move {
            if number % 2 == 0 {
                let list = ListVariablesRequest::default();
                return client.list_variables(list).await.map(drop);
            }
            let points = [(0., 0.), (0., 1.), (number as f32, 1.), (0., 0.)];
            let points = points.map(|(lon, lat)| pb::Coord { lon, lat }).to_vec();
            let linearrings = vec![pb::LinearRing { points }];
            let polygons = vec![pb::Polygon { linearrings }];
            let aoi = Some(pb::Aoi { polygons });
            client
                .create_aoi(pb::CreateAoiRequest { aoi })
                .await
                .map(drop)
        });
    }
    let mut most = 0;
    let end = Instant::now() + Duration::from_secs(4);
    while Instant::now() < end {
        most = most.max(
            database
                .sessions(&["geocube-apiserver", "geocube-queue"])
                .await,
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    for answer in calls.join_all().await {
        answer.unwrap();
    }
    assert_eq!(most, 4);
}
