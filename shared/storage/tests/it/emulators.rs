//! Object stores of Google and Amazon, played by emulators that `scripts/test` starts.

use domain::{Scheme, Uri};
use storage::{
    GcsConnection, GcsStorage, S3Options, S3Storage, Storage,
    conformance::{self, Capabilities},
};
use uuid::Uuid;

use crate::{stacks, uri};

/// The emulator overlooks the content type of uploads and the class of copies, which the service keeps.
pub(crate) const GCS: Capabilities = Capabilities {
    content_type: false,
    storage_class: false,
    last_modified: true,
    concurrent_writes: true,
    empty_names: true,
};
pub(crate) const S3: Capabilities = Capabilities {
    content_type: true,
    storage_class: true,
    last_modified: true,
    concurrent_writes: true,
    empty_names: false,
};

/// Address of an emulator; says so when there is none.
pub(crate) fn address(variable: &str) -> Option<String> {
    let address = std::env::var(variable).ok().filter(|text| !text.is_empty());
    if address.is_none() {
        eprintln!("skipped: needs {variable}, as scripts/test sets it");
    }
    address
}

/// A client of the emulators; it asks for cryptography even where it speaks in clear.
fn http_client() -> reqwest::Client {
    // fails only when a store was connected before, which is as good
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

/// A new bucket of the emulator of Google, and its address.
pub(crate) async fn gcs_bucket() -> Option<(String, String)> {
    let host = address("GEOCUBE_TEST_GCS")?;
    let bucket = format!("geocube-{}", Uuid::new_v4().simple());
    let created = http_client()
        .post(format!("http://{host}/storage/v1/b"))
        .body(format!("{{\"name\": \"{bucket}\"}}"))
        .header("content-type", "application/json")
        .send()
        .await
        .unwrap();
    assert!(created.status().is_success(), "{created:?}");
    Some((host, bucket))
}

/// A new bucket of the emulator of Amazon, and its address.
pub(crate) async fn s3_bucket() -> Option<(String, String)> {
    let endpoint = address("GEOCUBE_TEST_S3")?;
    let bucket = format!("geocube-{}", Uuid::new_v4().simple());
    let created = http_client()
        .put(format!("{endpoint}/{bucket}"))
        .send()
        .await
        .unwrap();
    assert!(created.status().is_success(), "{created:?}");
    Some((endpoint, bucket))
}

pub(crate) async fn gcs(host: &str) -> GcsStorage {
    GcsStorage::connect(&GcsConnection::Emulator(host.to_owned()))
        .await
        .unwrap()
}

/// The keys come from a shared credentials file, as with the flag.
pub(crate) fn s3(endpoint: &str) -> S3Storage {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("credentials");
    std::fs::write(
        &file,
        "[default]\naws_access_key_id = id\naws_secret_access_key = secret\n",
    )
    .unwrap();
    S3Storage::connect(&S3Options {
        region: Some("us-east-1".to_owned()),
        endpoint: Some(endpoint.to_owned()),
        credentials_file: Some(file),
    })
    .unwrap()
}

fn base(scheme: &str, bucket: &str) -> Uri {
    uri(&format!("{scheme}://{bucket}/base"))
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_of_google_keep_the_contract_whatever_is_around_them() {
    let Some((host, bucket)) = gcs_bucket().await else {
        return;
    };
    let raw = gcs(&host).await;
    for (name, store) in stacks::around(|| raw.clone(), Scheme::Gs) {
        let base = base("gs", &bucket).join([name]);
        conformance::run(store, &base.unwrap(), stacks::able(name, GCS)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_of_amazon_keep_the_contract_whatever_is_around_them() {
    let Some((endpoint, bucket)) = s3_bucket().await else {
        return;
    };
    let raw = s3(&endpoint);
    for (name, store) in stacks::around(|| raw.clone(), Scheme::S3) {
        let base = base("s3", &bucket).join([name]);
        // the emulator answers 500 to some of several requests for one object that is written: only tries hide that
        let capabilities = Capabilities {
            concurrent_writes: name != "raw",
            ..S3
        };
        conformance::run(store, &base.unwrap(), stacks::able(name, capabilities)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_bucket_is_a_missing_file() {
    if let Some(host) = address("GEOCUBE_TEST_GCS") {
        let error = gcs(&host).await.head(&uri("gs://nobody-has-this/a")).await;
        assert!(error.unwrap_err().is_not_found());
    }
    if let Some(endpoint) = address("GEOCUBE_TEST_S3") {
        let error = s3(&endpoint).head(&uri("s3://nobody-has-this/a")).await;
        assert!(error.unwrap_err().is_not_found());
    }
}

#[tokio::test]
async fn names_that_are_no_object_are_refused_before_any_request() {
    // nobody listens there
    let gcs = gcs("127.0.0.1:9").await;
    let s3 = s3("http://127.0.0.1:9");
    let cases: [(&dyn Storage, &str, &str); 8] = [
        (
            &gcs,
            "gs://bucket",
            "gs://bucket: names a bucket, expected gs://bucket/object",
        ),
        (
            &s3,
            "s3://bucket/",
            "s3://bucket/: names a bucket, expected s3://bucket/key",
        ),
        (
            &s3,
            "s3://bucket/a//b",
            "s3://bucket/a//b: is no usable key",
        ),
        (&s3, "s3://bucket/a/", "s3://bucket/a/: is no usable key"),
        (&gcs, "gs://bucket/./a", "gs://bucket/./a: has `.` or `..`"),
        (&s3, "s3://bucket/a/.", "s3://bucket/a/.: has `.` or `..`"),
        (
            &gcs,
            "s3://bucket/a",
            "no storage backend is configured for the scheme s3",
        ),
        (
            &s3,
            "/etc/passwd",
            "no storage backend is configured for the scheme file",
        ),
    ];
    for (store, name, text) in cases {
        let error = store.head(&uri(name)).await.unwrap_err();
        assert!(error.to_string().starts_with(text), "{error}");
        assert!(!error.is_retryable());
    }
}
