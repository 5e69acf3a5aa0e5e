//! Work that arrives while other work of its kind is being done, done together when that is over.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// Most things that are done together.
const MOST: usize = 64;

/// When work takes longer than that, what arrived meanwhile does not wait for it any more.
const PATIENCE: Duration = Duration::from_millis(100);

/// Things that wait for their turn, in the order of their arrival. What comes alone is done at once.
#[derive(Debug)]
pub(crate) struct Together<T, R> {
    waiting: Mutex<VecDeque<Waiting<T, R>>>,
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Waiting<T, R> {
    thing: T,
    done: oneshot::Sender<R>,
}

impl<T, R> Default for Together<T, R> {
    fn default() -> Self {
        Self {
            waiting: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
        }
    }
}

impl<T: Send + 'static, R: Send + 'static> Together<T, R> {
    /// What the work on several things, this one among them, gives for this one: `work` answers in their order. Nothing
    /// when it panics. It goes on when the caller does not wait for it any more, since it is that of others too.
    pub(crate) async fn add<W, F>(self: &Arc<Self>, thing: T, work: W) -> Option<R>
    where
        W: FnOnce(Vec<T>) -> F + Send + 'static,
        F: Future<Output = Vec<R>> + Send + 'static,
    {
        let (done, result) = oneshot::channel();
        let waiting = || self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting().push_back(Waiting { thing, done });
        let together = Arc::clone(self);
        tokio::spawn(async move { together.take_turn(work).await });
        result.await.ok()
    }

    /// Each thing has a turn behind its arrival: it is taken in that one at the latest.
    async fn take_turn<W, F>(&self, work: W)
    where
        W: FnOnce(Vec<T>) -> F,
        F: Future<Output = Vec<R>>,
    {
        let turn = self.turn.lock().await;
        let (things, done) = self.take();
        if things.is_empty() {
            return;
        }
        let mut working = pin!(work(things));
        let results = match timeout(PATIENCE, &mut working).await {
            Ok(results) => results,
            Err(_late) => {
                drop(turn);
                working.await
            }
        };
        for (done, result) in done.into_iter().zip(results) {
            // whoever does not wait any more needs no answer
            let _ = done.send(result);
        }
    }

    fn take(&self) -> (Vec<T>, Vec<oneshot::Sender<R>>) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let count = waiting.len().min(MOST);
        waiting
            .drain(..count)
            .map(|one| (one.thing, one.done))
            .unzip()
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST, Together};
    use futures::future::join_all;
    use std::sync::{Arc, Mutex};
    use tokio::sync::Semaphore;

    /// Things that are done as soon as there is leave, and which of them were done together.
    #[derive(Default)]
    struct Work {
        together: Arc<Together<u32, u32>>,
        batches: Arc<Mutex<Vec<Vec<u32>>>>,
    }

    impl Work {
        async fn add(&self, thing: u32, leave: &Arc<Semaphore>) -> Option<u32> {
            let (leave, batches) = (Arc::clone(leave), Arc::clone(&self.batches));
            let double = move |things: Vec<u32>| async move {
                batches.lock().unwrap().push(things.clone());
                leave.acquire().await.unwrap().forget();
                things.iter().map(|thing| 2 * thing).collect()
            };
            self.together.add(thing, double).await
        }

        fn batches(&self) -> Vec<Vec<u32>> {
            self.batches.lock().unwrap().clone()
        }

        async fn until(&self, batches: usize, waiting: usize) {
            while self.batches().len() < batches
                || self.together.waiting.lock().unwrap().len() < waiting
            {
                tokio::task::yield_now().await;
            }
        }
    }

    #[tokio::test]
    async fn what_arrives_meanwhile_is_done_together_and_each_has_its_result() {
        let (work, leave) = (Work::default(), Arc::new(Semaphore::new(0)));
        let first = work.add(1, &leave);
        let others = async {
            work.until(1, 0).await;
            let others = join_all([2, 3, 4].map(|thing| work.add(thing, &leave)));
            let go = async {
                work.until(1, 3).await;
                leave.add_permits(2);
            };
            futures::join!(others, go).0
        };
        let (first, others) = futures::join!(first, others);
        assert_eq!(first, Some(2));
        assert_eq!(others, [Some(4), Some(6), Some(8)]);
        assert_eq!(work.batches(), [vec![1], vec![2, 3, 4]]);
    }

    #[tokio::test]
    async fn nothing_waits_for_work_that_stands_still() {
        let (work, stuck, free) = (
            Work::default(),
            Arc::new(Semaphore::new(0)),
            Arc::new(Semaphore::new(9)),
        );
        let mut first = Box::pin(work.add(1, &stuck));
        let second = async {
            work.until(1, 0).await;
            work.add(2, &free).await
        };
        tokio::select! {
            biased;
            _ = &mut first => panic!("it had no leave"),
            second = second => assert_eq!(second, Some(4)),
        }
        stuck.add_permits(1);
        assert_eq!(first.await, Some(2));
    }

    #[tokio::test]
    async fn a_turn_is_bounded_and_a_panic_ends_its_own_work_only() {
        let together = Arc::new(Together::<usize, usize>::default());
        let panics = together.add(0, |_| async { panic!("as a test") }).await;
        assert_eq!(panics, None);
        let calls = (0..3 * MOST).map(|thing| {
            together.add(thing, |things| async move {
                assert!(things.len() <= MOST);
                things
            })
        });
        let expected: Vec<_> = (0..3 * MOST).map(Some).collect();
        assert_eq!(join_all(calls).await, expected);
    }
}
