//! Google Cloud Storage as the service is reached, with the token of an account on every request.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri as Target, header},
    response::{IntoResponse, Response},
    routing::post,
};
use google_cloud_auth::credentials::user_account;
use serde_json::json;
use storage::{DeleteOptions, GcsStorage, Storage, StorageExt, UploadOptions};

use crate::{described::serve, uri};

/// What the requests of each kind said of who asks.
type Asked = Arc<Mutex<BTreeMap<&'static str, Vec<String>>>>;

const CONTENT: &str = "0123456789";

/// A service that holds one object.
async fn answer(
    State(asked): State<Asked>,
    method: Method,
    target: Target,
    headers: HeaderMap,
    _: Bytes,
) -> Response {
    let (path, query) = (target.path(), target.query().unwrap_or_default());
    let kind = match method {
        Method::GET if query.contains("alt=media") => "read",
        Method::GET if path.ends_with("/o/a.tif") => "head",
        Method::GET => "list",
        Method::DELETE => "delete",
        Method::PUT => "piece",
        Method::POST if path.contains("/rewriteTo/") => "rewrite",
        Method::POST if query.contains("uploadType=resumable") => "session",
        Method::POST if query.contains("uploadType=multipart") => "upload",
        _ => "other",
    };
    let says = headers.get(header::AUTHORIZATION);
    let says = says.map_or("nothing", |value| value.to_str().unwrap());
    let mut all = asked.lock().unwrap();
    all.entry(kind).or_default().push(says.to_owned());
    drop(all);
    let object = json!({
        "bucket": "bucket",
        "name": "a.tif",
        "size": "10",
        "generation": "1",
        "done": true,
    });
    match kind {
        "read" => {
            let range = headers[header::RANGE].to_str().unwrap();
            let (first, last) = range
                .strip_prefix("bytes=")
                .unwrap()
                .split_once('-')
                .unwrap();
            let first: usize = first.parse().unwrap();
            let last = last.parse().unwrap_or(9).min(9);
            let told = [
                ("content-range", format!("bytes {first}-{last}/10")),
                ("x-goog-generation", "1".to_owned()),
                ("x-goog-stored-content-length", "10".to_owned()),
                ("content-type", "image/tiff".to_owned()),
            ];
            (StatusCode::PARTIAL_CONTENT, told, &CONTENT[first..=last]).into_response()
        }
        "delete" => StatusCode::NO_CONTENT.into_response(),
        "session" => {
            let host = headers[header::HOST].to_str().unwrap();
            let place = format!("http://{host}/session");
            ([(header::LOCATION, place)], "").into_response()
        }
        _ => object.to_string().into_response(),
    }
}

/// Gives an account a token.
async fn token(State(asked): State<Asked>, body: String) -> String {
    assert!(
        body.contains("refresh") && body.contains("the-refresh-token"),
        "{body}"
    );
    let mut asked = asked.lock().unwrap();
    asked.entry("token").or_default().push(String::new());
    json!({ "access_token": "the-token", "expires_in": 3600, "token_type": "Bearer" }).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_to_google_carries_the_token_of_the_account() {
    let asked = Asked::default();
    let router = Router::new()
        .route("/token", post(token))
        .fallback(answer)
        .with_state(Arc::clone(&asked));
    let root = format!("http://{}", serve(router).await);
    let account = json!({
        "type": "authorized_user",
        "client_id": "client",
        "client_secret": "secret",
        "refresh_token": "the-refresh-token",
        "token_uri": format!("{root}/token"),
    });
    let credentials = user_account::Builder::new(account).build().unwrap();
    let store = GcsStorage::connect_to(&root, credentials).await.unwrap();
    let store = store.with_sessions_above(1 << 20);
    let (file, to) = (uri("gs://bucket/a.tif"), uri("gs://bucket/b.tif"));

    assert_eq!(store.head(&file).await.unwrap().size, 10);
    assert_eq!(store.read(&file, 2..6).await.unwrap(), "2345");
    // one request tells all, as the service tells the size
    let (found, start) = store.read_start(&file, 4).await.unwrap();
    assert_eq!((found.size, &start[..]), (10, &b"0123"[..]));
    let options = UploadOptions::default();
    store.upload(&file, CONTENT.into(), &options).await.unwrap();
    let large = Bytes::from(vec![7; 2 << 20]);
    store.upload(&file, large, &options).await.unwrap();
    store.rename(&file, &to).await.unwrap();
    store
        .delete(&file, &DeleteOptions::default())
        .await
        .unwrap();

    let mut asked = std::mem::take(&mut *asked.lock().unwrap());
    assert_eq!(asked.remove("token").map(|asked| asked.len()), Some(1));
    let expected = [
        ("delete", 2),
        ("head", 2),
        ("piece", 1),
        ("read", 2),
        ("rewrite", 1),
        ("session", 1),
        ("upload", 1),
    ];
    let counts: Vec<_> = asked.iter().map(|(kind, all)| (*kind, all.len())).collect();
    assert_eq!(counts, expected);
    for (kind, all) in asked {
        assert!(
            all.iter().all(|says| says == "Bearer the-token"),
            "{kind}: {all:?}"
        );
    }
}
