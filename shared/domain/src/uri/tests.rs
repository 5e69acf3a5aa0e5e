use proptest::prelude::*;

use super::*;

fn uri(text: &str) -> Uri {
    Uri::parse(text).unwrap()
}

#[test]
fn every_scheme_of_files_is_read() {
    // whoever adds a scheme decides here, and lists it
    for scheme in [Scheme::File, Scheme::Gs, Scheme::S3, Scheme::Other] {
        let is_served = match scheme {
            Scheme::File | Scheme::Gs | Scheme::S3 => true,
            Scheme::Other => false,
        };
        let kind = scheme.kind();
        assert_eq!(kind != StoreKind::Unknown, is_served, "{scheme}");
        let read = Uri::parse(format!("{scheme}://bucket/a.tif"));
        let local = Uri::parse(format!("{scheme}:///a.tif"));
        let uri = read.or(local);
        assert_eq!(uri.is_ok(), is_served, "{scheme}");
        if let Ok(uri) = uri {
            assert_eq!(uri.scheme(), scheme);
            assert_eq!(uri.is_remote(), kind == StoreKind::Objects, "{scheme}");
            assert_eq!(uri.local_path().is_some(), kind == StoreKind::Local);
        }
    }
}

#[test]
fn accepted_forms_keep_their_text_and_give_their_parts() {
    use Scheme::{File, Gs, S3};
    let cases = [
        (
            "gs://bucket/path/to/file.tif",
            Gs,
            "bucket",
            "path/to/file.tif",
            "file.tif",
        ),
        ("gs://bucket", Gs, "bucket", "", ""),
        ("gs://bucket/", Gs, "bucket", "", ""),
        ("gs://bucket/dir/", Gs, "bucket", "dir/", ""),
        ("/abs/path/x.tif", File, "", "/abs/path/x.tif", "x.tif"),
        // a bucket is told by its scheme
        ("/bucket/a/b", File, "", "/bucket/a/b", "b"),
        (
            "file:///abs/path/x.tif",
            File,
            "/abs/path",
            "x.tif",
            "x.tif",
        ),
        ("s3://b/k", S3, "b", "k", "k"),
        ("GS://b/k", Gs, "b", "k", "k"),
        ("File:///abs/x.tif", File, "/abs", "x.tif", "x.tif"),
        ("file:///x.tif", File, "/", "x.tif", "x.tif"),
        ("gs://b/été/日本.tif", Gs, "b", "été/日本.tif", "日本.tif"),
        (
            "gs://b/a..b/..c/d...tif",
            Gs,
            "b",
            "a..b/..c/d...tif",
            "d...tif",
        ),
        (
            "/data/vsizip/x.tif",
            File,
            "",
            "/data/vsizip/x.tif",
            "x.tif",
        ),
        ("gs://b/k://odd", Gs, "b", "k://odd", "odd"),
    ];
    for (text, scheme, bucket, path, file_name) in cases {
        let uri = uri(text);
        let parts = (
            uri.as_str(),
            uri.scheme(),
            uri.bucket(),
            uri.path(),
            uri.file_name(),
        );
        assert_eq!(parts, (text, scheme, bucket, path, file_name));
    }
}

#[test]
fn refused_forms_say_what_was_expected() {
    let cases = [
        ("relative/x.tif", "absolute path"),
        ("", "absolute path"),
        ("bucket", "absolute path"),
        ("bucket/", "absolute path"),
        ("bucket/a/b", "absolute path"),
        ("my/", "absolute path"),
        ("C:\\x.tif", "absolute path"),
        ("NETCDF:\"/a.nc\":v", "absolute path"),
        ("ftp://h/p", "schemes file, gs and s3"),
        ("https://h/p.tif", "schemes file, gs and s3"),
        ("://b/k", "schemes file, gs and s3"),
        ("gs:///a", "bucket"),
        ("gs://", "bucket"),
        ("gs://a b/k", "bucket"),
        ("s3://user@b/k", "bucket"),
        ("gs://./k", "bucket"),
        ("//a/b", "single `/`"),
        ("file:////a/b", "single `/`"),
        ("file://host/a.tif", "without host"),
        ("file://host/../a.tif", "`..`"),
        ("file://", "without host"),
        ("/vsicurl/http://h/a.tif", "virtual file systems"),
        ("/VSIMEM/a.tif", "virtual file systems"),
        ("/./vsimem/a.tif", "virtual file systems"),
        ("/vsi", "virtual file systems"),
        ("file:///vsizip/a.zip", "virtual file systems"),
        ("/a/../b", "`..`"),
        ("/..", "`..`"),
        ("gs://b/a/..", "`..`"),
        ("gs://b/%2e%2e/a", "`..`"),
        ("gs://b/.%2E/a", "`..`"),
        ("gs://b/%2E./a", "`..`"),
        ("gs://../a", "`..`"),
        ("/a\0b", "control"),
        ("gs://b/a\nb", "control"),
        ("gs://b/a\u{85}b", "control"),
    ];
    for (text, expected) in cases {
        let refusal = Uri::parse(text).expect_err(text).to_string();
        assert!(
            refusal.starts_with("uri:") && refusal.contains(expected),
            "{text:?}: {refusal}"
        );
    }
}

#[test]
fn an_endless_text_is_refused_without_repeating_it() {
    let refusal = Uri::parse(format!("/{}", "a".repeat(100_000)))
        .unwrap_err()
        .to_string();
    assert!(
        refusal.contains("at most 4096") && refusal.len() < 200,
        "{refusal}"
    );
    assert!(Uri::parse(format!("/{}", "a".repeat(4095))).is_ok());
}

#[test]
fn join_puts_exactly_one_slash_between_names() {
    let cases: [(&str, &[&str], &str); 5] = [
        ("gs://b/", &["x", "y"], "gs://b/x/y"),
        ("gs://b", &["x"], "gs://b/x"),
        ("/my/", &["x"], "/my/x"),
        ("file:///", &["/x/", "y/z"], "file:///x/y/z"),
        ("/my", &[], "/my"),
    ];
    for (base, segments, expected) in cases {
        assert_eq!(uri(base).join(segments).unwrap().as_str(), expected);
    }
    for segment in ["", "/", "..", "a/../b", "a\0"] {
        assert!(uri("/my").join([segment]).is_err(), "{segment:?}");
    }
}

#[test]
fn only_local_files_have_a_local_path() {
    assert_eq!(uri("/a/b.tif").local_path(), Some(Path::new("/a/b.tif")));
    assert_eq!(
        uri("file:///a/b.tif").local_path(),
        Some(Path::new("/a/b.tif"))
    );
    assert_eq!(uri("gs://b/k").local_path(), None);
}

#[test]
fn below_means_whole_segments_of_the_same_store() {
    let cases = [
        ("/data/a.tif", "/data", true),
        ("/data/a.tif", "file:///data/", true),
        ("/data", "/data/", true),
        ("/database/a.tif", "/data", false),
        ("/data", "/data/a", false),
        ("/anything", "/", true),
        ("gs://b/k", "gs://b", true),
        ("gs://bb/k", "gs://b", false),
        ("s3://b/k", "gs://b", false),
    ];
    for (file, root, expected) in cases {
        assert_eq!(
            uri(file).is_below(&uri(root)),
            expected,
            "{file} below {root}"
        );
    }
}

#[test]
fn json_is_the_text_and_is_checked_when_read() {
    let parsed: Uri = serde_json::from_str("\"gs://b/k\"").unwrap();
    assert_eq!(serde_json::to_string(&parsed).unwrap(), "\"gs://b/k\"");
    assert!(serde_json::from_str::<Uri>("\"/vsimem/x\"").is_err());
    assert_eq!(
        parsed.with_suffix(".part").unwrap().as_str(),
        "gs://b/k.part"
    );
}

proptest! {
    #[test]
    fn no_text_breaks_the_parser_and_what_passes_has_no_parent_segment(text in "(file://|gs://|/|)[./%2eE\\PCa-c]{0,20}") {
        if let Ok(uri) = Uri::parse(text.clone()) {
            prop_assert_eq!(uri.as_str(), text.as_str());
            prop_assert!(!uri.as_str().to_lowercase().replace("%2e", ".").split('/').any(|s| s == ".."));
            let _ = (uri.bucket(), uri.path(), uri.file_name(), uri.local_path());
        }
    }
}

#[test]
fn a_local_file_has_one_canonical_name() {
    for text in [
        "/ing/a.tif",
        "file:///ing/a.tif",
        "FILE:///ing/a.tif",
        "/ing//a.tif",
        "/ing/./a.tif",
        "/./ing/a.tif",
        "file:///ing//.//a.tif",
        "/ing/a.tif/",
    ] {
        assert_eq!(uri(text).canonical(), uri("/ing/a.tif"), "{text}");
    }
    assert_eq!(uri("/").canonical(), uri("/"));
    // only dots alone in their segment are left out
    assert_eq!(uri("/ing/.a./b.tif").canonical(), uri("/ing/.a./b.tif"));
}

#[test]
fn every_character_of_the_name_of_an_object_counts() {
    for text in [
        "gs://b/a.tif",
        "gs://b//a.tif",
        "s3://b/./a.tif",
        "gs://b/a/",
        "gs://b",
    ] {
        assert_eq!(uri(text).canonical(), uri(text));
    }
    assert_eq!(uri("GS://b/a.tif").canonical(), uri("gs://b/a.tif"));
}

#[test]
fn what_the_catalogue_holds_is_kept_even_where_it_is_not_accepted() {
    for text in ["/d/a.tif", "File:///d//a.tif", "GS://b/k", "s3://b"] {
        let stored = Uri::from_stored(text.to_owned());
        assert_eq!(stored, uri(text));
        assert_eq!(stored.scheme(), uri(text).scheme());
        assert!(stored.check_served().is_ok(), "{text}");
    }
    for text in [
        "",
        "a.tif",
        "https://h/a.tif",
        "/d/../a.tif",
        "gs://",
        "/vsimem/a",
    ] {
        let stored = Uri::from_stored(text.to_owned());
        assert_eq!((stored.as_str(), stored.scheme()), (text, Scheme::Other));
        assert_eq!(stored.canonical(), stored);
        assert_eq!((stored.local_path(), stored.is_remote()), (None, false));
        assert!(!stored.is_below(&stored));
        let refused = stored.check_served().unwrap_err().to_string();
        let start = format!(
            "a container of the catalogue is not served: uri: {text:?} is not accepted, expected"
        );
        assert!(refused.starts_with(&start), "{refused}");
    }
}
