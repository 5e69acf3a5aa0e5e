//! The routes for maps, and everything that is no route.

use crate::harness::Server;
use axum::body::Body;
use http::Request;

const INSTANCE: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";

#[tokio::test]
async fn every_path_has_its_status() {
    let Some(server) = Server::open().await else {
        return;
    };
    let mosaic = |rest: &str| format!("/v1/catalog/mosaic/{rest}");
    for (path, status, body) in [
        ("/".to_owned(), 200, "ok"),
        ("/anything/else?x=1".to_owned(), 200, "ok"),
        (
            "/v1/catalog".to_owned(),
            404,
            r#"{"code":5,"message":"Not Found"}"#,
        ),
        (
            "/v1/catalog/foo".to_owned(),
            404,
            r#"{"code":5,"message":"Not Found"}"#,
        ),
        (
            mosaic("a/1/2/3"),
            404,
            r#"{"code":5,"message":"Not Found"}"#,
        ),
        (
            mosaic("bad/1/2/3/png?records.ids=x"),
            400,
            r#"{"code":3,"message":"Invalid Instance.uuid bad"#,
        ),
        (
            mosaic(&format!("{INSTANCE}/a/2/3/png")),
            400,
            r#"{"code":3,"message":"Invalid x: "#,
        ),
        (
            mosaic(&format!("{INSTANCE}/1/2.5/3/png")),
            400,
            r#"{"code":3,"message":"Invalid y: "#,
        ),
        (
            mosaic(&format!("{INSTANCE}/1/2/99999999999/png")),
            400,
            r#"{"code":3,"message":"Invalid z: "#,
        ),
        (mosaic("%ff/1/2/3/png"), 400, r#"{"code":3,"message":""#),
        (
            mosaic(&format!("{INSTANCE}/1/2/3/png")),
            400,
            r#"{"code":3,"message":"either record ids or record filters must be provided"}"#,
        ),
        (
            mosaic(&format!("{INSTANCE}/0/0/-1/png?filters.tags[a]=b")),
            400,
            r#"{"code":3,"message":""#,
        ),
        (
            mosaic(&format!("{INSTANCE}/0/0/64/png?filters.tags[a]=b")),
            400,
            r#"{"code":3,"message":""#,
        ),
        (
            mosaic(&format!("{INSTANCE}/0/0/0/png?records.ids=")),
            400,
            r#"{"code":3,"message":"Invalid Record.uuid"#,
        ),
        (
            mosaic(&format!(
                "{INSTANCE}/0/0/0/png?records.ids={INSTANCE}&filters.tags[a]=b"
            )),
            400,
            r#"{"code":3,"message":"Invalid query: "#,
        ),
        (
            mosaic(&format!("{INSTANCE}/0/0/0/png?min=x&filters.tags[a]=b")),
            400,
            r#"{"code":3,"message":"Invalid min"#,
        ),
        (
            mosaic(&format!(
                "{INSTANCE}/0/0/0/png?filters.from_time=2020-01-31"
            )),
            404,
            r#"{"code":5,"message":""#,
        ),
    ] {
        let answer = server.get(&path).await;
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        assert!(answer.text().starts_with(body), "{path}: {}", answer.text());
        if path.starts_with("/v1/catalog") {
            assert_eq!(answer.header("content-type"), "application/json", "{path}");
            assert_eq!(answer.header("access-control-allow-origin"), "*", "{path}");
        }
    }
}

#[tokio::test]
async fn a_missing_instance_is_told_with_its_details() {
    let Some(server) = Server::open().await else {
        return;
    };
    let path = format!("/v1/catalog/mosaic/{INSTANCE}/0/0/0/png?records.ids={INSTANCE}");
    let answer = server.get(&path).await;
    let json: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((answer.status.as_u16(), &json["code"]), (404, &5.into()));
    assert_eq!(json["details"][0]["resourceName"], INSTANCE, "{json}");
}

#[tokio::test]
async fn preflight_requests_are_answered() {
    let Some(server) = Server::open().await else {
        return;
    };
    for path in [
        "/v1/catalog",
        "/v1/catalog/foo",
        "/v1/catalog/mosaic/a/1/2/3/png",
    ] {
        let request = Request::options(path).body(Body::empty()).unwrap();
        let answer = server.send(request).await;
        assert_eq!((answer.status.as_u16(), answer.text()), (200, ""), "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        assert_eq!(
            answer.header("access-control-allow-methods"),
            "OPTIONS, GET"
        );
        assert_eq!(
            answer.header("access-control-allow-headers"),
            "authorization,X-Esri-Authorization"
        );
    }
    let answer = server.post("/v1/catalog/mosaic/a/1/2/3/png", "").await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("content-type")),
        (405, "application/json")
    );
}

#[tokio::test]
async fn services_and_methods_that_are_not_there_are_unimplemented() {
    let Some(server) = Server::open().await else {
        return;
    };
    for path in [
        "/geocube.Geocube/Nope",
        "/geocube.GeocubeDownloader/Version",
        "/x.Y/Z",
        "/",
        "/push",
    ] {
        assert_eq!(server.call(path, None).await.0, 12, "{path}");
    }
    assert_eq!(server.call("/geocube.Geocube/Version", None).await.0, 0);
}
