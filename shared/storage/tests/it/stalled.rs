//! Transfers in which nothing moves any more.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use storage::{Error, ReadOptions, Retrying, Storage, UploadOptions};

use crate::{
    emulators,
    faults::BUDGET,
    proxy::{Fault, Proxy},
    uri,
};

const PATIENCE: Duration = Duration::from_millis(600);

#[tokio::test(flavor = "multi_thread")]
async fn a_stalled_transfer_of_google_is_given_up_and_tried_again() {
    let Some((host, bucket)) = emulators::gcs_bucket().await else {
        return;
    };
    let proxy = Proxy::start(&host).await;
    let store = emulators::gcs(&proxy.address.to_string()).await;
    let store = store.with_patience(PATIENCE);
    let file = uri(&format!("gs://{bucket}/a.bin"));
    let content = Bytes::from((0..1_000_000_u32).map(|at| at as u8).collect::<Vec<_>>());
    let options = UploadOptions::default();
    store
        .upload(&file, content.clone(), &options)
        .await
        .unwrap();

    let start = Instant::now();
    proxy.spoil([Fault::Stalled]);
    let read = store.read_with(&file, &ReadOptions::default()).await;
    assert!(matches!(read, Err(Error::Unavailable { .. })), "{read:?}");
    proxy.spoil([Fault::Stalled]);
    let written = store.upload(&file, content.clone(), &options).await;
    assert!(matches!(written, Err(Error::Unavailable { .. })));
    let waited = start.elapsed();
    assert!(
        waited >= 2 * PATIENCE && waited < 10 * PATIENCE,
        "{waited:?}"
    );

    let store = Retrying::new(Arc::new(store), BUDGET);
    proxy.spoil([Fault::Stalled]);
    let read = store.read_with(&file, &ReadOptions::default()).await;
    assert_eq!(read.unwrap(), content);
    proxy.spoil([Fault::Stalled]);
    store.upload(&file, content, &options).await.unwrap();
    assert_eq!(proxy.requests().len(), 2);
}
