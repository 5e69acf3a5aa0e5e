//! For tests of whoever takes pushes: a server of keys on loopback, the tokens that its keys sign, and an order.

mod order;

pub use order::order;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use http::{StatusCode, header};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair, RsaPublicKeyComponents};
use runtime::config::PushAudience;
use serde_json::{Value, json};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;

/// Audience of the tokens of [`SigningKey::token`].
pub const AUDIENCE: &str = "https://geocube.example.com/push";
/// Account of the tokens of [`SigningKey::token`].
pub const ACCOUNT: &str = "pusher@project.iam.gserviceaccount.com";

/// A key that signs by RS256.
pub struct SigningKey {
    id: &'static str,
    pair: RsaKeyPair,
}

impl SigningKey {
    /// A new key of 2048 bits, published by this id.
    ///
    /// # Panics
    /// When `openssl`, which makes it, is absent.
    pub fn new(id: &'static str) -> Self {
        let made = Command::new("openssl")
            .args(["genpkey", "-algorithm", "RSA", "-outform", "DER"])
            .args(["-pkeyopt", "rsa_keygen_bits:2048"])
            .output()
            .expect("openssl is needed to make keys");
        // some versions write the form of before PKCS #8
        let pair = RsaKeyPair::from_pkcs8(&made.stdout)
            .or_else(|_| RsaKeyPair::from_der(&made.stdout))
            .expect("openssl makes keys");
        Self { id, pair }
    }

    /// A token that [`KeyServer::expected`] accepts, as long as the key is published.
    pub fn token(&self) -> String {
        self.sign(&claims(&json!({})))
    }

    /// A token with these claims.
    pub fn sign(&self, claims: &Value) -> String {
        self.sign_with(
            &json!({"alg": "RS256", "kid": self.id, "typ": "JWT"}),
            claims,
        )
    }

    /// A token with this header, which is not looked at.
    ///
    /// # Panics
    /// When the machine has no random numbers.
    pub fn sign_with(&self, header: &Value, claims: &Value) -> String {
        let message = format!("{}.{}", encoded(header), encoded(claims));
        let mut signature = vec![0; self.pair.public().modulus_len()];
        self.pair
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                message.as_bytes(),
                &mut signature,
            )
            .expect("random numbers are there");
        format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    }

    /// The modulus, which everybody knows.
    pub fn modulus(&self) -> Vec<u8> {
        RsaPublicKeyComponents::<Vec<u8>>::from(self.pair.public()).n
    }

    fn published(&self) -> Value {
        let RsaPublicKeyComponents::<Vec<u8>> { n, e } = self.pair.public().into();
        let text = |bytes| BASE64_URL_SAFE_NO_PAD.encode::<Vec<u8>>(bytes);
        json!({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.id, "n": text(n), "e": text(e)})
    }
}

/// Claims of a good token, those of `others` in place of its own; null takes one away.
///
/// # Panics
/// When the clock of the machine is before 1970.
pub fn claims(others: &Value) -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.expect("the clock is set").as_secs();
    let mut claims = json!({
        "iss": "https://accounts.google.com", "aud": AUDIENCE, "sub": "1", "azp": "1", "email": ACCOUNT,
        "email_verified": true, "iat": now, "exp": now + 3600,
    });
    for (name, value) in others.as_object().into_iter().flatten() {
        claims[name] = value.clone();
        if value.is_null()
            && let Some(claims) = claims.as_object_mut()
        {
            claims.remove(name);
        }
    }
    claims
}

/// A token of each kind, with the status of a push that presents it where [`KeyServer::expected`] is asked for.
pub fn judged(key: &SigningKey) -> [(String, u16); 4] {
    [
        (json!({"exp": 1_577_836_800}), 401),
        (json!({"aud": "another"}), 401),
        (
            json!({"email": "another@project.iam.gserviceaccount.com"}),
            403,
        ),
        (json!({}), 204),
    ]
    .map(|(others, status)| (key.sign(&claims(&others)), status))
}

/// Header and claims as a token has them.
pub fn encoded(part: &Value) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(part.to_string())
}

/// Publishes keys until the end of the process.
#[derive(Clone)]
pub struct KeyServer {
    url: String,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    keys: Mutex<Vec<Value>>,
    is_down: AtomicBool,
    fetches: AtomicUsize,
}

impl KeyServer {
    /// A server on a free port of loopback that publishes these keys.
    ///
    /// # Panics
    /// When there is no port.
    pub async fn start(keys: &[&SigningKey]) -> Self {
        let shared = Arc::new(Shared::default());
        let routes = Router::new()
            .route("/keys", get(publish))
            .with_state(Arc::clone(&shared));
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        tokio::spawn(async move { axum::serve(listener, routes).await });
        let server = Self {
            url: format!("http://{address}/keys"),
            shared,
        };
        server.publish(keys);
        server
    }

    /// Publishes other keys.
    pub fn publish(&self, keys: &[&SigningKey]) {
        let keys = keys.iter().map(|key| key.published()).collect();
        *self
            .shared
            .keys
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = keys;
    }

    /// Answers 500 from now on, or keys again.
    pub fn set_down(&self, down: bool) {
        self.shared.is_down.store(down, Ordering::Relaxed);
    }

    /// Requests so far.
    pub fn fetches(&self) -> usize {
        self.shared.fetches.load(Ordering::Relaxed)
    }

    /// What [`SigningKey::token`] fulfils.
    pub fn expected(&self) -> PushAudience {
        PushAudience {
            audience: AUDIENCE.to_owned(),
            service_accounts: vec![
                "other@project.iam.gserviceaccount.com".into(),
                ACCOUNT.into(),
            ],
            keys_url: self.url.clone(),
        }
    }
}

async fn publish(State(shared): State<Arc<Shared>>) -> Response {
    shared.fetches.fetch_add(1, Ordering::Relaxed);
    if shared.is_down.load(Ordering::Relaxed) {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let keys = shared
        .keys
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    let lifetime = [(header::CACHE_CONTROL, "public, max-age=3600")];
    (lifetime, Json(json!({ "keys": keys }))).into_response()
}
