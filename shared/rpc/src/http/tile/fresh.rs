//! Tiles that a browser has already, and for how long it may keep them.

use axum::body::Bytes;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use sha1::{Digest, Sha1};

/// A catalogue changes at any time: a tile is asked for again after a minute. Caches that others share never keep one,
/// as they do not know every header with a token.
const KEPT: &str = "private, max-age=60";

/// The answer with a tile, or 304 to who has the same one.
pub(super) fn answer(png: Bytes, request: &HeaderMap) -> Response {
    let tag = tag(&png);
    let had = is_had(&tag, request);
    let kept = [(header::ETAG, tag.as_str()), (header::CACHE_CONTROL, KEPT)];
    if had {
        return (StatusCode::NOT_MODIFIED, kept).into_response();
    }
    (kept, [(header::CONTENT_TYPE, "image/png")], png).into_response()
}

/// The validator of a tile: a digest of its bytes, so that every server gives the same.
fn tag(png: &[u8]) -> String {
    let mut first = [0; 16];
    first.copy_from_slice(&Sha1::digest(png)[..16]);
    format!("\"{:032x}\"", u128::from_be_bytes(first))
}

/// Whether one of the tags of `If-None-Match` is this one; weak ones count too.
fn is_had(tag: &str, request: &HeaderMap) -> bool {
    let lists = request.get_all(header::IF_NONE_MATCH).iter();
    lists.filter_map(|list| list.to_str().ok()).any(|list| {
        let mut tags = list.split(',').map(str::trim);
        tags.any(|given| given == "*" || given.strip_prefix("W/").unwrap_or(given) == tag)
    })
}

#[cfg(test)]
mod tests {
    use super::{is_had, tag};
    use http::{HeaderMap, HeaderValue, header};

    #[test]
    fn a_tile_is_known_by_any_of_the_tags_given() {
        let own = tag(b"png");
        assert_eq!(own, tag(b"png"));
        assert_ne!(own, tag(b"other"));
        for (lists, expected) in [
            (vec![], false),
            (vec![own.clone()], true),
            (vec![format!("W/{own}")], true),
            (vec![format!("\"a\", {own}")], true),
            (vec!["\"a\"".to_owned(), own.clone()], true),
            (vec!["*".to_owned()], true),
            (vec!["\"a\",\"b\"".to_owned()], false),
            (vec![own.trim_matches('"').to_owned()], false),
            (vec![String::new()], false),
        ] {
            let mut headers = HeaderMap::new();
            for list in &lists {
                headers.append(header::IF_NONE_MATCH, HeaderValue::from_str(list).unwrap());
            }
            assert_eq!(is_had(&own, &headers), expected, "{lists:?}");
        }
    }
}
