//! What Google is told of an object besides its content; the emulator overlooks it.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri as Target, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use domain::StorageClass;
use serde_json::{Value, json};
use storage::{GcsStorage, RenameOptions, Storage, StorageExt, UploadOptions};

use crate::{emulators, faults::BUDGET, uri};

/// Descriptions that were sent, each behind the kind of its request.
type Described = Arc<Mutex<Vec<(&'static str, Value)>>>;

/// A service that takes everything, and holds one object.
async fn answer(
    State(described): State<Described>,
    method: Method,
    target: Target,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let query = target.query().unwrap_or_default();
    let kind = match method {
        Method::POST if target.path().contains("/rewriteTo/") => "rewrite",
        Method::POST if query.contains("uploadType=multipart") => "upload",
        Method::POST if query.contains("uploadType=resumable") => "session",
        Method::GET | Method::PUT => {
            let frozen = target.path().ends_with("frozen.tif");
            let object = json!({
                "bucket": "bucket",
                "name": "a.tif",
                "size": "3",
                "generation": "1",
                "contentType": "image/tiff",
                "storageClass": if frozen { "FROZEN" } else { "STANDARD" },
            });
            return object.to_string().into_response();
        }
        _ => return StatusCode::NO_CONTENT.into_response(),
    };
    // the first of the parts, or all there is
    let start = body.iter().position(|byte| *byte == b'{').unwrap();
    let mut values = serde_json::Deserializer::from_slice(&body[start..]).into_iter();
    let description = values.next().unwrap().unwrap();
    described.lock().unwrap().push((kind, description));
    let host = headers[header::HOST].to_str().unwrap();
    let place = format!("http://{host}/session");
    let told = json!({ "done": true, "bucket": "bucket", "name": "a.tif", "generation": "1" });
    ([(header::LOCATION, place)], told.to_string()).into_response()
}

async fn service() -> (Described, GcsStorage) {
    let described = Described::default();
    let router = Router::new()
        .fallback(answer)
        .with_state(Arc::clone(&described));
    let store = emulators::gcs(&serve(router).await).await;
    (described, store.with_sessions_above(10))
}

/// Address of a service of this process.
pub(crate) async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn google_is_told_type_and_class_of_whatever_is_written() {
    let (described, store) = service().await;
    let file = uri("gs://bucket/a.tif");
    let options = UploadOptions {
        content_type: Some("image/tiff".to_owned()),
        storage_class: Some(StorageClass::Infrequent),
        ..UploadOptions::default()
    };
    let plain = UploadOptions::default();
    for (kind, content) in [("upload", "abc"), ("session", "more than ten bytes")] {
        for (options, class, content_type) in [
            (&options, Value::from("NEARLINE"), Value::from("image/tiff")),
            (&plain, Value::Null, Value::Null),
        ] {
            store.upload(&file, content.into(), options).await.unwrap();
            let told = std::mem::take(&mut *described.lock().unwrap());
            let [(asked, description)] = &told[..] else {
                panic!("one request begins a write: {told:?}");
            };
            assert_eq!(*asked, kind);
            assert_eq!(description["storageClass"], class, "{kind}: {description}");
            assert_eq!(
                description["contentType"], content_type,
                "{kind}: {description}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn google_is_told_to_keep_the_type_and_the_class_of_what_is_moved() {
    let (described, store) = service().await;
    let (from, to) = (uri("gs://bucket/a.tif"), uri("gs://bucket/b.tif"));
    store.rename(&from, &to).await.unwrap();
    let archived = RenameOptions {
        storage_class: Some(StorageClass::DeepArchive),
    };
    store.rename_with(&from, &to, &archived).await.unwrap();
    let rewrite = |class| {
        let description = json!({ "contentType": "image/tiff", "storageClass": class });
        ("rewrite", description)
    };
    assert_eq!(
        *described.lock().unwrap(),
        [rewrite("STANDARD"), rewrite("ARCHIVE")]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_class_that_is_not_known_is_not_taken_for_another() {
    let (_, store) = service().await;
    let told = store.head(&uri("gs://bucket/frozen.tif")).await.unwrap();
    assert_eq!(told.unknown_class.as_deref(), Some("FROZEN"));
    assert_eq!(told.storage_class, None);
    let told = store.head(&uri("gs://bucket/a.tif")).await.unwrap();
    assert_eq!(told.unknown_class, None);
    assert_eq!(told.storage_class, Some(StorageClass::Standard));
}

/// A service that copies in three parts, and fails once in the middle; tokens that came with the calls.
async fn copies_in_parts(
    State(tokens): State<Arc<Mutex<Vec<String>>>>,
    target: Target,
) -> Response {
    let query = target.query().unwrap_or_default();
    let mut tokens = tokens.lock().unwrap();
    let token = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("rewriteToken="))
        .unwrap_or_default();
    tokens.push(token.to_owned());
    match tokens.len() {
        1 => json!({ "done": false, "rewriteToken": "one" })
            .to_string()
            .into_response(),
        2 => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        3 => json!({ "done": false, "rewriteToken": "two" })
            .to_string()
            .into_response(),
        _ => json!({ "done": true }).to_string().into_response(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_breaks_goes_on_with_its_token() {
    let tokens: Arc<Mutex<Vec<String>>> = Arc::default();
    let object = json!({ "bucket": "bucket", "name": "a", "size": "3", "generation": "1" });
    let router = Router::new()
        .route(
            "/storage/v1/b/bucket/o/{name}/rewriteTo/b/bucket/o/{to}",
            post(copies_in_parts).with_state(Arc::clone(&tokens)),
        )
        .route(
            "/storage/v1/b/bucket/o/{name}",
            get(move || std::future::ready(object.to_string()))
                .delete(|| std::future::ready(StatusCode::NO_CONTENT)),
        );
    let store = emulators::gcs(&serve(router).await).await;
    let store = store.with_budget(BUDGET);
    let (from, to) = (uri("gs://bucket/a.tif"), uri("gs://bucket/b.tif"));
    store.rename(&from, &to).await.unwrap();
    assert_eq!(*tokens.lock().unwrap(), ["", "one", "one", "two"]);
}
