//! Work on a thread for which nobody waits any more.

use std::cell::RefCell;

use tokio_util::sync::CancellationToken;

thread_local! {
    /// Cancelled when nobody waits for the work of this thread.
    static ABANDONED: RefCell<Option<CancellationToken>> = const { RefCell::new(None) };
}

/// Runs work on this thread that gives up waiting for object stores as soon as a token is cancelled: what it waits for
/// fails then, and the request ends unless others wait for it too.
///
/// Threads that the work starts know nothing of it.
pub fn abandonable<T>(abandoned: &CancellationToken, work: impl FnOnce() -> T) -> T {
    let _before = Before(ABANDONED.replace(Some(abandoned.clone())));
    work()
}

/// Puts back what was there, also after a panic.
struct Before(Option<CancellationToken>);

impl Drop for Before {
    fn drop(&mut self) {
        ABANDONED.set(self.0.take());
    }
}

/// What tells a request of this thread that nobody waits for it any more.
pub(crate) fn token() -> Option<CancellationToken> {
    ABANDONED.with_borrow(Clone::clone)
}

/// Whether nobody waits for the work of this thread.
pub(crate) fn is_abandoned() -> bool {
    token().is_some_and(|token| token.is_cancelled())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_abandoned_by_its_own_token_only() {
        let (outer, inner) = (CancellationToken::new(), CancellationToken::new());
        inner.cancel();
        assert!(!is_abandoned());
        abandonable(&outer, || {
            let panicked = std::panic::catch_unwind(|| {
                abandonable(&inner, || {
                    assert!(is_abandoned());
                    panic!("as work may");
                })
            });
            assert!(panicked.is_err_and(|panic: Box<dyn std::any::Any + Send>| panic.is::<&str>()));
            assert!(!is_abandoned());
            outer.cancel();
            assert!(is_abandoned());
        });
        assert!(!is_abandoned());
    }
}
