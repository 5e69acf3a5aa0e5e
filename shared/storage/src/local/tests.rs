use std::{os::unix::fs::symlink, path::PathBuf, time::Duration};

use super::*;
use crate::StorageExt;

struct Fixture {
    folder: tempfile::TempDir,
    store: LocalStorage,
}

/// `root` is allowed, `outside` is not.
fn fixture() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    for name in ["root", "outside"] {
        std::fs::create_dir(folder.path().join(name)).unwrap();
        std::fs::write(folder.path().join(name).join("a.tif"), name).unwrap();
    }
    let store = LocalStorage::new(AllowedRoots::Below(vec![folder.path().join("root")]));
    Fixture { folder, store }
}

impl Fixture {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn uri(&self, name: &str) -> Uri {
        Uri::parse(self.path(name).to_str().unwrap()).unwrap()
    }

    async fn read(&self, name: &str) -> Result<Bytes> {
        self.store.download(&self.uri(name), 1000).await
    }
}

fn assert_denied(error: &Error) {
    assert!(matches!(error, Error::PermissionDenied { .. }), "{error}");
    assert!(error.to_string().contains("allowedPaths"), "{error}");
}

fn assert_unchanged<T: std::fmt::Debug>(denied: Result<T>) {
    let error = denied.unwrap_err();
    assert!(matches!(error, Error::PermissionDenied { .. }), "{error}");
    assert!(error.to_string().contains("managedPaths"), "{error}");
}

#[tokio::test]
async fn files_outside_the_roots_are_denied_whether_they_exist_or_not() {
    let fixture = fixture();
    assert_eq!(fixture.read("root/a.tif").await.unwrap(), "root");
    assert!(
        fixture
            .read("root/missing.tif")
            .await
            .unwrap_err()
            .is_not_found()
    );
    assert!(
        fixture
            .read("root/a.tif/below")
            .await
            .unwrap_err()
            .is_not_found()
    );
    for name in [
        "outside/a.tif",
        "outside/missing.tif",
        "outside/a.tif/below",
        "rootless/a.tif",
        "outside",
    ] {
        assert_denied(&fixture.read(name).await.unwrap_err());
    }
}

#[tokio::test]
async fn links_do_not_lead_out_of_the_roots() {
    let fixture = fixture();
    symlink(fixture.path("outside/a.tif"), fixture.path("root/file.tif")).unwrap();
    symlink(fixture.path("outside"), fixture.path("root/folder")).unwrap();
    symlink(fixture.path("root/a.tif"), fixture.path("root/inner.tif")).unwrap();
    symlink("loop.tif", fixture.path("root/loop.tif")).unwrap();
    for name in [
        "root/file.tif",
        "root/folder/a.tif",
        "root/folder/missing.tif",
    ] {
        assert_denied(&fixture.read(name).await.unwrap_err());
    }
    assert_eq!(fixture.read("root/inner.tif").await.unwrap(), "root");
    assert!(fixture.read("root/loop.tif").await.is_err());

    let (inside, outside) = (
        fixture.uri("root/a.tif"),
        fixture.uri("root/folder/new.tif"),
    );
    let options = UploadOptions::default();
    let written = fixture.store.upload(&outside, "x".into(), &options).await;
    assert_unchanged(written);
    assert_unchanged(fixture.store.rename(&inside, &outside).await);
    let linked = fixture.uri("root/folder/a.tif");
    assert_unchanged(fixture.store.delete_if_exists(&linked).await);
    assert!(!fixture.path("outside/new.tif").exists() && fixture.path("outside/a.tif").exists());
}

#[tokio::test]
async fn what_may_only_be_read_is_never_changed_not_even_by_a_link() {
    let fixture = fixture();
    for readable in [
        AllowedRoots::All,
        AllowedRoots::Below(vec![fixture.path("root"), fixture.path("outside")]),
    ] {
        let store = LocalStorage::new(LocalRoots {
            readable,
            writable: AllowedRoots::Below(vec![fixture.path("root")]),
        });
        let folder = fixture.path("root/folder");
        symlink(fixture.path("outside"), &folder).unwrap();
        let (inside, linked) = (fixture.uri("root/a.tif"), fixture.uri("root/folder/a.tif"));
        let (outside, new) = (
            fixture.uri("outside/a.tif"),
            fixture.uri("root/folder/new.tif"),
        );
        assert_eq!(store.download(&linked, 1000).await.unwrap(), "outside");
        for target in [&linked, &new, &outside] {
            for if_absent in [false, true] {
                let options = UploadOptions {
                    if_absent,
                    ..UploadOptions::default()
                };
                assert_unchanged(store.upload(target, "x".into(), &options).await);
            }
            assert_unchanged(store.rename(&inside, target).await);
            assert_unchanged(store.rename(target, &inside).await);
            assert_unchanged(store.delete_if_exists(target).await);
        }
        let kept = std::fs::read(fixture.path("outside/a.tif")).unwrap();
        assert_eq!(kept, b"outside");
        assert!(!fixture.path("outside/new.tif").exists());
        assert!(fixture.path("root/a.tif").exists());
        std::fs::remove_file(folder).unwrap();
    }
}

#[tokio::test]
async fn a_link_is_replaced_and_removed_and_never_what_it_leads_to() {
    let fixture = fixture();
    let (link, uri) = (fixture.path("root/link.tif"), fixture.uri("root/link.tif"));
    let (inside, outside) = (fixture.path("root/a.tif"), fixture.path("outside/a.tif"));
    for target in [&inside, &outside] {
        symlink(target, &link).unwrap();
        let moved = fixture.store.rename(&uri, &fixture.uri("root/b.tif")).await;
        assert!(matches!(moved, Err(Error::Invalid { .. })), "{moved:?}");
        let options = UploadOptions::default();
        let written = fixture.store.upload(&uri, "new".into(), &options).await;
        written.unwrap();
        assert_eq!(std::fs::read(&link).unwrap(), b"new");
        std::fs::remove_file(&link).unwrap();
        symlink(target, &link).unwrap();
        fixture.store.delete_if_exists(&uri).await.unwrap();
        assert!(link.symlink_metadata().is_err());
    }
    assert_eq!(std::fs::read(inside).unwrap(), b"root");
    assert_eq!(std::fs::read(outside).unwrap(), b"outside");
}

#[tokio::test]
async fn a_root_may_be_a_link_and_need_not_exist() {
    let fixture = fixture();
    symlink(fixture.path("root"), fixture.path("link")).unwrap();
    let roots = [fixture.path("link"), fixture.path("nowhere")];
    let store = LocalStorage::new(AllowedRoots::Below(roots.into()));
    for name in ["link/a.tif", "root/a.tif"] {
        assert!(store.exists(&fixture.uri(name)).await.unwrap(), "{name}");
    }
    assert_denied(
        &store
            .exists(&fixture.uri("nowhere/a.tif"))
            .await
            .unwrap_err(),
    );
    let none = LocalStorage::new(AllowedRoots::Below(Vec::new()));
    assert_denied(&none.exists(&fixture.uri("root/a.tif")).await.unwrap_err());
}

#[tokio::test]
async fn folders_devices_and_pipes_are_no_files() {
    let fixture = fixture();
    let store = LocalStorage::new(AllowedRoots::All);
    let pipe = fixture.path("pipe");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    for path in [fixture.path("root"), pipe, "/dev/zero".into()] {
        let uri = Uri::parse(path.to_str().unwrap()).unwrap();
        let read = tokio::time::timeout(Duration::from_secs(5), store.read(&uri, 0..10));
        let error = read.await.expect("does not wait").unwrap_err();
        assert!(matches!(error, Error::Invalid { .. }), "{error}");
        assert!(
            store
                .upload(&uri, "x".into(), &UploadOptions::default())
                .await
                .is_err()
        );
        assert!(store.delete_if_exists(&uri).await.is_err());
    }
    for text in ["/", "/tmp/new-folder/"] {
        let written = store
            .upload(
                &Uri::parse(text).unwrap(),
                "x".into(),
                &UploadOptions::default(),
            )
            .await;
        assert!(
            matches!(written.unwrap_err(), Error::Invalid { .. }),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_created_is_not_a_missing_file() {
    let fixture = fixture();
    let written = fixture
        .store
        .upload(
            &fixture.uri("root/a.tif/b.tif"),
            "x".into(),
            &UploadOptions::default(),
        )
        .await;
    assert!(matches!(
        written.unwrap_err(),
        Error::Failed {
            operation: "write",
            ..
        }
    ));
}

#[tokio::test]
async fn an_object_is_not_looked_for_in_the_file_system() {
    let uri = Uri::parse("gs://etc/passwd").unwrap();
    let error = LocalStorage::new(AllowedRoots::All)
        .head(&uri)
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            Error::Unsupported {
                scheme: domain::Scheme::Gs,
                ..
            }
        ),
        "{error}"
    );
}

#[tokio::test]
async fn a_name_longer_than_the_file_system_takes_is_refused() {
    let fixture = fixture();
    let long = format!("root/{}", "n".repeat(300));
    for error in [
        fixture.read(&long).await.unwrap_err(),
        fixture
            .store
            .upload(&fixture.uri(&long), "x".into(), &UploadOptions::default())
            .await
            .unwrap_err(),
    ] {
        assert!(matches!(error, Error::Invalid { .. }), "{error}");
    }
}
