//! The conformance suite on every backend and wrapper, and what remote ones do about faults.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod cache;
mod described;
mod emulators;
mod faults;
mod lost;
mod proxy;
mod sessions;
mod stacks;
mod stalled;
mod together;
mod tokens;
mod uploads;

use std::sync::Arc;

use domain::{Scheme, Uri};
use storage::{
    AllowedRoots, LocalStorage, MemoryStorage, Router,
    conformance::{self, Capabilities},
};

const MEMORY: Capabilities = Capabilities {
    content_type: true,
    storage_class: true,
    last_modified: true,
    concurrent_writes: true,
    empty_names: true,
};
const LOCAL: Capabilities = Capabilities {
    content_type: false,
    storage_class: false,
    last_modified: true,
    concurrent_writes: true,
    empty_names: false,
};

fn uri(text: &str) -> Uri {
    Uri::parse(text).unwrap()
}

#[tokio::test]
async fn memory_keeps_the_contract() {
    conformance::run(
        Arc::new(MemoryStorage::new()),
        &uri("gs://bucket/base/"),
        MEMORY,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn local_files_keep_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let base = uri(folder.path().to_str().unwrap());
    conformance::run(Arc::new(LocalStorage::new(AllowedRoots::All)), &base, LOCAL).await;
    let left: Vec<_> = walk(folder.path());
    assert!(left.is_empty(), "part files are left: {left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn local_files_below_a_root_keep_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let base = uri(&format!("file://{}/new/base", folder.path().display()));
    let roots = AllowedRoots::Below(vec![folder.path().to_owned()]);
    conformance::run(Arc::new(LocalStorage::new(roots)), &base, LOCAL).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn local_files_keep_the_contract_whatever_is_around_them() {
    let folder = tempfile::tempdir().unwrap();
    let roots = AllowedRoots::Below(vec![folder.path().to_owned()]);
    let base = uri(folder.path().to_str().unwrap());
    let local = LocalStorage::new(roots);
    for (name, store) in stacks::around(|| local.clone(), Scheme::File) {
        conformance::run(
            store,
            &base.join([name]).unwrap(),
            stacks::able(name, LOCAL),
        )
        .await;
        let left: Vec<_> = walk(folder.path());
        assert!(left.is_empty(), "{name}: part files are left: {left:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_keeps_the_contract_whatever_is_around_it() {
    for (name, store) in stacks::around(MemoryStorage::new, Scheme::S3) {
        conformance::run(store, &uri("s3://bucket"), stacks::able(name, MEMORY)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_router_keeps_the_contract_of_its_backends() {
    let folder = tempfile::tempdir().unwrap();
    let router = Arc::new(
        Router::new()
            .with(Scheme::File, Arc::new(LocalStorage::new(AllowedRoots::All)))
            .with(Scheme::Gs, Arc::new(MemoryStorage::new())),
    );
    conformance::run(router.clone(), &uri(folder.path().to_str().unwrap()), LOCAL).await;
    conformance::run(router, &uri("GS://bucket"), MEMORY).await;
}

/// The files below a folder.
fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                walk(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}
