//! Surface × configured tokens × presented tokens, against the whole router: the answer that the
//! rules give is computed here from a table, and no cell of the matrix is left out.

use crate::harness::{Server, tokens};
use axum::body::Body;
use http::{Method, Request, header};

/// Who opens a surface.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Holder {
    User,
    Admin,
    Event,
}
use Holder::{Admin, Event, User};

const HOLDERS: [Holder; 3] = [User, Admin, Event];
/// Surfaces that ask nobody.
const FREE: Option<&[Holder]> = None;
const USERS: Option<&[Holder]> = Some(&[User, Admin]);
const ADMINS: Option<&[Holder]> = Some(&[Admin]);
const EVENTS: Option<&[Holder]> = Some(&[Event]);

/// A kind of request, and whose token it asks for.
struct Surface {
    method: Method,
    path: &'static str,
    content_type: &'static str,
    asks_for: Option<&'static [Holder]>,
}

fn grpc(path: &'static str, asks_for: Option<&'static [Holder]>) -> Surface {
    Surface {
        method: Method::POST,
        path,
        content_type: "application/grpc",
        asks_for,
    }
}

fn plain(method: Method, path: &'static str, asks_for: Option<&'static [Holder]>) -> Surface {
    Surface {
        method,
        path,
        content_type: "application/json",
        asks_for,
    }
}

fn surfaces() -> Vec<Surface> {
    vec![
        grpc("/geocube.Geocube/Version", USERS),
        grpc("/geocube.Geocube/ListGrids", USERS),
        grpc("/geocube.Geocube/NoSuchMethod", USERS),
        grpc("/geocube.GeocubeDownloader/Version", USERS),
        grpc("/geocube.Admin/TidyDB", ADMINS),
        grpc("/geocube.Admin/NoSuchMethod", ADMINS),
        grpc(
            "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
            USERS,
        ),
        grpc(
            "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
            USERS,
        ),
        grpc("/no.such.Service/Call", USERS),
        grpc("/", USERS),
        grpc("/grpc.health.v1.Health/Check", FREE),
        // the content type, which the caller chooses, opens nothing
        plain(Method::POST, "/geocube.Admin/TidyDB", ADMINS),
        plain(Method::POST, "/geocube.Geocube/Version", USERS),
        plain(Method::OPTIONS, "/geocube.Admin/TidyDB", ADMINS),
        grpc("/push", EVENTS),
        grpc("/v1/catalog/mosaic/a/1/2/3/png", USERS),
        plain(Method::GET, "/v1/catalog/mosaic/a/1/2/3/png", USERS),
        plain(Method::GET, "/v1/catalog", USERS),
        plain(Method::POST, "/v1/catalog/foo", USERS),
        plain(Method::OPTIONS, "/v1/catalog/mosaic/a/1/2/3/png", FREE),
        plain(Method::POST, "/push", EVENTS),
        plain(Method::GET, "/push", EVENTS),
        plain(Method::OPTIONS, "/push", EVENTS),
        plain(Method::POST, "/push/dead-letter", EVENTS),
        plain(Method::POST, "/push/anything", EVENTS),
        plain(Method::POST, "/tasks/sweep", EVENTS),
        plain(Method::GET, "/", FREE),
        plain(Method::GET, "/healthz", FREE),
        plain(Method::POST, "/other", FREE),
        plain(Method::OPTIONS, "/", FREE),
    ]
}

/// Values of `authorization`, then of `X-Esri-Authorization`.
type Presented = (Vec<&'static str>, Vec<&'static str>);

fn presented() -> Vec<Presented> {
    let tokens = ["Bearer u", "Bearer a", "Bearer e"];
    let mut all: Vec<Presented> = vec![
        (vec![], vec![]),
        (vec!["Bearer x"], vec![]),
        (vec!["Bearer "], vec![]),
        (vec!["Bearer"], vec![]),
        (vec!["u"], vec![]),
        (vec!["bearer a"], vec![]),
        (vec!["BEARER e"], vec![]),
        (vec!["Bearer  u"], vec![]),
        (vec!["Basic dTp1"], vec![]),
        (vec!["Bearer u, Bearer a"], vec![]),
        (vec!["Bearer uu"], vec![]),
        (vec!["Bearer U"], vec![]),
        // several values: any of them opens, the last refusal is told
        (vec!["Bearer x", "Bearer u"], vec![]),
        (vec!["a", "Bearer a"], vec![]),
        (vec!["Bearer e", "e"], vec![]),
        (vec!["Bearer x", "x"], vec![]),
        (vec!["x", "Bearer x"], vec![]),
        (vec!["Bearer x"], vec!["Bearer u"]),
        (vec!["Bearer a"], vec!["x"]),
        (vec!["Bearer x"], vec!["x"]),
        (vec![], vec!["u"]),
    ];
    for token in tokens {
        all.push((vec![token], vec![]));
        all.push((vec![], vec![token]));
    }
    all
}

fn token_of(holder: Holder) -> &'static str {
    match holder {
        User => "u",
        Admin => "a",
        Event => "e",
    }
}

/// `None` where the request goes through, else the text of the refusal.
fn expected(
    surface: &Surface,
    configured: &[Holder],
    (usual, esri): &Presented,
) -> Option<&'static str> {
    let asks_for = surface.asks_for?;
    if configured.is_empty() {
        return None;
    }
    let mut values = usual.clone();
    if surface.path.starts_with("/v1/catalog") {
        values.extend(esri);
    }
    let opens = |holder: &&Holder| {
        let header = format!("Bearer {}", token_of(**holder));
        configured.contains(holder) && values.contains(&header.as_str())
    };
    if asks_for.iter().any(|holder| opens(&holder)) {
        return None;
    }
    Some(match values.last() {
        Some(last) if !last.starts_with("Bearer ") => "missing \"Bearer \" prefix",
        Some(_) | None => "invalid token",
    })
}

async fn refusal(server: &Server, surface: &Surface, presented: &Presented) -> Option<String> {
    let mut request = Request::builder()
        .method(surface.method.clone())
        .uri(surface.path)
        .header(header::CONTENT_TYPE, surface.content_type);
    for value in &presented.0 {
        request = request.header(header::AUTHORIZATION, *value);
    }
    for value in &presented.1 {
        request = request.header("X-Esri-Authorization", *value);
    }
    let is_grpc = surface.content_type == "application/grpc";
    let body = if is_grpc {
        Body::from(vec![0; 5])
    } else {
        Body::from("not json")
    };
    let answer = server.send(request.body(body).unwrap()).await;
    if is_grpc && answer.status == 200 && answer.headers.contains_key("grpc-status") {
        let (code, message) = answer.grpc_status();
        return (code == 16).then_some(message);
    }
    if answer.status != 401 {
        return None;
    }
    assert!(!is_grpc, "gRPC is refused by a status of gRPC: {answer:?}");
    assert_eq!(answer.header("www-authenticate"), "Bearer");
    Some(answer.text().to_owned())
}

#[tokio::test]
async fn every_surface_asks_for_its_own_tokens_whatever_is_configured_and_presented() {
    let mut cells = 0;
    for subset in 0..8_u8 {
        let configured: Vec<Holder> = (0..3)
            .filter(|bit| subset & (1 << bit) != 0)
            .map(|bit| HOLDERS[bit])
            .collect();
        let token = |holder| configured.contains(&holder).then(|| token_of(holder));
        let Some(server) =
            Server::with_tokens(&tokens(token(User), token(Admin), token(Event))).await
        else {
            return;
        };
        for surface in surfaces() {
            for presented in presented() {
                let found = refusal(&server, &surface, &presented).await;
                let expected = expected(&surface, &configured, &presented);
                assert_eq!(
                    found.as_deref(),
                    expected,
                    "{} {} ({}), configured {configured:?}, presented {presented:?}",
                    surface.method,
                    surface.path,
                    surface.content_type
                );
                cells += 1;
            }
        }
    }
    assert_eq!(cells, 8 * 30 * 27);
}
