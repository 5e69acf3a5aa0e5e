use super::CopySpace;
use domain::{Bands, DType, DataFormat, DataMapping, DatasetSource, Scheme, Uri};
use imaging::Outages;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use storage::{Counting, MemoryStorage, Router, Storage, UploadOptions};

fn source(uri: &str) -> DatasetSource {
    let format = DataFormat::try_new(DType::UInt8, 0.0, 0.0, 255.0).unwrap();
    DatasetSource {
        uri: Uri::parse(uri).unwrap(),
        subdir: String::new(),
        bands: Bands::try_new(&[1]).unwrap(),
        mapping: DataMapping::identity(format),
    }
}

/// A store that holds `a` (3 bytes) and `b` (2 MiB), and room for some bytes of copies below a folder.
async fn space(folder: &Path, bytes: u64) -> (CopySpace, Arc<Counting<Router>>) {
    let memory = MemoryStorage::new();
    for (name, content) in [("a", vec![1; 3]), ("b", vec![2; 2 << 20])] {
        let uri = Uri::parse(format!("gs://bucket/{name}")).unwrap();
        let options = UploadOptions::default();
        memory.upload(&uri, content.into(), &options).await.unwrap();
    }
    let store = Arc::new(Counting::new(
        Router::new().with(Scheme::Gs, Arc::new(memory)),
    ));
    let space = CopySpace::open(store.clone(), folder, bytes).unwrap();
    (space, store)
}

/// The folders of the cubes of all processes.
fn cubes(folder: &Path) -> Vec<PathBuf> {
    let folders = |path: &Path| {
        let entries = std::fs::read_dir(path).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        paths.filter(|path| path.is_dir()).collect::<Vec<_>>()
    };
    let processes = folders(&folder.read_dir().unwrap().next().unwrap().unwrap().path());
    processes.iter().flat_map(|path| folders(path)).collect()
}

/// Folders are removed on another thread.
async fn soon(what: impl Fn() -> bool) -> bool {
    for _ in 0..100 {
        if what() {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    false
}

fn files(folder: &Path) -> usize {
    let of_cube = |cube: &PathBuf| std::fs::read_dir(cube).map_or(0, Iterator::count);
    cubes(folder).iter().map(of_cube).sum()
}

#[tokio::test]
async fn a_file_is_fetched_once_and_removed_after_its_last_slice() {
    let folder = tempfile::tempdir().unwrap();
    let (space, store) = space(folder.path(), 64 << 20).await;
    let first = [
        source("gs://bucket/a"),
        source("gs://bucket/b"),
        source("gs://bucket/a"),
    ];
    let second = [source("/local.tif"), source("gs://bucket/b")];
    let copies = Arc::new(space.copies([&first[..], &second[..]].into_iter()).unwrap());
    let one = copies.fetch(&first, &Outages::default()).await;
    assert!(
        one.sources
            .iter()
            .all(|source| source.uri.scheme() == Scheme::File)
    );
    assert_eq!(one.sources[0].uri, one.sources[2].uri);
    let path = one.sources[0].uri.local_path().unwrap();
    assert_eq!(std::fs::read(path).unwrap(), [1; 3]);
    assert_eq!(files(folder.path()), 2);
    drop(one);
    assert_eq!(files(folder.path()), 1, "the second slice needs b");
    assert_eq!(store.take().len(), 2);
    let two = copies.fetch(&second, &Outages::default()).await;
    assert_eq!(two.sources[0].uri.as_str(), "/local.tif");
    assert!(store.take().is_empty(), "b was there");
    drop(two);
    assert_eq!(files(folder.path()), 0);
    drop(copies);
    assert!(soon(|| cubes(folder.path()).is_empty()).await);
}

#[tokio::test]
async fn what_is_missing_or_has_no_room_is_read_in_place() {
    let folder = tempfile::tempdir().unwrap();
    let (space, _) = space(folder.path(), 2 << 20).await;
    let sources = [
        source("gs://bucket/b"),
        source("gs://bucket/absent"),
        source("gs://bucket/a"),
    ];
    let copies = Arc::new(space.copies([&sources[..]].into_iter()).unwrap());
    let local = copies.fetch(&sources[..2], &Outages::default()).await;
    assert_eq!(local.sources[0].uri.scheme(), Scheme::File);
    assert_eq!(local.sources[1].uri, sources[1].uri);
    let full = copies.fetch(&sources[2..], &Outages::default()).await;
    assert_eq!(full.sources[0].uri, sources[2].uri, "b takes all the room");
    drop(local);
    let again = Arc::new(space.copies([&sources[2..]].into_iter()).unwrap());
    let local = again.fetch(&sources[2..], &Outages::default()).await;
    assert_eq!(
        local.sources[0].uri.scheme(),
        Scheme::File,
        "b gave its room back"
    );
}

#[tokio::test]
async fn copies_of_a_cube_that_is_given_up_are_removed() {
    let folder = tempfile::tempdir().unwrap();
    let (space, _) = space(folder.path(), 64 << 20).await;
    let sources = [source("gs://bucket/a")];
    let slices = [&sources[..], &sources[..]];
    let copies = Arc::new(space.copies(slices.into_iter()).unwrap());
    drop(copies.fetch(&sources, &Outages::default()).await);
    assert_eq!(files(folder.path()), 1, "a second slice is to come");
    drop(copies);
    assert!(soon(|| files(folder.path()) == 0).await);
}
