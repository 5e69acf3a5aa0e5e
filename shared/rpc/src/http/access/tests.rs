use super::{Access, Surface, presented, surface};
use axum::extract::Request;
use http::{HeaderMap, HeaderValue, header};
use runtime::config::Tokens;

fn access(user: Option<&str>, admin: Option<&str>, event: Option<&str>) -> Access {
    let token = |text: Option<&str>| text.map(Into::into);
    Access::new(&Tokens {
        user: token(user),
        admin: token(admin),
        event: token(event),
    })
}

fn check(
    access: &Access,
    surface: Surface,
    presented: Option<&'static str>,
) -> Result<(), &'static str> {
    let mut headers = HeaderMap::new();
    if let Some(value) = presented {
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static(value));
    }
    access.check(surface, &headers)
}

const ASKING: [Surface; 4] = [
    Surface::Admin,
    Surface::User,
    Surface::Catalog,
    Surface::Push,
];

#[test]
fn everything_is_open_without_any_token() {
    let open = access(None, None, None);
    for surface in ASKING {
        assert_eq!(check(&open, surface, None), Ok(()), "{surface:?}");
        assert_eq!(
            check(&open, surface, Some("nonsense")),
            Ok(()),
            "{surface:?}"
        );
    }
    assert!(open.closed().is_empty());
}

#[test]
fn each_surface_takes_its_own_tokens() {
    let all = access(Some("u"), Some("a"), Some("e"));
    for (surface, accepted) in [
        (Surface::Admin, &["Bearer a"][..]),
        (Surface::User, &["Bearer u", "Bearer a"]),
        (Surface::Catalog, &["Bearer u", "Bearer a"]),
        (Surface::Push, &["Bearer e"]),
        (
            Surface::Open,
            &["Bearer u", "Bearer a", "Bearer e", "Bearer x"],
        ),
    ] {
        for presented in ["Bearer u", "Bearer a", "Bearer e", "Bearer x"] {
            let answer = check(&all, surface, Some(presented));
            assert_eq!(
                answer.is_ok(),
                accepted.contains(&presented),
                "{surface:?} {presented}"
            );
        }
    }
    assert!(all.closed().is_empty());
}

#[test]
fn a_surface_without_token_is_closed_and_named() {
    let user_only = access(Some("u"), None, None);
    for surface in [Surface::Admin, Surface::Push] {
        for presented in [None, Some("Bearer "), Some("Bearer u")] {
            assert_eq!(
                check(&user_only, surface, presented),
                Err("invalid token"),
                "{surface:?}"
            );
        }
    }
    assert_eq!(
        user_only.closed(),
        ["the service geocube.Admin", "the push routes"]
    );
    assert_eq!(
        access(None, Some("a"), Some("e")).closed(),
        [""; 0],
        "admin counts as user"
    );
}

#[test]
fn refusals_say_what_is_wrong() {
    let access = access(Some("u"), None, None);
    for (presented, refusal) in [
        (None, "invalid token"),
        (Some("u"), "missing \"Bearer \" prefix"),
        (Some("bearer u"), "missing \"Bearer \" prefix"),
        (Some("Bearer  u"), "invalid token"),
        (Some("Bearer U"), "invalid token"),
        (Some("Bearer uu"), "invalid token"),
    ] {
        assert_eq!(
            check(&access, Surface::User, presented),
            Err(refusal),
            "{presented:?}"
        );
    }
}

#[test]
fn any_of_several_values_opens_and_the_last_refusal_is_told() {
    let access = access(Some("u"), None, None);
    let headers = |values: &[&'static str]| {
        let value = |text| (header::AUTHORIZATION, HeaderValue::from_static(text));
        values.iter().copied().map(value).collect::<HeaderMap>()
    };
    assert_eq!(
        access.check(Surface::User, &headers(&["x", "Bearer u", "Bearer x"])),
        Ok(())
    );
    assert_eq!(
        access.check(Surface::User, &headers(&["Bearer x", "x"])),
        Err("missing \"Bearer \" prefix")
    );
    assert_eq!(
        access.check(Surface::User, &headers(&["x", "Bearer x"])),
        Err("invalid token")
    );
}

#[test]
fn only_maps_may_use_the_second_header() {
    let mut headers = HeaderMap::new();
    headers.insert("X-Esri-Authorization", HeaderValue::from_static("Bearer u"));
    assert_eq!(presented(Surface::Catalog, &headers).count(), 1);
    assert_eq!(presented(Surface::User, &headers).count(), 0);
}

#[test]
fn paths_and_content_types_tell_the_surface() {
    let of = |path: &str, content_type: &str| {
        let request = Request::builder()
            .uri(path)
            .header(header::CONTENT_TYPE, content_type);
        surface(&request.body(axum::body::Body::empty()).unwrap())
    };
    for (path, content_type, expected) in [
        ("/geocube.Admin/TidyDB", "application/grpc", Surface::Admin),
        ("/geocube.Admin/TidyDB", "", Surface::Admin),
        (
            "/geocube.Geocube/Version",
            "application/grpc+proto",
            Surface::User,
        ),
        ("/geocube.Geocube/Version", "text/plain", Surface::User),
        (
            "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
            "application/grpc",
            Surface::User,
        ),
        ("/unknown.Service/Call", "application/grpc", Surface::User),
        (
            "/grpc.health.v1.Health/Check",
            "application/grpc",
            Surface::Open,
        ),
        ("/v1/catalog/mosaic/a/1/2/3/png", "", Surface::Catalog),
        ("/v1/catalogue", "", Surface::Catalog),
        ("/v1/catalog/a", "application/grpc", Surface::Catalog),
        ("/push", "application/json", Surface::Push),
        ("/push", "application/grpc", Surface::Push),
        ("/push/dead-letter", "", Surface::Push),
        ("/push/dead-letter", "application/json", Surface::Push),
        ("/push/dead-letter", "application/grpc", Surface::Push),
        ("/tasks/sweep", "", Surface::Push),
        ("/tasks/sweep", "application/json", Surface::Push),
        ("/tasks/sweep", "application/grpc", Surface::Push),
        ("/", "", Surface::Open),
        ("/v1", "", Surface::Open),
    ] {
        assert_eq!(of(path, content_type), expected, "{path} {content_type}");
    }
}
