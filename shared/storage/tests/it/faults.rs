//! What stores do behind a bad network.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use domain::Uri;
use storage::{
    CacheOptions, Cached, Error, RetryBudget, Retrying, Storage, StorageExt, UploadOptions,
};

use crate::{
    emulators,
    proxy::{Fault, Proxy},
    uri,
};

pub(crate) const BUDGET: RetryBudget = RetryBudget {
    tries: 4,
    first_pause: Duration::from_millis(2),
    longest_pause: Duration::from_millis(10),
    total: Duration::from_secs(20),
    answer: Duration::from_millis(1500),
    bytes_per_second: 4 << 20,
};

/// Both remote stores behind a proxy each, with a file of ten digits; fewer where an emulator is absent.
pub(crate) async fn stores() -> Vec<(Proxy, Arc<dyn Storage>, Uri)> {
    let mut stores: Vec<(Proxy, Arc<dyn Storage>, Uri)> = Vec::new();
    if let Some((host, bucket)) = emulators::gcs_bucket().await {
        let proxy = Proxy::start(&host).await;
        let store = emulators::gcs(&proxy.address.to_string()).await;
        let file = uri(&format!("gs://{bucket}/a.bin"));
        stores.push((
            proxy,
            Arc::new(Retrying::new(Arc::new(store), BUDGET)),
            file,
        ));
    }
    if let Some((endpoint, bucket)) = emulators::s3_bucket().await {
        let proxy = Proxy::start(&endpoint).await;
        let store = emulators::s3(&format!("http://{}", proxy.address)).with_budget(BUDGET);
        let file = uri(&format!("s3://{bucket}/a.bin"));
        stores.push((
            proxy,
            Arc::new(Retrying::new(Arc::new(store), BUDGET)),
            file,
        ));
    }
    for (_, store, file) in &stores {
        put(&**store, file).await.unwrap();
    }
    stores
}

async fn put(store: &dyn Storage, file: &Uri) -> Result<(), Error> {
    let digits = Bytes::from_static(b"0123456789");
    store.upload(file, digits, &UploadOptions::default()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn passing_faults_are_mended_by_one_more_request() {
    let slow = Fault::Slow(Duration::from_secs(4));
    for (proxy, store, file) in stores().await {
        for fault in [429, 500, 502, 503, 504]
            .map(Fault::Status)
            .into_iter()
            .chain([Fault::Truncated, Fault::Reset, slow])
        {
            proxy.spoil([fault]);
            let read = store.read(&file, 2..6).await;
            assert_eq!(read.unwrap(), "2345", "{file} {fault:?}");
            let requests = proxy.requests();
            assert_eq!(requests.len(), 2, "{file} {fault:?}: {requests:?}");

            proxy.spoil([fault]);
            assert_eq!(
                store.head(&file).await.unwrap().size,
                10,
                "{file} {fault:?}"
            );
        }
        proxy.spoil([Fault::Status(503), Fault::Reset]);
        put(&*store, &file).await.unwrap();
        proxy.spoil([Fault::Status(503)]);
        store.delete_if_exists(&file).await.unwrap();
        assert!(!store.exists(&file).await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn u16_a_read_that_breaks_after_ten_of_thirty_bytes_gives_all_of_them() {
    let content = "abcdefghijklmnopqrstuvwxyz0123";
    for (proxy, store, file) in stores().await {
        let options = UploadOptions::default();
        store.upload(&file, content.into(), &options).await.unwrap();
        proxy.spoil([Fault::CutAfter(10)]);
        let read = store.read(&file, 0..30).await.unwrap();
        assert_eq!(read, content, "{file}");
        // the piece that broke is asked for again
        let requests = proxy.requests();
        assert_eq!(requests.len(), 2, "{file}: {requests:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_range_does_not_repeat_its_neighbours() {
    for (proxy, store, file) in stores().await {
        proxy.spoil([Fault::Status(503)]);
        let read = store.read_ranges(&file, &[0..2, 4..6, 8..20], None).await;
        assert_eq!(read.unwrap(), ["01", "45", "89"]);
        assert_eq!(proxy.requests().len(), 4, "{file}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ranges_are_read_at_the_same_time() {
    for (proxy, store, file) in stores().await {
        let late = Fault::Slow(Duration::from_millis(300));
        proxy.spoil([late; 8]);
        let ranges: Vec<_> = (0..8).map(|start| start..start + 2).collect();
        let read = store.read_ranges(&file, &ranges, None).await.unwrap();
        assert_eq!(read[7], "78", "{file}");
        assert_eq!(proxy.requests().len(), 8, "{file}");
        assert_eq!(proxy.most_at_once(), 8, "{file}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_opened_by_two_requests_at_most_and_known_from_then_on() {
    for (proxy, store, file) in stores().await {
        let large = Bytes::from(vec![7; 3_000_000]);
        let options = UploadOptions::default();
        store.upload(&file, large, &options).await.unwrap();
        let cached = Cached::new(
            store,
            CacheOptions {
                block: 1 << 20,
                capacity: 64 << 20,
                fresh: Duration::from_mins(1),
            },
        );
        proxy.spoil([]);
        let known = cached.known(&file).await.unwrap();
        assert_eq!(known.size, 3_000_000);
        assert_eq!(cached.read(&file, 0..16_384).await.unwrap().len(), 16_384);
        let cold = proxy.requests();
        // the emulator of Google does not tell the size with the first bytes
        let most = if file.scheme() == domain::Scheme::Gs {
            2
        } else {
            1
        };
        assert_eq!(cold.len(), most, "{cold:?}");
        // blocks that lie side by side
        cached.read(&file, 1_500_000..2_999_999).await.unwrap();
        assert_eq!(proxy.requests().len(), most + 1);
        for request in proxy.requests() {
            let (method, address) = request.split_once(' ').unwrap();
            assert_eq!(method, "GET", "{request}");
            let path = address.split([' ', '?']).next().unwrap();
            assert!(
                path.ends_with("a.bin"),
                "nothing beside the file: {request}"
            );
        }
        proxy.spoil([]);
        cached.known(&file).await.unwrap();
        cached.read(&file, 0..3_000_000).await.unwrap();
        assert!(proxy.requests().is_empty(), "{file} warm");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_told_apart_and_never_repeated() {
    for (proxy, store, file) in stores().await {
        for (status, text) in [
            (
                403,
                format!("access to {file} is denied: the store answers 403"),
            ),
            (
                401,
                format!("access to {file} is denied: the store answers 401"),
            ),
            (404, format!("{file} does not exist")),
            (400, format!("cannot read {file}")),
        ] {
            proxy.spoil([Fault::Status(status)]);
            let error = store.read(&file, 0..4).await.unwrap_err();
            assert!(error.to_string().starts_with(&text), "{status}: {error}");
            assert!(!error.is_retryable());
            assert_eq!(proxy.requests().len(), 1, "{file} {status}");
            // a refusal is not remembered
            assert_eq!(store.read(&file, 0..4).await.unwrap(), "0123");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_stays_away_is_given_up_within_the_budget() {
    for (proxy, store, file) in stores().await {
        proxy.spoil([Fault::Status(503); 10]);
        let error = store.read(&file, 0..4).await.unwrap_err();
        assert!(matches!(error, Error::Unavailable { .. }), "{error}");
        assert!(error.to_string().contains(file.as_str()));
        assert_eq!(error.outline().unwrap(), "the store answers 503");
        assert!(error.is_of_bucket(), "nothing else was answered");
        assert_eq!(proxy.requests().len(), 4, "{file}");

        proxy.spoil([]);
        assert_eq!(store.read(&file, 0..4).await.unwrap(), "0123");
    }
}
