use domain::{StorageClass, Uri};

use super::{Capabilities, Suite, assert_missing};
use crate::{RenameOptions, StorageExt, UploadOptions};

impl Suite {
    pub(super) async fn a_start_comes_with_its_attributes(&self) {
        let missing = self.uri("no/such/start.tif");
        assert_missing(self.store.read_start(&missing, 4).await.map(drop), &missing);
        for (name, data) in [("start.bin", "0123456789"), ("empty.bin", "")] {
            let uri = self.put(name, data).await;
            let head = self.store.head(&uri).await.expect("file is there");
            for length in [0, 4, 10, 11, u64::MAX] {
                let (found, start) = self
                    .store
                    .read_start(&uri, length)
                    .await
                    .expect("file is there");
                let end = data
                    .len()
                    .min(usize::try_from(length).unwrap_or(usize::MAX));
                assert_eq!(start, data[..end], "{name} {length}");
                assert_eq!(
                    (found.size, found.version),
                    (head.size, head.version.clone()),
                    "{name} {length}"
                );
            }
            self.remove(&uri).await;
        }
    }

    pub(super) async fn attributes_are_kept(&self) {
        let before = std::time::SystemTime::now() - std::time::Duration::from_mins(1);
        // by one request, and in parts
        for size in [1, 9 << 20] {
            let uri = self.uri("attributes.tif");
            let options = UploadOptions {
                content_type: Some("image/tiff".into()),
                storage_class: Some(StorageClass::Infrequent),
                if_absent: false,
            };
            let data = vec![b'x'; size];
            self.store
                .upload(&uri, data.into(), &options)
                .await
                .expect("upload succeeds");
            self.check_attributes(&uri, &options, before).await;
            let moved = self.uri("moved.tif");
            self.store
                .rename(&uri, &moved)
                .await
                .expect("rename succeeds");
            self.check_attributes(&moved, &options, before).await;
            let archived = UploadOptions {
                storage_class: Some(StorageClass::DeepArchive),
                ..options
            };
            let options = RenameOptions {
                storage_class: archived.storage_class,
            };
            self.store
                .rename_with(&moved, &uri, &options)
                .await
                .expect("rename into another class succeeds");
            self.check_attributes(&uri, &archived, before).await;
            self.remove(&uri).await;
        }
    }

    async fn check_attributes(
        &self,
        uri: &Uri,
        options: &UploadOptions,
        before: std::time::SystemTime,
    ) {
        let attributes = self.head(uri).await;
        let Capabilities {
            content_type,
            storage_class,
            last_modified,
            ..
        } = self.capabilities;
        if content_type {
            assert_eq!(attributes.content_type, options.content_type);
        }
        if storage_class {
            assert_eq!(attributes.storage_class, options.storage_class);
        }
        assert_eq!(
            attributes.last_modified.is_some_and(|time| time > before),
            last_modified
        );
    }
}
