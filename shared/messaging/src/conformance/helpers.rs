//! What the tests of the suite share.

use std::{
    future::Future,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use tokio::{task::JoinHandle, time::sleep};
use uuid::Uuid;

use super::AMPLE;
use crate::{CancellationToken, Delivery, Handler, Outcome, Result};

/// A consumer in the background.
pub(super) struct Running {
    pub(super) stop: CancellationToken,
    pub(super) task: JoinHandle<Result<()>>,
}

impl Running {
    pub(super) async fn stop(self) {
        self.stop.cancel();
        let ended = tokio::time::timeout(AMPLE, self.task)
            .await
            .expect("a stopped consumer returns");
        ended
            .expect("the consumer does not panic")
            .expect("a stop is no error");
    }
}

/// What the handlers of one test saw.
#[derive(Clone, Default)]
pub(super) struct Seen(Arc<Mutex<Vec<Delivery>>>);

impl Seen {
    pub(super) fn add(&self, delivery: Delivery) {
        self.0.lock().expect("not poisoned").push(delivery);
    }

    pub(super) fn all(&self) -> Vec<Delivery> {
        self.0.lock().expect("not poisoned").clone()
    }

    pub(super) fn texts(&self) -> Vec<String> {
        let mut texts: Vec<_> = self
            .all()
            .iter()
            .map(|delivery| String::from_utf8_lossy(&delivery.data).into_owned())
            .collect();
        texts.sort();
        texts
    }

    pub(super) async fn wait_for(&self, count: usize) {
        eventually(|| async { self.all().len() >= count }).await;
    }
}

/// Notes deliveries; the answer depends on how many there were.
pub(super) fn recorder(
    seen: &Seen,
    answer: impl Fn(usize) -> Outcome + Send + Sync + 'static,
) -> impl Handler {
    let seen = seen.clone();
    move |delivery| {
        seen.add(delivery);
        let outcome = answer(seen.all().len());
        async move { outcome }
    }
}

/// Notes a delivery after some time, and acknowledges it.
pub(super) fn slow(seen: &Seen, time: Duration) -> impl Handler + Clone + use<> {
    begun_and_done(&Seen::default(), seen, time)
}

/// Notes a delivery at once and again after some time, and acknowledges it.
pub(super) fn begun_and_done(
    begun: &Seen,
    done: &Seen,
    time: Duration,
) -> impl Handler + Clone + use<> {
    let (begun, done) = (begun.clone(), done.clone());
    move |delivery: Delivery| {
        let (begun, done) = (begun.clone(), done.clone());
        async move {
            begun.add(delivery.clone());
            sleep(time).await;
            done.add(delivery);
            Outcome::Ack
        }
    }
}

pub(super) fn add(number: &Mutex<i32>, change: i32) -> i32 {
    let mut number = number.lock().expect("not poisoned");
    *number += change;
    *number
}

pub(super) fn raise(most: &Mutex<i32>, value: i32) {
    let mut most = most.lock().expect("not poisoned");
    *most = (*most).max(value);
}

pub(super) fn queue_name() -> String {
    format!("q-{}", Uuid::new_v4().simple())
}

pub(super) async fn eventually<F: Future<Output = bool>>(condition: impl Fn() -> F) {
    let started = Instant::now();
    while !condition().await {
        assert!(started.elapsed() < AMPLE, "still not so after {AMPLE:?}");
        sleep(Duration::from_millis(5)).await;
    }
}
