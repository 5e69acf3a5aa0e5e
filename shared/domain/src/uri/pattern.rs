//! Patterns of the addresses of files.

use super::{Scheme, StoreKind, Uri, check_local};
use crate::Pattern;

/// Suffix of a pattern that ignores letter case.
const IGNORE_CASE: &str = "(?i)";

impl Pattern {
    /// The patterns that find files under every name that the catalogue may have for what `text`
    /// describes: the text itself, the canonical one, and that with `file://` before it. The empty text is none, no filter.
    ///
    /// With wildcards, a `/` at the end stays: a text never finds more than it says.
    pub fn of_uris(text: &str) -> Vec<Self> {
        let (body, suffix) = match text.strip_suffix(IGNORE_CASE) {
            Some(body) => (body, IGNORE_CASE),
            None => (text, ""),
        };
        let mut texts = vec![text.to_owned()];
        for name in names(body) {
            let name = format!("{name}{suffix}");
            if !texts.contains(&name) {
                texts.push(name);
            }
        }
        texts.iter().filter_map(|text| Self::parse(text)).collect()
    }
}

/// The other spellings of a text, none when it does not begin as a URI.
fn names(text: &str) -> Vec<String> {
    let canonical = if text.contains(['*', '?']) {
        canonical_with_wildcards(text)
    } else {
        Uri::parse(text).ok().map(|uri| uri.canonical().into())
    };
    match canonical {
        Some(path) if path.starts_with('/') => vec![format!("file://{path}"), path],
        Some(object) => vec![object],
        None => Vec::new(),
    }
}

fn canonical_with_wildcards(text: &str) -> Option<String> {
    if text.starts_with('/') {
        return canonical_path(text);
    }
    let (scheme, rest) = text.split_once("://")?;
    let scheme = Scheme::parse(scheme)?;
    match scheme.kind() {
        StoreKind::Local => canonical_path(rest),
        StoreKind::Objects => Some(format!("{scheme}://{rest}")),
        StoreKind::Unknown => None,
    }
}

/// The path without empty and `.` segments, save the last one.
fn canonical_path(path: &str) -> Option<String> {
    check_local(path).ok()?;
    let (folder, last) = path.rsplit_once('/')?;
    let names = folder
        .split('/')
        .filter(|name| !name.is_empty() && *name != ".")
        .chain([last]);
    Some(names.fold(String::new(), |path, name| path + "/" + name))
}

#[cfg(test)]
mod tests {
    use crate::{Pattern, Uri};

    fn of(texts: &[&str]) -> Vec<Pattern> {
        texts
            .iter()
            .filter_map(|text| Pattern::parse(text))
            .collect()
    }

    #[test]
    fn files_are_found_under_each_of_their_names() {
        for (text, expected) in [
            ("", &[][..]),
            ("/d/a.tif", &["/d/a.tif", "file:///d/a.tif"]),
            (
                "File:///d//./a.tif/",
                &["File:///d//./a.tif/", "file:///d/a.tif", "/d/a.tif"],
            ),
            (
                "GS://Bucket//a.tif",
                &["GS://Bucket//a.tif", "gs://Bucket//a.tif"],
            ),
            ("/d/A.tif(?i)", &["/d/A.tif(?i)", "file:///d/A.tif(?i)"]),
            (
                "file:///d//.//a?.*",
                &["file:///d//.//a?.*", "file:///d/a?.*", "/d/a?.*"],
            ),
            ("/d/*/", &["/d/*/", "file:///d/*/"]),
            ("/*", &["/*", "file:///*"]),
            ("S3://b/*(?i)", &["S3://b/*(?i)", "s3://b/*(?i)"]),
        ] {
            assert_eq!(Pattern::of_uris(text), of(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_only_compared_as_it_is() {
        for text in [
            "*a.tif",
            "*",
            "file://*",
            "a.tif",
            "http://h/*",
            "//h/a*",
            "*://d/a.tif",
        ] {
            assert_eq!(Pattern::of_uris(text), of(&[text]), "{text}");
        }
    }

    #[test]
    fn the_canonical_name_of_each_address_is_among_its_patterns() {
        for text in [
            "/a",
            "file:///a//b/./c",
            "gs://b/x//y",
            "FILE:///a/",
            "S3://b",
        ] {
            let canonical = Uri::parse(text).unwrap().canonical();
            let exact = Pattern::Exact(canonical.into());
            assert!(Pattern::of_uris(text).contains(&exact), "{text}");
        }
    }
}
