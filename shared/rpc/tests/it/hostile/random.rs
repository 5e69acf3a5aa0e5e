//! Messages of arbitrary fields, and messages whose bytes are damaged: thousands of calls of every method.

use super::generate::{methods, plausible};
use super::known::Known;
use super::strategies::{Told, damages, messages};
use super::{GROWTH, Target};
use crate::harness::memory::{most_memory, process_of_its_own};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use prost_reflect::MethodDescriptor;
use prost_reflect::prost::Message;
use std::hash::{BuildHasher, RandomState};
use std::sync::Mutex;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;

/// Calls of each method by each test.
const CASES: u32 = 60;

/// Methods that are called at the same time.
const AT_A_TIME: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_method_survives_messages_of_the_same_random_fields() {
    survive_random_fields(seed(|| 0)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_method_survives_messages_of_new_random_fields() {
    survive_random_fields(seed(|| RandomState::new().hash_one(0))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_method_survives_damaged_bytes() {
    let Some(target) = Target::stored().await else {
        return;
    };
    let strategy = |_: &MethodDescriptor| damages();
    fuzz(&target, seed(|| 0), strategy, |method, damages, known| {
        let plain = plausible(&method.input(), known).encode_to_vec();
        let mut damaged = plain.clone();
        for damage in damages {
            damage.apply(&mut damaged);
        }
        if method.is_client_streaming() {
            vec![plain, damaged]
        } else {
            vec![damaged]
        }
    });
    target.assert_alive().await;
}

async fn survive_random_fields(seed: u64) {
    let Some(target) = Target::stored().await else {
        return;
    };
    let strategy = |method: &MethodDescriptor| {
        let pieces = if method.is_client_streaming() { 3 } else { 1 };
        vec(
            messages(&method.input(), &target.known).prop_map(Told),
            pieces,
        )
    };
    fuzz(&target, seed, strategy, |_, messages, known| {
        let renamed = messages.iter().map(|Told(message)| {
            let mut message = message.clone();
            known.rename(&mut message, &target.known);
            message.encode_to_vec()
        });
        renamed.collect()
    });
    target.assert_alive().await;
}

/// Where the numbers begin: `GEOCUBE_FUZZ_SEED`, said on standard error, so that a failure can be had again.
fn seed(default: impl FnOnce() -> u64) -> u64 {
    let given = std::env::var("GEOCUBE_FUZZ_SEED").ok();
    let seed = given.map_or_else(default, |seed| {
        seed.parse().expect("GEOCUBE_FUZZ_SEED: a number")
    });
    eprintln!("GEOCUBE_FUZZ_SEED={seed}");
    seed
}

/// Calls every method with what comes of the values of its strategy and of what is known; says the least value
/// that is answered wrongly.
fn fuzz<S: Strategy>(
    target: &Target,
    seed: u64,
    strategy: impl Fn(&MethodDescriptor) -> S + Sync,
    encode: impl Fn(&MethodDescriptor, &S::Value, &Known) -> Vec<Vec<u8>> + Sync,
) {
    let methods = methods();
    let (begin, before) = (Instant::now(), most_memory());
    let left = Mutex::new(methods.iter().enumerate());
    let runtime = Handle::current();
    let work = || {
        loop {
            let Some((number, (path, method))) = left.lock().unwrap().next() else {
                return;
            };
            let mut runner = runner(seed.wrapping_add(number as u64));
            let calls = (strategy(method), any::<bool>());
            let ended = runner.run(&calls, |(value, with_image)| {
                let call = async {
                    let known = target.known.for_call(&target.server, path, with_image);
                    let messages = encode(method, &value, &known.await);
                    target.try_hostile(path, messages).await
                };
                runtime.block_on(call).map_err(TestCaseError::fail)
            });
            if let Err(error) = ended {
                panic!("GEOCUBE_FUZZ_SEED={seed} {path}: {error:.6000}");
            }
        }
    };
    tokio::task::block_in_place(|| {
        std::thread::scope(|scope| {
            for _ in 0..AT_A_TIME {
                scope.spawn(work);
            }
        });
    });
    let calls = methods.len() as u32 * CASES;
    assert!(calls > 2000, "{calls} calls");
    let took = begin.elapsed();
    assert!(took < Duration::from_mins(1), "{calls} calls took {took:?}");
    let grown = most_memory() - before;
    eprintln!("{calls} calls in {took:?}, {grown} MB more");
    assert!(!process_of_its_own() || grown < GROWTH, "{grown} MB");
}

fn runner(seed: u64) -> TestRunner {
    let config = Config {
        cases: CASES,
        max_shrink_iters: 200,
        failure_persistence: None,
        ..Config::default()
    };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}
