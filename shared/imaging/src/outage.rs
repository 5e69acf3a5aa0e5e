//! Buckets that do not answer, of which one who asked tells all who work at the same.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use domain::{Scheme, Uri};
use storage::Error;
use tokio::sync::watch;

thread_local! {
    /// What is known of buckets by those who share the work of this thread.
    static SHARED: RefCell<Option<Outages>> = const { RefCell::new(None) };
}

/// The buckets that gave no answer at all while two of their files were tried, as long as they may be, and why.
///
/// Requests of those who share it fail at once on such a bucket, with that reason, those under way too; blocks that are in
/// memory are read as ever. What fails for a single file fails no other one.
#[derive(Clone, Debug, Default)]
pub struct Outages(Arc<Known>);

#[derive(Debug, Default)]
struct Known {
    out: watch::Sender<BTreeMap<Bucket, Arc<Error>>>,
    /// The file of each bucket that failed so last, with no answer of the bucket since.
    suspects: Mutex<BTreeMap<Bucket, Uri>>,
}

type Bucket = (Scheme, String);

impl Outages {
    /// Runs work on this thread that shares what is known of buckets.
    ///
    /// Threads that the work starts know nothing of it.
    pub fn shared_by<T>(&self, work: impl FnOnce() -> T) -> T {
        let _before = Before(SHARED.replace(Some(self.clone())));
        work()
    }

    /// The answer to a request, unless its bucket is known to give none.
    pub async fn unless_out<T>(
        &self,
        uri: &Uri,
        request: impl Future<Output = storage::Result<T>>,
    ) -> storage::Result<T> {
        let bucket = (uri.scheme(), uri.bucket().to_owned());
        let mut known = self.0.out.subscribe();
        let out = async {
            // the sender is held by this
            _ = known.wait_for(|out| out.contains_key(&bucket)).await;
        };
        tokio::select! {
            biased;
            () = out => {
                let failure = self.0.out.borrow().get(&bucket).cloned();
                let unknown = || Error::Unavailable { uri: uri.clone(), source: "its bucket is out".into() };
                Err(failure.map_or_else(unknown, |failure| Error::of_another_file(&failure, uri)))
            }
            answer = request => answer
                .inspect(|_| self.answered(&bucket))
                .map_err(|failure| self.noted(&bucket, uri, failure)),
        }
    }

    fn answered(&self, bucket: &Bucket) {
        self.suspects().remove(bucket);
    }

    /// The failure, of which the others know from now on if it is that of the bucket.
    fn noted(&self, bucket: &Bucket, uri: &Uri, failure: Error) -> Error {
        if !failure.is_of_bucket() {
            if !failure.is_retryable() {
                self.answered(bucket);
            }
            return failure;
        }
        let before = self.suspects().insert(bucket.clone(), uri.clone());
        if before.is_none_or(|before| before == *uri) {
            return failure;
        }
        tracing::warn!(%uri, error = &failure as &dyn std::error::Error, "its bucket gives no answer");
        let failure = Arc::new(failure);
        self.0.out.send_modify(|out| {
            out.entry(bucket.clone())
                .or_insert_with(|| Arc::clone(&failure));
        });
        Error::of_another_file(&failure, uri)
    }

    fn suspects(&self) -> MutexGuard<'_, BTreeMap<Bucket, Uri>> {
        self.0
            .suspects
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// What those who share the work of this thread know; nothing where nobody shares it.
pub(crate) fn shared() -> Outages {
    SHARED.with_borrow(Clone::clone).unwrap_or_default()
}

/// Puts back what was there, also after a panic.
struct Before(Option<Outages>);

impl Drop for Before {
    fn drop(&mut self) {
        SHARED.set(self.0.take());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_trait::async_trait;
    use bytes::Bytes;
    use std::ops::Range;
    use std::path::Path;
    use std::time::Duration;
    use storage::{
        Attributes, ByteStream, DeleteOptions, ReadOptions, RenameOptions, RetryBudget, Retrying,
        Storage, UploadOptions,
    };

    /// Busy for ever.
    #[derive(Debug)]
    struct Busy;

    fn busy<T>(uri: &Uri) -> storage::Result<T> {
        Err(Error::Unavailable {
            uri: uri.clone(),
            source: "busy".into(),
        })
    }

    #[async_trait]
    impl Storage for Busy {
        async fn head(&self, uri: &Uri) -> storage::Result<Attributes> {
            busy(uri)
        }
        async fn read_with(&self, uri: &Uri, _: &ReadOptions) -> storage::Result<Bytes> {
            busy(uri)
        }
        async fn read_ranges(
            &self,
            uri: &Uri,
            _: &[Range<u64>],
            _: Option<&str>,
        ) -> storage::Result<Vec<Bytes>> {
            busy(uri)
        }
        async fn read_stream(&self, uri: &Uri) -> storage::Result<ByteStream> {
            busy(uri)
        }
        async fn upload(&self, uri: &Uri, _: Bytes, _: &UploadOptions) -> storage::Result<()> {
            busy(uri)
        }
        async fn upload_file(&self, uri: &Uri, _: &Path, _: &UploadOptions) -> storage::Result<()> {
            busy(uri)
        }
        async fn delete(&self, uri: &Uri, _: &DeleteOptions) -> storage::Result<()> {
            busy(uri)
        }
        async fn rename_with(&self, from: &Uri, _: &Uri, _: &RenameOptions) -> storage::Result<()> {
            busy(from)
        }
    }

    fn uri(text: &str) -> Uri {
        Uri::parse(text).unwrap()
    }

    #[tokio::test]
    async fn a_bucket_that_is_out_fails_those_who_share_it_and_nobody_else() {
        let (outages, others) = (Outages::default(), Outages::default());
        let waiting = {
            let outages = outages.clone();
            tokio::spawn(async move {
                let never = std::future::pending::<storage::Result<()>>();
                outages.unless_out(&uri("gs://dead/waiting"), never).await
            })
        };
        let store = Retrying::new(
            Arc::new(Busy),
            RetryBudget {
                tries: 2,
                first_pause: Duration::ZERO,
                ..RetryBudget::default()
            },
        );
        let [first, second] = ["gs://dead/first", "gs://dead/second"].map(uri);
        let asks = async || Ok(());
        let next = uri("gs://dead/next");
        for answers in [true, false] {
            // one file alone says nothing of the others, however often it fails
            for _ in 0..2 {
                let failed = outages.unless_out(&first, store.head(&first)).await;
                assert!(failed.unwrap_err().is_of_bucket());
            }
            // nor do several, with an answer between
            if answers {
                assert!(outages.unless_out(&next, asks()).await.is_ok());
            }
            let failed = outages.unless_out(&second, store.head(&second)).await;
            assert!(failed.unwrap_err().is_of_bucket());
            if answers {
                assert!(outages.unless_out(&next, asks()).await.is_ok());
            }
        }
        let text = waiting.await.unwrap().unwrap_err().to_string();
        assert_eq!(text, "the storage of gs://dead/waiting is not available");

        assert!(outages.unless_out(&next, asks()).await.is_err());
        assert!(others.unless_out(&next, asks()).await.is_ok());
        for other in ["gs://alive/a", "s3://dead/a"] {
            assert!(outages.unless_out(&uri(other), asks()).await.is_ok());
        }
    }

    #[tokio::test]
    async fn what_fails_for_one_file_fails_no_other_one() {
        let outages = Outages::default();
        let [busy, missing, good] = ["gs://b/busy", "gs://b/missing", "gs://b/good"].map(uri);
        let failed = outages
            .unless_out(&busy, async { self::busy::<()>(&busy) })
            .await;
        assert!(failed.is_err());
        let absent = async {
            Err::<(), _>(Error::NotFound {
                uri: missing.clone(),
            })
        };
        assert!(outages.unless_out(&missing, absent).await.is_err());
        let answer = outages.unless_out(&good, async { Ok(1) }).await;
        assert_eq!(answer.unwrap(), 1);
    }
}
