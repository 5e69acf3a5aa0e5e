//! Large uploads to Google, as its documents describe them; the emulator takes them only as long as nothing breaks.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{post, put},
};
use storage::{Error, GcsStorage, Retrying, Storage, StorageExt, UploadOptions};

use crate::{
    emulators,
    faults::BUDGET,
    proxy::{Fault, Proxy},
    uploads::content,
    uri,
};

/// Three pieces.
const SIZE: usize = 40_000_000;

/// Sessions by number, and the objects that came of them.
#[derive(Debug, Default)]
struct Service {
    sessions: Vec<Vec<u8>>,
    names: Vec<String>,
    objects: HashMap<String, Vec<u8>>,
    /// Of the next piece this many bytes are kept before it fails.
    broken_after: Option<usize>,
    /// The next request to a session finds it gone.
    forgotten: bool,
}

type Shared = Arc<Mutex<Service>>;

async fn begin(
    State(service): State<Shared>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    assert_eq!(query["uploadType"], "resumable");
    assert_eq!(headers["x-upload-content-length"], SIZE.to_string());
    let mut service = service.lock().unwrap();
    let creates = query.get("ifGenerationMatch").map(String::as_str) == Some("0");
    if creates && service.objects.contains_key(&query["name"]) {
        return StatusCode::PRECONDITION_FAILED.into_response();
    }
    let host = headers[header::HOST].to_str().unwrap();
    let place = format!("http://{host}/session/{}", service.sessions.len());
    service.sessions.push(Vec::new());
    service.names.push(query["name"].clone());
    ([(header::LOCATION, place)], "").into_response()
}

async fn send(
    State(service): State<Shared>,
    Path(number): Path<usize>,
    headers: HeaderMap,
    piece: Bytes,
) -> Response {
    let mut service = service.lock().unwrap();
    let service = &mut *service;
    if std::mem::take(&mut service.forgotten) {
        return StatusCode::GONE.into_response();
    }
    let range = headers[header::CONTENT_RANGE].to_str().unwrap();
    let held = &mut service.sessions[number];
    if let Some((start, rest)) = range.strip_prefix("bytes ").unwrap().split_once('-') {
        let start: usize = start.parse().unwrap();
        assert_eq!(start, held.len(), "a piece begins where the session ends");
        let end: usize = rest.split_once('/').unwrap().0.parse().unwrap();
        assert_eq!(end + 1 - start, piece.len());
        assert!(piece.len().is_multiple_of(256 << 10) || end + 1 == SIZE);
        if let Some(kept) = service.broken_after.take() {
            held.extend_from_slice(&piece[..kept]);
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
        held.extend_from_slice(&piece);
    } else {
        assert_eq!(range, format!("bytes */{SIZE}"));
    }
    if held.len() == SIZE {
        let object = (service.names[number].clone(), held.clone());
        service.objects.extend([object]);
        return "{}".into_response();
    }
    let status = StatusCode::PERMANENT_REDIRECT;
    match held.len() {
        0 => status.into_response(),
        held => (status, [(header::RANGE, format!("bytes=0-{}", held - 1))]).into_response(),
    }
}

/// The service behind a bad network.
async fn service() -> (Shared, Proxy, Retrying) {
    let service = Shared::default();
    let router = Router::new()
        .route("/upload/storage/v1/b/{bucket}/o", post(begin))
        .route("/session/{number}", put(send))
        .layer(DefaultBodyLimit::disable())
        .with_state(Arc::clone(&service));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let proxy = Proxy::start(&address).await;
    let store = emulators::gcs(&proxy.address.to_string()).await;
    let store = in_pieces(store);
    (service, proxy, Retrying::new(Arc::new(store), BUDGET))
}

fn in_pieces(store: GcsStorage) -> GcsStorage {
    store.with_budget(BUDGET).with_sessions_above(1 << 20)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_goes_on_where_it_broke() {
    let (service, proxy, store) = service().await;
    let file = uri("gs://bucket/a.bin");
    let data = content(SIZE);
    let options = UploadOptions::default();
    // begun, and three pieces
    let undisturbed = 4;
    // (fault, at which request, requests more): a question and a piece, or a question when the piece had come
    for (fault, at, more) in [
        (Fault::Pass, 0, 0),
        (Fault::Status(503), 0, 1),
        (Fault::Status(503), 2, 2),
        (Fault::Reset, 2, 2),
        (Fault::Truncated, 2, 1),
        (Fault::Stalled, 2, 1),
        (Fault::Lost, 2, 1),
        (Fault::Lost, 3, 1),
        (Fault::Status(503), 3, 2),
    ] {
        service.lock().unwrap().objects.clear();
        proxy.spoil(vec![Fault::Pass; at].into_iter().chain([fault]));
        store.upload(&file, data.clone(), &options).await.unwrap();
        let requests = proxy.requests();
        assert_eq!(
            requests.len(),
            undisturbed + more,
            "{fault:?} at {at}: {requests:?}"
        );
        assert!(
            service.lock().unwrap().objects["a.bin"] == data,
            "{fault:?}"
        );
    }

    // half of a piece is kept
    service.lock().unwrap().broken_after = Some(1 << 20);
    proxy.spoil([]);
    store.upload(&file, data.clone(), &options).await.unwrap();
    assert_eq!(proxy.requests().len(), undisturbed + 2);
    assert!(service.lock().unwrap().objects["a.bin"] == data);

    // a session that is gone is begun once more
    service.lock().unwrap().forgotten = true;
    proxy.spoil([]);
    store.upload(&file, data.clone(), &options).await.unwrap();
    assert_eq!(proxy.requests().len(), undisturbed + 2);

    let create = UploadOptions {
        if_absent: true,
        ..options
    };
    let created = store.upload(&file, data, &create).await;
    assert!(matches!(created, Err(Error::AlreadyExists { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_gets_no_answer_is_given_up_within_its_budget() {
    let (_, proxy, store) = service().await;
    let file = uri("gs://bucket/a.bin");
    proxy.spoil(
        [Fault::Pass, Fault::Pass]
            .into_iter()
            .chain([Fault::Status(503); 100]),
    );
    let options = UploadOptions::default();
    let failed = store.upload(&file, content(SIZE), &options).await;
    let error = failed.unwrap_err();
    assert_eq!(error.outline().unwrap(), "the store answers 503");
    // the first piece, then the second one and three questions
    assert_eq!(proxy.requests().len(), 2 + 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_emulator_takes_a_session_in_which_nothing_breaks() {
    let Some((host, bucket)) = emulators::gcs_bucket().await else {
        return;
    };
    let store = in_pieces(emulators::gcs(&host).await);
    let file = uri(&format!("gs://{bucket}/é a.bin"));
    let data = content(SIZE);
    let options = UploadOptions::default();
    store.upload(&file, data.clone(), &options).await.unwrap();
    assert!(store.download(&file, u64::MAX).await.unwrap() == data);
}
