//! What every storage must do: one suite, run against each backend and wrapper.
#![expect(
    clippy::single_range_in_vec_init,
    reason = "lists of one range are meant"
)]

mod attributes;
mod names;

use std::{ops::Range, path::Path, sync::Arc};

use bytes::Bytes;
use domain::Uri;
use futures::{
    TryStreamExt,
    future::{join_all, try_join_all},
};

use crate::{
    Attributes, DeleteOptions, Error, ReadOptions, Result, Storage, StorageExt, UploadOptions,
};

/// What a backend is able to do beyond the contract. What it lacks is declared here, not left out quietly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// The content type of an upload is told by `head`.
    pub content_type: bool,
    /// The storage class of an upload is told by `head`.
    pub storage_class: bool,
    /// `head` tells the time of the last change.
    pub last_modified: bool,
    /// Writes and reads of one file at the same time all succeed; else some may fail for now, or tell that the file has changed.
    pub concurrent_writes: bool,
    /// Parts of a name may be empty: `a//b` and `a/` are names of their own.
    pub empty_names: bool,
}

/// Runs the suite on files below `base`, which it leaves empty of files.
///
/// # Panics
/// When the storage breaks the contract.
pub async fn run(store: Arc<dyn Storage>, base: &Uri, capabilities: Capabilities) {
    let suite = Suite {
        store,
        base: base.clone(),
        capabilities,
    };
    suite.missing_files_are_not_found().await;
    suite.an_upload_is_read_back().await;
    suite.a_start_comes_with_its_attributes().await;
    suite.ranges_are_cut_at_the_end().await;
    suite.an_upload_replaces_the_file_and_its_version().await;
    suite.empty_files_are_files().await;
    suite.names_may_hold_any_letters().await;
    suite.a_name_is_no_other_name().await;
    suite.a_name_with_empty_parts_is_its_own_or_refused().await;
    suite.attributes_are_kept().await;
    suite.a_creation_never_replaces().await;
    suite.a_failed_upload_leaves_the_file_of_before().await;
    suite.large_files_stream_through().await;
    suite.downloads_are_bounded().await;
    suite.readers_and_writers_do_not_meet_halfway().await;
    suite.a_rename_moves_and_replaces().await;
    suite.a_delete_removes().await;
}

struct Suite {
    store: Arc<dyn Storage>,
    base: Uri,
    capabilities: Capabilities,
}

impl Suite {
    fn uri(&self, name: &str) -> Uri {
        self.base
            .join([name])
            .expect("names of the suite are valid")
    }

    async fn put(&self, name: &str, data: impl Into<Bytes>) -> Uri {
        let uri = self.uri(name);
        self.store
            .upload(&uri, data.into(), &UploadOptions::default())
            .await
            .expect("upload succeeds");
        uri
    }

    async fn all(&self, uri: &Uri) -> Bytes {
        self.store
            .read_with(uri, &ReadOptions::default())
            .await
            .expect("file is there")
    }

    async fn remove(&self, uri: &Uri) {
        self.store
            .delete(uri, &DeleteOptions::default())
            .await
            .expect("file is there to be deleted");
    }

    async fn missing_files_are_not_found(&self) {
        let (missing, target) = (self.uri("no/such/file.tif"), self.uri("target.tif"));
        let folder = tempfile::tempdir().expect("temporary folder");
        let local = folder.path().join("copy.tif");
        assert_missing(self.store.head(&missing).await.map(drop), &missing);
        assert_missing(self.store.read(&missing, 0..1).await.map(drop), &missing);
        assert_missing(
            self.store
                .read_ranges(&missing, &[0..1], None)
                .await
                .map(drop),
            &missing,
        );
        assert_missing(
            self.store
                .download_to_file(&missing, &local)
                .await
                .map(drop),
            &missing,
        );
        assert_missing(self.store.rename(&missing, &target).await, &missing);
        assert_missing(
            self.store.delete(&missing, &DeleteOptions::default()).await,
            &missing,
        );
        assert!(
            !local.exists() && is_empty(folder.path()),
            "a failed download leaves nothing"
        );
        self.store
            .delete_if_exists(&missing)
            .await
            .expect("a missing file is ignored when told so");
        assert!(
            !self
                .store
                .exists(&missing)
                .await
                .expect("missing is an answer, not an error")
        );
        assert!(
            !self
                .store
                .exists(&target)
                .await
                .expect("missing is an answer, not an error")
        );
    }

    async fn an_upload_is_read_back(&self) {
        let uri = self.put("a/b/c.bin", "0123456789").await;
        assert!(self.store.exists(&uri).await.expect("head succeeds"));
        assert_eq!(self.all(&uri).await, "0123456789");
        assert_eq!(self.store.head(&uri).await.expect("file is there").size, 10);
        self.remove(&uri).await;
    }

    async fn ranges_are_cut_at_the_end(&self) {
        let uri = self.put("ranges.bin", "0123456789").await;
        let cases: [(Range<u64>, &str); 8] = [
            (0..10, "0123456789"),
            (2..5, "234"),
            (9..10, "9"),
            (8..100, "89"),
            (0..u64::MAX, "0123456789"),
            (10..20, ""),
            (u64::MAX - 1..u64::MAX, ""),
            (4..4, ""),
        ];
        for (range, expected) in &cases {
            assert_eq!(
                self.store.read(&uri, range.clone()).await.expect("range"),
                expected,
                "{range:?}"
            );
        }
        let ranges: Vec<_> = cases.iter().map(|(range, _)| range.clone()).collect();
        let expected: Vec<_> = cases
            .iter()
            .map(|(_, text)| Bytes::from_static(text.as_bytes()))
            .collect();
        assert_eq!(
            self.store
                .read_ranges(&uri, &ranges, None)
                .await
                .expect("ranges"),
            expected
        );
        assert!(
            self.store
                .read_ranges(&uri, &[], None)
                .await
                .expect("no range")
                .is_empty()
        );
        let backwards = Range { start: 5, end: 2 };
        let refused = self
            .store
            .read(&uri, backwards.clone())
            .await
            .expect_err("range ends before it begins");
        assert!(matches!(refused, Error::Invalid { .. }), "{refused}");
        let refused = self
            .store
            .read_ranges(&uri, &[0..1, backwards], None)
            .await
            .expect_err("one range is wrong");
        assert!(matches!(refused, Error::Invalid { .. }), "{refused}");
        self.remove(&uri).await;
    }

    async fn an_upload_replaces_the_file_and_its_version(&self) {
        let uri = self.put("replaced.bin", "a longer first content").await;
        let first = self.head(&uri).await;
        assert_eq!(
            self.head(&uri).await.version,
            first.version,
            "the version stays while the file does"
        );
        let seen = ReadOptions {
            range: Some(0..8),
            version: Some(first.version.clone()),
        };
        assert_eq!(
            self.store
                .read_with(&uri, &seen)
                .await
                .expect("version is current"),
            "a longer"
        );

        self.put("replaced.bin", "second").await;
        assert_eq!(self.all(&uri).await, "second");
        let second = self.head(&uri).await;
        assert_eq!(second.size, 6);
        assert_ne!(second.version, first.version);
        let refused = self
            .store
            .read_with(&uri, &seen)
            .await
            .expect_err("version is old");
        assert!(matches!(refused, Error::Changed { .. }), "{refused}");
        let refused = self
            .store
            .read_ranges(&uri, &[0..1], Some(&first.version))
            .await
            .expect_err("version is old");
        assert!(matches!(refused, Error::Changed { .. }), "{refused}");
        let current = self
            .store
            .read_ranges(&uri, &[0..3], Some(&second.version))
            .await;
        assert_eq!(current.expect("version is current"), ["sec"]);
        self.remove(&uri).await;
    }

    async fn empty_files_are_files(&self) {
        let uri = self.put("empty.bin", Bytes::new()).await;
        assert_eq!(self.head(&uri).await.size, 0);
        assert_eq!(self.all(&uri).await, "");
        assert_eq!(self.store.read(&uri, 0..10).await.expect("empty range"), "");
        assert_eq!(self.streamed(&uri).await, b"");
        self.remove(&uri).await;
    }

    async fn a_creation_never_replaces(&self) {
        let uri = self.uri("created.bin");
        let create = UploadOptions {
            if_absent: true,
            ..UploadOptions::default()
        };
        self.store
            .upload(&uri, "first".into(), &create)
            .await
            .expect("there is no such file");
        let folder = tempfile::tempdir().expect("temporary folder");
        let source = folder.path().join("source.bin");
        std::fs::write(&source, "second").expect("temporary file");
        for refused in [
            self.store.upload(&uri, "second".into(), &create).await,
            self.store.upload_file(&uri, &source, &create).await,
        ] {
            let error = refused.expect_err("there is such a file");
            assert!(matches!(error, Error::AlreadyExists { .. }), "{error}");
        }
        assert_eq!(self.all(&uri).await, "first");
        self.remove(&uri).await;
        self.store
            .upload_file(&uri, &source, &create)
            .await
            .expect("there is no such file any more");
        assert_eq!(self.all(&uri).await, "second");
        self.remove(&uri).await;
    }

    async fn a_failed_upload_leaves_the_file_of_before(&self) {
        let uri = self.put("kept.bin", "before").await;
        let nowhere = Path::new("/nonexistent/working/file");
        let failed = self
            .store
            .upload_file(&uri, nowhere, &UploadOptions::default())
            .await;
        let error = failed.expect_err("there is nothing to upload");
        assert!(
            matches!(error, Error::Failed { .. }),
            "the missing file is not the object: {error}"
        );
        assert_eq!(self.all(&uri).await, "before");
        self.remove(&uri).await;
    }

    async fn large_files_stream_through(&self) {
        let folder = tempfile::tempdir().expect("temporary folder");
        let (source, copy) = (
            folder.path().join("source.bin"),
            folder.path().join("deep/copy.bin"),
        );
        let content: Vec<u8> = (0..20_000_003_u32).map(|i| (i ^ (i >> 11)) as u8).collect();
        std::fs::write(&source, &content).expect("temporary file");
        let uri = self.uri("large.bin");
        self.store
            .upload_file(&uri, &source, &UploadOptions::default())
            .await
            .expect("upload succeeds");
        assert!(source.exists(), "the source of an upload stays");
        let copied = self
            .store
            .download_to_file(&uri, &copy)
            .await
            .expect("download succeeds");
        assert_eq!(copied, content.len() as u64);
        assert!(
            std::fs::read(&copy).expect("copy is there") == content,
            "the copy is equal"
        );
        assert!(
            self.streamed(&uri).await == content,
            "the stream is in order"
        );

        let reads = (0..64_u64).map(|i| {
            let (store, uri, start) = (&self.store, &uri, i * 312_345);
            async move {
                store
                    .read(uri, start..start + 1000)
                    .await
                    .map(|data| (start as usize, data))
            }
        });
        for (start, data) in try_join_all(reads).await.expect("concurrent ranges") {
            assert!(data == content[start..start + 1000], "range at {start}");
        }
        self.remove(&uri).await;
    }

    async fn downloads_are_bounded(&self) {
        let uri = self.put("bounded.bin", "0123456789").await;
        assert_eq!(
            self.store
                .download(&uri, 10)
                .await
                .expect("exactly the limit"),
            "0123456789"
        );
        assert_eq!(
            self.store.download(&uri, u64::MAX).await.expect("no limit"),
            "0123456789"
        );
        let refused = self
            .store
            .download(&uri, 9)
            .await
            .expect_err("one byte too many");
        assert!(
            matches!(
                refused,
                Error::TooLarge {
                    size: 10,
                    limit: 9,
                    ..
                }
            ),
            "{refused}"
        );
        self.remove(&uri).await;
    }

    async fn readers_and_writers_do_not_meet_halfway(&self) {
        const SIZE: usize = 300_000;
        let uri = self.put("contended.bin", vec![b'0'; SIZE]).await;
        let writes = (0..8_u8).map(|i| {
            let data = vec![b'a' + i; SIZE];
            async {
                self.store
                    .upload(&uri, data.into(), &UploadOptions::default())
                    .await
            }
        });
        let reads = (0..32).map(|_| async {
            let data = self.store.read_with(&uri, &ReadOptions::default()).await?;
            assert!(
                data.len() == SIZE && data.iter().all(|byte| *byte == data[0]),
                "a read mixes two writes"
            );
            Ok::<_, Error>(())
        });
        let (written, read) = futures::join!(join_all(writes), join_all(reads));
        let results = written.into_iter().chain(read);
        for error in results.filter_map(Result::err) {
            assert!(
                !self.capabilities.concurrent_writes
                    && (error.is_retryable() || matches!(error, Error::Changed { .. })),
                "reads and writes succeed: {error}"
            );
        }
        self.remove(&uri).await;
    }

    async fn a_rename_moves_and_replaces(&self) {
        let from = self.put("run.part", "new").await;
        let to = self.put("final/name.tif", "old").await;
        let old = self.head(&to).await.version;
        self.store
            .rename(&from, &to)
            .await
            .expect("rename succeeds");
        assert!(!self.store.exists(&from).await.expect("head succeeds"));
        assert_eq!(self.all(&to).await, "new");
        assert_ne!(self.head(&to).await.version, old);
        assert_missing(self.store.rename(&from, &to).await, &from);
        let elsewhere = self.uri("new/folder/name.tif");
        self.store
            .rename(&to, &elsewhere)
            .await
            .expect("folders are created");
        assert_eq!(self.all(&elsewhere).await, "new");
        self.remove(&elsewhere).await;
    }

    async fn a_delete_removes(&self) {
        let uri = self.put("deleted.bin", "x").await;
        self.remove(&uri).await;
        assert!(!self.store.exists(&uri).await.expect("head succeeds"));
        assert_missing(
            self.store.delete(&uri, &DeleteOptions::default()).await,
            &uri,
        );
        self.store
            .delete_if_exists(&uri)
            .await
            .expect("a missing file is ignored when told so");
    }

    async fn head(&self, uri: &Uri) -> Attributes {
        self.store.head(uri).await.expect("file is there")
    }

    async fn streamed(&self, uri: &Uri) -> Vec<u8> {
        let pieces = self.store.read_stream(uri).await.expect("file is there");
        let pieces: Vec<Bytes> = pieces.try_collect().await.expect("stream ends well");
        pieces.concat()
    }
}

fn assert_missing(result: Result<()>, expected: &Uri) {
    let error = result.expect_err("the file is missing");
    assert!(
        matches!(&error, Error::NotFound { uri } if uri == expected),
        "{error}"
    );
    assert!(!error.is_retryable());
    assert!(error.to_string().contains(expected.as_str()));
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}
