//! A store in each of the wrappers, and in all of them as programs put them around it.

use std::{sync::Arc, time::Duration};

use domain::Scheme;
use storage::conformance::Capabilities;
use storage::{CacheOptions, Cached, Counting, RetryBudget, Retrying, Router, Storage};

/// What a stack can do, by what its store can: a file of many blocks that is replaced all the time is not read as a whole.
pub fn able(name: &str, store: Capabilities) -> Capabilities {
    Capabilities {
        concurrent_writes: store.concurrent_writes && name != "cached in small blocks",
        ..store
    }
}

/// The store as it is, in each wrapper, in a cache of tiny blocks, and in all of them in the order of the programs.
pub fn around<S: Storage>(
    store: impl Fn() -> S,
    scheme: Scheme,
) -> [(&'static str, Arc<dyn Storage>); 7] {
    let raw = || -> Arc<dyn Storage> { Arc::new(store()) };
    let cached = |store, block: u64| -> Arc<dyn Storage> {
        let options = CacheOptions {
            block,
            capacity: 64 << 20,
            fresh: Duration::from_mins(1),
        };
        Arc::new(Cached::new(store, options))
    };
    // emulators lose an answer now and then
    let retrying =
        |store| -> Arc<dyn Storage> { Arc::new(Retrying::new(store, RetryBudget::default())) };
    let counting = || -> Arc<dyn Storage> { retrying(Arc::new(Counting::new(store()))) };
    let router = |store| -> Arc<dyn Storage> { Arc::new(Router::new().with(scheme, store)) };
    [
        ("raw", raw()),
        ("retrying", retrying(raw())),
        ("counting", counting()),
        ("router", router(retrying(raw()))),
        ("cached", cached(retrying(raw()), 1 << 20)),
        ("cached in small blocks", cached(retrying(raw()), 1000)),
        ("all", cached(router(counting()), 1 << 20)),
    ]
}
