//! The client against a server of our own.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use google_cloud_auth::credentials::{Credentials, anonymous};
use tokio::net::TcpListener;

use super::{SecretError, SecretManager};
use crate::ExposeSecret;
use crate::secret::SecretName;

/// What each secret is answered with; `flaky` fails at first.
async fn answer(State(calls): State<Arc<AtomicUsize>>, request: Request) -> (StatusCode, String) {
    let call = calls.fetch_add(1, Ordering::SeqCst);
    let path = request.uri().path();
    let Some(id) = path
        .strip_prefix("/v1/projects/p/secrets/")
        .and_then(|rest| rest.strip_suffix("/versions/latest:access"))
    else {
        return (StatusCode::IM_A_TEAPOT, path.to_owned());
    };
    let refused = |status: StatusCode, text: &str| {
        let body = format!(r#"{{"error": {{"code": 0, "message": "{text}"}}}}"#);
        (status, body)
    };
    let holding = |bytes: &[u8]| {
        let data = BASE64_STANDARD.encode(bytes);
        let body = format!(r#"{{"name": "n", "payload": {{"data": "{data}"}}}}"#);
        (StatusCode::OK, body)
    };
    match id {
        "tokens" => holding(r#"{"user": "é"}"#.as_bytes()),
        "flaky" if call < 2 => refused(StatusCode::SERVICE_UNAVAILABLE, "soon"),
        "flaky" => holding(b"at last"),
        "down" => refused(StatusCode::INTERNAL_SERVER_ERROR, "down"),
        "denied" => refused(StatusCode::FORBIDDEN, "Permission denied"),
        "disabled" => refused(StatusCode::BAD_REQUEST, "is in DISABLED state"),
        "binary" => holding(&[0xff, 0xfe]),
        "no-json" => (StatusCode::OK, "hidden".to_owned()),
        "no-data" => (StatusCode::OK, r#"{"payload": {"data": "%"}}"#.to_owned()),
        _ => refused(StatusCode::NOT_FOUND, "Secret not found"),
    }
}

async fn server() -> (SecretManager, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let router = Router::new().fallback(answer).with_state(calls.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { axum::serve(listener, router).await });
    (SecretManager::at(&address).unwrap(), calls)
}

fn name(id: &str) -> SecretName {
    SecretName::try_new("--baSecretName", "p", id).unwrap()
}

#[tokio::test]
async fn the_latest_version_is_fetched() {
    let (manager, calls) = server().await;
    let secret = manager.fetch(&name("tokens")).await.unwrap();
    assert_eq!(secret.value.expose_secret(), r#"{"user": "é"}"#);
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    assert!(!format!("{secret:?}").contains("user"));
}

#[tokio::test]
async fn passing_failures_are_tried_again_and_others_are_not() {
    let (manager, calls) = server().await;
    let secret = manager.fetch(&name("flaky")).await.unwrap();
    assert_eq!(secret.value.expose_secret(), "at last");
    assert_eq!(calls.swap(0, Ordering::SeqCst), 3);
    assert!(manager.fetch(&name("down")).await.is_err());
    assert_eq!(calls.swap(0, Ordering::SeqCst), 3);
    assert!(manager.fetch(&name("denied")).await.is_err());
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn failures_name_flag_and_secret_and_show_no_value() {
    let (manager, _) = server().await;
    for (id, text) in [
        ("missing", "not found (404: Secret not found)"),
        ("denied", "access is denied"),
        ("disabled", "answers 400: is in DISABLED state"),
        ("binary", "no text in UTF-8"),
        ("no-json", "no text in UTF-8"),
        ("no-data", "no text in UTF-8"),
    ] {
        let error = manager.fetch(&name(id)).await.unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("--baSecretName: secret {id} of project p: ")),
            "{error}"
        );
        assert!(error.contains(text) && !error.contains("hidden"), "{error}");
    }
}

#[tokio::test]
async fn a_service_that_is_away_is_told() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = nobody.local_addr().unwrap();
    drop(nobody);
    let manager = SecretManager::at(&format!("http://{address}")).unwrap();
    let error = manager.fetch(&name("tokens")).await.unwrap_err();
    assert!(
        matches!(error, SecretError::Unreachable { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn credentials_travel_as_headers() {
    #[derive(Debug)]
    struct Fixed;
    impl google_cloud_auth::credentials::CredentialsProvider for Fixed {
        async fn headers(
            &self,
            _: http::Extensions,
        ) -> Result<
            google_cloud_auth::credentials::CacheableResource<http::HeaderMap>,
            google_cloud_auth::errors::CredentialsError,
        > {
            let mut data = http::HeaderMap::new();
            data.insert("authorization", "Bearer machine".parse().unwrap());
            Ok(google_cloud_auth::credentials::CacheableResource::New {
                data,
                entity_tag: google_cloud_auth::credentials::EntityTag::new(),
            })
        }

        async fn universe_domain(&self) -> Option<String> {
            None
        }
    }
    let echo = async |request: Request| {
        let header = request.headers().get("authorization");
        let data = BASE64_STANDARD.encode(header.map_or(&b"none"[..], |value| value.as_bytes()));
        format!(r#"{{"payload": {{"data": "{data}"}}}}"#)
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(echo)).await });
    let manager = SecretManager::at(&address).unwrap();
    let with = |credentials: Option<Credentials>| SecretManager {
        credentials,
        ..manager.clone()
    };
    for (credentials, sent) in [
        (Some(Credentials::from(Fixed)), "Bearer machine"),
        (Some(anonymous::Builder::new().build()), "none"),
        (None, "none"),
    ] {
        let secret = with(credentials).fetch(&name("any")).await.unwrap();
        assert_eq!(secret.value.expose_secret(), sent);
    }
}

#[test]
fn addresses_are_checked() {
    for address in ["127.0.0.1:1", "http://localhost:1", "https://host"] {
        assert!(SecretManager::at(address).is_ok(), "{address}");
    }
    for address in ["ftp://host", "http://", "host:port:x"] {
        assert!(SecretManager::at(address).is_err(), "{address}");
    }
}
