//! Bearer tokens.

use super::oidc::{PushVerifier, Refusal};
use super::{CATALOG, PUSH, cors, is_grpc};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use runtime::config::{LiveTokens, Tokens};
use runtime::{ExposeSecret, SecretString};
use std::sync::Arc;
use subtle::ConstantTimeEq;
use tonic::Status;

/// Second header of the routes for maps: some clients cannot set the first one.
const ESRI_AUTHORIZATION: &str = "x-esri-authorization";

/// Who may call what.
///
/// Without any token the server is open. As soon as there is one, each surface asks for one of its
/// own tokens, and a surface without any is closed. Pushes are also taken from service accounts, where a verifier knows
/// them, and then from nobody without a token.
#[derive(Clone, Debug)]
pub struct Access {
    tokens: LiveTokens,
    pushers: Option<Arc<PushVerifier>>,
}

/// A part of the server with tokens of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Surface {
    /// `geocube.Admin`.
    Admin,
    /// Every other gRPC service, reflection included.
    User,
    /// Tiles for maps.
    Catalog,
    /// Messages of queues, and whatever schedulers call.
    Push,
    /// Signs of life.
    Open,
}

impl Access {
    /// Asks for these tokens, and for what replaces them.
    pub fn new(tokens: impl Into<LiveTokens>) -> Self {
        Self {
            tokens: tokens.into(),
            pushers: None,
        }
    }

    /// Takes the pushes of service accounts too; with `None` nothing changes.
    #[must_use]
    pub fn with_pushers(self, pushers: Option<PushVerifier>) -> Self {
        Self {
            pushers: pushers.map(Arc::new),
            ..self
        }
    }

    /// Whether nobody is asked for a token, pushers of service accounts excepted.
    pub fn is_open(&self) -> bool {
        self.tokens.get().is_open()
    }

    /// What nobody may call, because some tokens are configured, but none for it.
    pub fn closed(&self) -> Vec<&'static str> {
        let surfaces = [
            (Surface::Admin, "the service geocube.Admin"),
            (Surface::User, "the service geocube.Geocube and the tiles"),
            (Surface::Push, "the push routes"),
        ];
        let tokens = self.tokens.get();
        let is_closed = |surface: &Surface| {
            !tokens.is_open()
                && accepted(&tokens, *surface).next().is_none()
                && self.verifier(*surface).is_none()
        };
        surfaces
            .into_iter()
            .filter(|(surface, _)| is_closed(surface))
            .map(|(_, name)| name)
            .collect()
    }

    async fn admit(&self, surface: Surface, headers: &HeaderMap) -> Result<(), Refusal> {
        let Err(refusal) = self.check(surface, headers) else {
            return Ok(());
        };
        let mut refusal = Refusal::Unauthenticated(refusal.to_owned());
        let Some(verifier) = self.verifier(surface) else {
            return Err(refusal);
        };
        // a queue presents one token
        let presented = presented(surface, headers).next();
        if let Some(token) = presented.and_then(|value| value.strip_prefix(b"Bearer ")) {
            match verifier.verify(token).await {
                Ok(()) => return Ok(()),
                Err(refused) => refusal = refused,
            }
        }
        tracing::warn!(reason = refusal.text(), "push is not admitted");
        Err(refusal)
    }

    fn verifier(&self, surface: Surface) -> Option<&PushVerifier> {
        self.pushers.as_deref().filter(|_| surface == Surface::Push)
    }

    fn check(&self, surface: Surface, headers: &HeaderMap) -> Result<(), &'static str> {
        let tokens = self.tokens.get();
        if surface == Surface::Open || (tokens.is_open() && self.verifier(surface).is_none()) {
            return Ok(());
        }
        let mut refusal = "invalid token";
        for value in presented(surface, headers) {
            refusal = match value.strip_prefix(b"Bearer ") {
                None => "missing \"Bearer \" prefix",
                Some(token) if accepts(&tokens, surface, token) => return Ok(()),
                Some(_) => "invalid token",
            };
        }
        Err(refusal)
    }
}

/// Compares with every accepted token, each in constant time.
fn accepts(tokens: &Tokens, surface: Surface, presented: &[u8]) -> bool {
    let equal = |token: &SecretString| presented.ct_eq(token.expose_secret().as_bytes());
    accepted(tokens, surface)
        .fold(0.into(), |found: subtle::Choice, token| {
            found | equal(token)
        })
        .into()
}

fn accepted(tokens: &Tokens, surface: Surface) -> impl Iterator<Item = &SecretString> {
    let Tokens { user, admin, event } = tokens;
    let accepted = match surface {
        Surface::Admin => [None, admin.as_ref()],
        Surface::User | Surface::Catalog => [user.as_ref(), admin.as_ref()],
        Surface::Push => [event.as_ref(), None],
        Surface::Open => [None, None],
    };
    accepted.into_iter().flatten()
}

/// Lets only those requests through to `router` that present a token of their surface, and answers
/// the preflight requests of browsers before that.
pub fn protected(router: Router, access: &Access) -> Router {
    router
        .layer(middleware::from_fn_with_state(access.clone(), authenticate))
        .layer(middleware::from_fn(cors::cross_origin))
}

async fn authenticate(State(access): State<Access>, request: Request, next: Next) -> Response {
    match access.admit(surface(&request), request.headers()).await {
        Ok(()) => next.run(request).await,
        Err(refusal) => refused(&refusal, is_grpc(request.headers())),
    }
}

fn refused(refusal: &Refusal, grpc: bool) -> Response {
    let text = refusal.text().to_owned();
    if grpc {
        let status = match refusal {
            Refusal::Unauthenticated(_) => Status::unauthenticated(text),
            Refusal::Forbidden => Status::permission_denied(text),
            Refusal::Unavailable => Status::unavailable(text),
        };
        return status.into_http::<Body>();
    }
    match refusal {
        Refusal::Unauthenticated(_) => {
            let scheme = [(header::WWW_AUTHENTICATE, "Bearer")];
            (StatusCode::UNAUTHORIZED, scheme, text).into_response()
        }
        Refusal::Forbidden => (StatusCode::FORBIDDEN, text).into_response(),
        Refusal::Unavailable => {
            let soon = [(header::RETRY_AFTER, "10")];
            (StatusCode::SERVICE_UNAVAILABLE, soon, text).into_response()
        }
    }
}

fn surface(request: &Request) -> Surface {
    let path = request.uri().path();
    let is = |prefix: &str| path.starts_with(prefix);
    if is("/geocube.Admin/") {
        Surface::Admin
    } else if is("/grpc.health.v1.Health/") {
        Surface::Open
    } else if is("/geocube.") || is("/grpc.") {
        Surface::User
    } else if is(CATALOG) {
        Surface::Catalog
    } else if is(PUSH) || is("/tasks/") {
        Surface::Push
    } else if is_grpc(request.headers()) {
        // after the paths with routes of their own: callers choose the content type
        Surface::User
    } else {
        Surface::Open
    }
}

/// What the caller presents as token, the header of maps after the usual one.
fn presented(surface: Surface, headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    let second = (surface == Surface::Catalog).then(|| headers.get_all(ESRI_AUTHORIZATION));
    let values = headers
        .get_all(header::AUTHORIZATION)
        .into_iter()
        .chain(second.into_iter().flatten());
    values.map(http::HeaderValue::as_bytes)
}

#[cfg(test)]
mod tests;
