//! Tokens of pushes, against a key server of our own.

use axum::Router;
use axum::body::Body;
use axum::routing::{any, post};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use http::{Request, StatusCode, header};
use ring::hmac;
use rpc::http::{Access, PushVerifier, protected};
use rpc::testing::{ACCOUNT, AUDIENCE, KeyServer, SigningKey, claims, encoded};
use runtime::config::Tokens;
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};
use tower::ServiceExt;

/// A port that takes pushes by OIDC, and perhaps by tokens.
fn port(server: &KeyServer, tokens: &Tokens) -> Router {
    let verifier = PushVerifier::new(&server.expected()).unwrap();
    let access = Access::new(tokens).with_pushers(Some(verifier));
    let routes = Router::new()
        .route("/push", post(async || StatusCode::NO_CONTENT))
        .fallback(any(async || "ok"));
    protected(routes, &access)
}

async fn ask(port: &Router, path: &str, authorization: Option<&str>) -> (u16, String) {
    let mut request = Request::post(path);
    if let Some(value) = authorization {
        request = request.header(header::AUTHORIZATION, value);
    }
    let request = request.body(Body::empty()).unwrap();
    let answer = port.clone().oneshot(request).await.unwrap();
    let status = answer.status().as_u16();
    let body = axum::body::to_bytes(answer.into_body(), 1000)
        .await
        .unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

async fn push(port: &Router, token: &str) -> (u16, String) {
    ask(port, "/push", Some(&format!("Bearer {token}"))).await
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

#[tokio::test]
async fn m7_each_claim_of_a_token_is_checked() {
    let key = SigningKey::new("first");
    let server = KeyServer::start(&[&key]).await;
    let port = port(&server, &Tokens::default());
    let now = now();
    for (others, status, text) in [
        (json!({}), 204, ""),
        (json!({"iss": "accounts.google.com"}), 204, ""),
        (json!({"aud": [AUDIENCE, "another"]}), 204, ""),
        (json!({"exp": now - 30, "iat": now - 3630}), 204, ""),
        (json!({"iat": now + 30}), 204, ""),
        (json!({"exp": now - 120}), 401, "the token is expired"),
        (json!({"exp": null}), 401, "the token has no usable exp"),
        (json!({"exp": "soon"}), 401, "the token has no usable exp"),
        (json!({"iat": now + 120}), 401, "the token is not valid yet"),
        (json!({"nbf": now + 120}), 401, "the token is not valid yet"),
        (json!({"iat": null}), 401, "the token has no usable iat"),
        (json!({"iat": "now"}), 401, "the token has no usable iat"),
        (
            json!({"aud": "https://other.example.com"}),
            401,
            "the token has another audience",
        ),
        (
            json!({"aud": [ "another" ]}),
            401,
            "the token has another audience",
        ),
        (json!({"aud": null}), 401, "the token has no usable aud"),
        (
            json!({"iss": "https://accounts.google.com.example.com"}),
            401,
            "the token has another issuer",
        ),
        (json!({"iss": null}), 401, "the token has no usable iss"),
        (
            json!({"email_verified": false}),
            401,
            "the e-mail of the token is not verified",
        ),
        (
            json!({"email_verified": null}),
            401,
            "the e-mail of the token is not verified",
        ),
        (
            json!({"email_verified": "true"}),
            401,
            "the e-mail of the token is not verified",
        ),
        (
            json!({"email": "somebody@project.iam.gserviceaccount.com"}),
            403,
            "the account of the token may not push",
        ),
        (
            json!({"email": ACCOUNT.to_uppercase()}),
            403,
            "the account of the token may not push",
        ),
        (
            json!({"email": null}),
            403,
            "the account of the token may not push",
        ),
    ] {
        let answer = push(&port, &key.sign(&claims(&others))).await;
        assert_eq!(answer, (status, text.to_owned()), "{others}");
    }
    assert_eq!(server.fetches(), 1);
}

#[tokio::test]
async fn a_token_does_not_choose_how_it_is_checked() {
    let (key, stranger) = (SigningKey::new("first"), SigningKey::new("second"));
    let server = KeyServer::start(&[&key]).await;
    let port = port(&server, &Tokens::default());
    let claims = claims(&json!({}));
    let header = |algorithm: &str| json!({"alg": algorithm, "kid": "first", "typ": "JWT"});
    let unsigned = |header: &Value| format!("{}.{}.", encoded(header), encoded(&claims));
    let by_modulus = {
        // the public key as the secret of HMAC: whoever takes the algorithm from the header accepts it
        let message = format!("{}.{}", encoded(&header("HS256")), encoded(&claims));
        let secret = hmac::Key::new(hmac::HMAC_SHA256, &key.modulus());
        let signature = hmac::sign(&secret, message.as_bytes());
        format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    };
    let good = key.token();
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let swapped = format!(
        "{}.{}.{signature}",
        encoded(&header("RS256")),
        encoded(&claims_of_another())
    );
    for (token, text) in [
        (
            unsigned(&header("none")),
            "the token is not signed by RS256",
        ),
        (
            key.sign_with(
                &json!({"alg": "RS256", "kid": "first", "crit": ["b64"]}),
                &claims,
            ),
            "the token is no signed JWT",
        ),
        (
            unsigned(&header("RS256")),
            "the signature of the token is wrong",
        ),
        (by_modulus, "the token is not signed by RS256"),
        (
            key.sign_with(&header("RS384"), &claims),
            "the token is not signed by RS256",
        ),
        (
            key.sign_with(&header("PS256"), &claims),
            "the token is not signed by RS256",
        ),
        (
            key.sign_with(&json!({"alg": "RS256"}), &claims),
            "the token names no key",
        ),
        (
            key.sign_with(&json!({"alg": "RS256", "kid": "third"}), &claims),
            "the key of the token is unknown",
        ),
        (
            stranger.sign_with(&header("RS256"), &claims),
            "the signature of the token is wrong",
        ),
        (swapped, "the signature of the token is wrong"),
        (
            format!("{signed}.AAAA"),
            "the signature of the token is wrong",
        ),
        (signed.to_owned(), "the token is no signed JWT"),
        (format!("{good}.x"), "the token is no signed JWT"),
        (String::new(), "the token is no signed JWT"),
        ("a.b.c".to_owned(), "the token is no signed JWT"),
        ("x".repeat(20_000), "the token is too long"),
    ] {
        assert_eq!(
            push(&port, &token).await,
            (401, text.to_owned()),
            "{token:.80}"
        );
    }
    assert_eq!(push(&port, &good).await.0, 204);
}

fn claims_of_another() -> Value {
    claims(&json!({"email": "other@project.iam.gserviceaccount.com"}))
}

#[tokio::test]
async fn every_push_route_asks_and_nothing_else_does() {
    let key = SigningKey::new("first");
    let server = KeyServer::start(&[&key]).await;
    let port = port(&server, &Tokens::default());
    let bearer = format!("Bearer {}", key.token());
    for path in ["/push", "/push/dead-letter", "/tasks/sweep"] {
        for refused in [None, Some("Bearer x"), Some(&bearer["Bearer ".len()..])] {
            assert_eq!(ask(&port, path, refused).await.0, 401, "{path} {refused:?}");
        }
        assert!(ask(&port, path, Some(&bearer)).await.0 < 300, "{path}");
    }
    for path in ["/", "/healthz", "/geocube.Geocube/Version"] {
        assert_eq!(ask(&port, path, None).await.0, 200, "{path}");
    }
}

#[tokio::test]
async fn the_event_token_counts_beside_oidc_and_no_other() {
    let key = SigningKey::new("first");
    let server = KeyServer::start(&[&key]).await;
    let tokens = Tokens {
        user: Some("u".into()),
        admin: None,
        event: Some("e".into()),
    };
    let port = port(&server, &tokens);
    for (token, status) in [("e", 204), ("u", 401), (key.token().as_str(), 204)] {
        assert_eq!(push(&port, token).await.0, status, "{token:.20}");
    }
    let user = format!("Bearer {}", key.token());
    assert_eq!(
        ask(&port, "/geocube.Geocube/Version", Some(&user)).await.0,
        401
    );
}

#[tokio::test]
async fn a_new_key_is_fetched_once_and_invented_ones_cost_no_more() {
    let (old, new) = (SigningKey::new("first"), SigningKey::new("second"));
    let server = KeyServer::start(&[&old]).await;
    let port = port(&server, &Tokens::default());
    for number in 0..20 {
        let invented = old.sign_with(
            &json!({"alg": "RS256", "kid": number.to_string()}),
            &claims(&json!({})),
        );
        assert_eq!(push(&port, &invented).await.0, 401);
    }
    assert_eq!(push(&port, &old.token()).await.0, 204);
    assert_eq!(server.fetches(), 1);
    // within the pause after a fetch the new key is unknown; its push is delivered again later
    server.publish(&[&new]);
    assert_eq!(push(&port, &new.token()).await.0, 401);
    assert_eq!(server.fetches(), 1);
}

#[tokio::test]
async fn pushes_wait_for_a_key_server_that_is_down() {
    let key = SigningKey::new("first");
    let server = KeyServer::start(&[&key]).await;
    server.set_down(true);
    let port = port(&server, &Tokens::default());
    for _ in 0..3 {
        assert_eq!(push(&port, &key.token()).await.0, 503);
    }
    assert_eq!(server.fetches(), 1);
    server.set_down(false);
    tokio::time::sleep(std::time::Duration::from_millis(5200)).await;
    assert_eq!(push(&port, &key.token()).await.0, 204);
    // keys that are known outlive their server
    server.set_down(true);
    assert_eq!(push(&port, &key.token()).await.0, 204);
}
