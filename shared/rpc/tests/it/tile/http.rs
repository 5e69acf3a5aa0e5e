//! Tiles by HTTP, through all the layers of the port.

use super::{NAN, decoded, halves, index};
use crate::harness::Server;
use crate::harness::catalogue::format;
use crate::harness::raster::have_gdal;
use axum::body::{Body, to_bytes};
use http::{HeaderMap, Request, StatusCode};
use rpc::pb::data_format::Dtype;
use tower::ServiceExt;

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }
}

async fn ask(server: &Server, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::empty()).unwrap();
    let (parts, body) = server
        .router
        .clone()
        .oneshot(request)
        .await
        .unwrap()
        .into_parts();
    Answer {
        status: parts.status,
        headers: parts.headers,
        body: to_bytes(body, 1 << 20).await.unwrap().to_vec(),
    }
}

/// A service with two records, of the second and of the tenth day of 2020, and their instance.
async fn two_days() -> Option<(Server, String, [String; 2])> {
    let server = Server::start().await?;
    if !have_gdal() {
        return None;
    }
    let float = format(Dtype::Float32, NAN, -1., 1.);
    let (_, instance) = server.variable("v", float, 1).await;
    let early = index(&server, "early", 1, &instance, 1, &halves(&[-1.], &[-1.])).await;
    let late = index(&server, "late", 9, &instance, 1, &halves(&[1.], &[NAN])).await;
    Some((server, instance, [early, late]))
}

#[tokio::test]
async fn a_tile_is_the_same_by_both_protocols() {
    let Some((server, instance, [early, late])) = two_days().await else {
        return;
    };
    let base = format!("/v1/catalog/mosaic/{instance}/515/374/10/png");
    // (query, grey of the halves)
    for (query, expected) in [
        (format!("records.ids={early}&records.ids={late}"), [254, 0]),
        (format!("records.ids={early}"), [0, 0]),
        (format!("records.ids={early}&min=-2&max=0"), [127, 127]),
        (format!("records.ids={early}&min=-3"), [169, 169]),
        ("filters.from_time=2020-01-01".to_owned(), [254, 0]),
        ("filters.to_time=2020-01-03".to_owned(), [0, 0]),
        ("filters.to_time=2020-01-10T00:00:00Z".to_owned(), [254, 0]),
        (
            "filters.to_time=2020-01-10T00:59:59%2B01:00".to_owned(),
            [0, 0],
        ),
        ("filters.tags[name]=e*".to_owned(), [0, 0]),
        (
            "filters.tags%5Bname%5D=early&styles=default".to_owned(),
            [0, 0],
        ),
    ] {
        let answer = ask(&server, &format!("{base}?{query}"), &[]).await;
        let text = String::from_utf8_lossy(&answer.body);
        assert_eq!(answer.status, 200, "{query}: {text}");
        assert_eq!(answer.header("content-type"), "image/png", "{query}");
        assert_eq!(answer.header("access-control-allow-origin"), "*", "{query}");
        let greys = decoded(&answer.body).halves().map(|rgba| rgba[0]);
        assert_eq!(greys, expected, "{query}");
    }
}

#[tokio::test]
async fn a_tile_that_did_not_change_is_not_sent_again() {
    let Some((server, instance, [early, late])) = two_days().await else {
        return;
    };
    let path =
        |record: &str| format!("/v1/catalog/mosaic/{instance}/515/374/10/png?records.ids={record}");
    let first = ask(&server, &path(&early), &[]).await;
    let tag = first.header("etag").to_owned();
    assert!(tag.starts_with('"') && tag.ends_with('"'), "{tag}");
    assert_eq!(first.header("cache-control"), "private, max-age=60");
    for (given, status) in [
        (tag.clone(), 304),
        (format!("W/{tag}"), 304),
        (format!("\"other\", {tag}"), 304),
        ("\"other\"".to_owned(), 200),
    ] {
        let again = ask(&server, &path(&early), &[("if-none-match", &given)]).await;
        assert_eq!(again.status, status, "{given}");
        assert_eq!(again.header("etag"), tag, "{given}");
        assert_eq!(again.header("cache-control"), "private, max-age=60");
        assert_eq!(again.header("access-control-allow-origin"), "*");
        let sent = if status == 304 { &[][..] } else { &first.body };
        assert_eq!(again.body, sent, "{given}");
    }
    let other = ask(&server, &path(&late), &[("if-none-match", &tag)]).await;
    assert_eq!(other.status, 200);
    assert_ne!(other.header("etag"), tag);
}

#[tokio::test]
async fn failures_are_json_that_no_cache_keeps() {
    let Some((server, instance, [early, _])) = two_days().await else {
        return;
    };
    for (rest, status, message) in [
        (
            "515/380/10/png?filters.from_time=2020-01-01",
            404,
            "No data found",
        ),
        (
            "515/374/10/png?filters.from_time=2021-01-01",
            404,
            "No data found",
        ),
        (
            "515/374/31/png?filters.from_time=2021-01-01",
            400,
            "Invalid z",
        ),
        (
            "515/374/-1/png?filters.from_time=2021-01-01",
            400,
            "Invalid z",
        ),
        (
            "1024/374/10/png?filters.from_time=2021-01-01",
            400,
            "Invalid x",
        ),
        (
            "515/-1/10/png?filters.from_time=2021-01-01",
            400,
            "Invalid y",
        ),
        (
            "515/374/10/png?filters.from_time=2021",
            400,
            "Invalid filters.from_time",
        ),
        ("515/374/10/png", 400, "either record ids"),
    ] {
        let path = format!("/v1/catalog/mosaic/{instance}/{rest}");
        let answer = ask(&server, &path, &[("if-none-match", "*")]).await;
        let text = String::from_utf8_lossy(&answer.body);
        assert_eq!(answer.status, status, "{rest}: {text}");
        assert!(text.contains(message), "{rest}: {text}");
        assert_eq!(answer.header("content-type"), "application/json", "{rest}");
        assert_eq!(answer.header("cache-control"), "no-store", "{rest}");
        assert_eq!(answer.header("access-control-allow-origin"), "*", "{rest}");
        assert_eq!(answer.header("etag"), "", "{rest}");
    }
    let both = format!(
        "/v1/catalog/mosaic/{instance}/515/374/10/png?records.ids={early}&filters.to_time=2020-01-31"
    );
    assert_eq!(ask(&server, &both, &[]).await.status, 400);
}
