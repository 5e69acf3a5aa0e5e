//! Who may call what: surfaces, configured tokens, presented tokens.

use crate::harness::{Answer, Server, tokens};
use axum::body::Body;
use http::Request;
use prost_reflect::DescriptorPool;

const USER: &str = "/geocube.Geocube/Version";
const ADMIN: &str = "/geocube.Admin/TidyDB";
const CATALOG: &str = "/v1/catalog/foo";

/// UNIMPLEMENTED and 404 come from behind the check.
const PASSED: [i32; 2] = [0, 12];
const UNAUTHENTICATED: i32 = 16;

async fn get(server: &Server, path: &str, header: Option<(&str, &str)>) -> Answer {
    let mut request = Request::get(path);
    if let Some((name, value)) = header {
        request = request.header(name, value);
    }
    server.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn t1_everything_is_accepted_without_tokens() {
    let Some(server) = Server::open().await else {
        return;
    };
    for path in [USER, ADMIN] {
        for presented in [None, Some("Bearer x"), Some("x")] {
            assert!(
                PASSED.contains(&server.call(path, presented).await.0),
                "{path} {presented:?}"
            );
        }
    }
    assert_eq!(get(&server, CATALOG, None).await.status, 404);
    assert_eq!(get(&server, "/push", None).await.status, 405);
}

#[tokio::test]
async fn t2_and_t3_user_and_admin_open_their_services() {
    let Some(server) = Server::with_tokens(&tokens(Some("u"), Some("a"), None)).await else {
        return;
    };
    for (path, presented, refusal) in [
        (USER, Some("Bearer u"), None),
        (USER, Some("Bearer a"), None),
        (USER, Some("Bearer x"), Some("invalid token")),
        (USER, Some("u"), Some("missing \"Bearer \" prefix")),
        (USER, None, Some("invalid token")),
        (ADMIN, Some("Bearer u"), Some("invalid token")),
        (ADMIN, Some("Bearer a"), None),
        (ADMIN, None, Some("invalid token")),
    ] {
        let (code, message) = server.call(path, presented).await;
        match refusal {
            None => assert!(
                PASSED.contains(&code),
                "{path} {presented:?}: {code} {message}"
            ),
            Some(text) => assert_eq!(
                (code, message.as_str()),
                (UNAUTHENTICATED, text),
                "{path} {presented:?}"
            ),
        }
    }
    let push = server.post("/push", "{}").await;
    assert_eq!(
        (push.status.as_u16(), push.text()),
        (401, "invalid token"),
        "no token of events: closed"
    );
}

#[tokio::test]
async fn t4_a_token_of_users_alone_protects() {
    let Some(server) = Server::with_tokens(&tokens(Some("u"), None, None)).await else {
        return;
    };
    assert_eq!(server.call(USER, None).await.0, UNAUTHENTICATED);
    assert_eq!(
        server.call(ADMIN, Some("Bearer u")).await.0,
        UNAUTHENTICATED
    );
    assert_eq!(server.call(USER, Some("Bearer u")).await.0, 0);
}

#[tokio::test]
async fn t5_to_t7_maps_use_either_header_and_preflight_none() {
    let Some(server) = Server::with_tokens(&tokens(Some("u"), Some("a"), Some("e"))).await else {
        return;
    };
    for (header, status) in [
        (Some(("X-Esri-Authorization", "Bearer u")), 404),
        (Some(("authorization", "Bearer u")), 404),
        (Some(("authorization", "Bearer a")), 404),
        (Some(("authorization", "Bearer e")), 401),
        (Some(("authorization", "u")), 401),
        (None, 401),
    ] {
        let answer = get(&server, CATALOG, header).await;
        assert_eq!(answer.status, status, "{header:?}");
        assert_eq!(
            answer.header("access-control-allow-origin"),
            "*",
            "{header:?}"
        );
    }
    let bare = get(&server, CATALOG, Some(("X-Esri-Authorization", "u"))).await;
    assert_eq!(bare.text(), "missing \"Bearer \" prefix");
    let preflight = Request::options(CATALOG).body(Body::empty()).unwrap();
    assert_eq!(server.send(preflight).await.status, 200);
    assert_eq!(get(&server, "/", None).await.text(), "ok");
}

#[tokio::test]
async fn no_method_of_the_contract_is_exempt() {
    let Some(server) = Server::with_tokens(&tokens(None, None, Some("e"))).await else {
        return;
    };
    let pool = DescriptorPool::decode(rpc::pb::FILE_DESCRIPTOR_SET).unwrap();
    let methods: Vec<String> = pool
        .services()
        .flat_map(|service| service.methods().collect::<Vec<_>>())
        .map(|method| format!("/{}/{}", method.parent_service().full_name(), method.name()))
        .collect();
    assert!(methods.len() >= 46, "{methods:?}");
    for path in methods {
        assert_eq!(
            server.call(&path, Some("Bearer e")).await.0,
            UNAUTHENTICATED,
            "{path}"
        );
    }
    for reflection in ["v1", "v1alpha"] {
        let path = format!("/grpc.reflection.{reflection}.ServerReflection/ServerReflectionInfo");
        assert_eq!(server.call(&path, None).await.0, UNAUTHENTICATED, "{path}");
    }
    assert_eq!(server.call("/grpc.health.v1.Health/Check", None).await.0, 0);
}

#[tokio::test]
async fn m6_pushes_need_the_token_of_events() {
    let Some(server) = Server::with_tokens(&tokens(Some("u"), None, Some("e"))).await else {
        return;
    };
    for path in ["/push", "/push/dead-letter", "/push/more", "/tasks/sweep"] {
        for (presented, refused) in [
            (None, true),
            (Some("Bearer u"), true),
            (Some("Bearer e"), false),
        ] {
            let mut request = Request::post(path);
            if let Some(value) = presented {
                request = request.header("authorization", value);
            }
            let answer = server
                .send(request.body(Body::from("not json")).unwrap())
                .await;
            assert_eq!(
                answer.status == 401,
                refused,
                "{path} {presented:?}: {answer:?}"
            );
        }
    }
}
