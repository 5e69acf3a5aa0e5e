use super::Tls;
use std::path::PathBuf;
use tempfile::TempDir;

struct Files {
    folder: TempDir,
}

impl Files {
    /// `crt` and `key` go together; `other.key` belongs to nobody.
    fn new() -> Self {
        let files = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let pair = || rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (own, other) = (pair(), pair());
        files.write("crt", &own.cert.pem());
        files.write("key", &own.signing_key.serialize_pem());
        files.write("other.key", &other.signing_key.serialize_pem());
        files.write("nonsense", "hidden");
        files.write("broken", "-----BEGIN PRIVATE KEY-----\nhidden\n");
        files.write(
            "locked",
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\naGlkZGVu\n-----END ENCRYPTED PRIVATE KEY-----\n",
        );
        files
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

#[test]
fn a_certificate_and_its_key_are_read() {
    let files = Files::new();
    let tls = Tls::load(&files.path("crt"), &files.path("key")).unwrap();
    assert_eq!(format!("{tls:?}"), "Tls(…)");
}

#[test]
fn what_cannot_be_used_is_named_and_not_shown() {
    let files = Files::new();
    for (certificate, key, flag, file) in [
        ("missing", "key", "--tlsCert", "missing"),
        ("crt", "missing", "--tlsKey", "missing"),
        ("nonsense", "key", "--tlsCert", "nonsense"),
        ("key", "key", "--tlsCert", "key"),
        ("crt", "nonsense", "--tlsKey", "nonsense"),
        ("crt", "broken", "--tlsKey", "broken"),
        ("crt", "crt", "--tlsKey", "crt"),
        ("crt", "locked", "--tlsKey", "locked"),
        ("crt", "other.key", "--tlsKey", "other.key"),
        ("crt", "", "--tlsKey", ""),
    ] {
        let refused = Tls::load(&files.path(certificate), &files.path(key)).unwrap_err();
        let (text, debug) = (refused.to_string(), format!("{refused:?}"));
        let path = files.path(file);
        assert!(
            text.starts_with(flag) && text.contains(path.to_str().unwrap()),
            "{certificate} {key}: {text}"
        );
        assert!(
            !text.contains("hidden") && !debug.contains("hidden"),
            "{debug}"
        );
    }
}
