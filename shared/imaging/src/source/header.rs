//! Headers of TIFF files, each parsed once for each version of its file.

use crate::{error::of_store, file::OpenFile, local::LocalFile, remote::RemoteFile};
use domain::Uri;
use quick_cache::{
    DefaultHashBuilder, OptionsBuilder, Weighter,
    sync::{Cache, DefaultLifecycle},
};
use std::{
    fs::Metadata,
    os::unix::fs::MetadataExt,
    sync::{Arc, LazyLock},
    time::{Duration, SystemTime},
};

/// Bytes of headers kept unless [`set_capacity`] says otherwise.
pub(crate) const CAPACITY: u64 = 64 << 20;

/// Headers expected in the cache; it grows when there are more.
const EXPECTED: usize = 1024;

/// Changes of a file within this time may have the same time stamp: a file that changed just now is parsed each time.
const SETTLED: Duration = Duration::from_secs(2);

/// A version of a file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    uri: Uri,
    version: Version,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Version {
    /// Device, inode, size, times of the last change of content and of the file.
    Local([u64; 7]),
    /// Generation or entity tag.
    Remote(String),
}

#[derive(Clone)]
struct Bytes;

impl Weighter<Key, Arc<cog::File>> for Bytes {
    fn weight(&self, key: &Key, header: &Arc<cog::File>) -> u64 {
        (size_of::<Key>() + key.uri.as_str().len() + header.bytes_held()) as u64
    }
}

static HEADERS: LazyLock<Cache<Key, Arc<cog::File>, Bytes>> = LazyLock::new(|| {
    let options = OptionsBuilder::new()
        // A shard would only hold its share: one header may be as large as the cache.
        .shards(1)
        .estimated_items_capacity(EXPECTED)
        .weight_capacity(CAPACITY)
        .build()
        .expect("all that is needed is given");
    Cache::with_options(
        options,
        Bytes,
        DefaultHashBuilder::default(),
        DefaultLifecycle::default(),
    )
});

/// Bounds the memory of the headers kept.
pub(crate) fn set_capacity(bytes: u64) {
    HEADERS.set_capacity(bytes);
}

/// A file opened for reading, and its header unless it is no TIFF file that can be parsed here.
pub(super) struct Opened {
    pub(super) file: OpenFile,
    pub(super) header: Option<Arc<cog::File>>,
}

/// Opens a file; `None` for an object where there is no store. Headers that cannot be parsed are not kept. Threads
/// that ask for one file at the same time wait for the first of them.
///
/// # Errors
/// What a store or the system says, and a local file that may not be read, or is no regular one.
pub(super) fn open(uri: &Uri) -> storage::Result<Option<Opened>> {
    open_at(uri, SystemTime::now())
}

fn open_at(uri: &Uri, now: SystemTime) -> storage::Result<Option<Opened>> {
    let (file, version) = if uri.local_path().is_none() {
        let Some(file) = RemoteFile::open(uri).transpose()? else {
            return Ok(None);
        };
        let version = Version::Remote(file.version().to_owned());
        (OpenFile::Remote(file), Some(version))
    } else {
        let (file, metadata) = LocalFile::open(uri)?;
        let version = is_settled(&metadata, now);
        let version = version.then(|| Version::Local(self::version(&metadata)));
        (OpenFile::Local(file), version)
    };
    let parse = || cog::File::read(&file).map(Arc::new);
    let parsed = match version {
        Some(version) => {
            let uri = uri.clone();
            HEADERS.get_or_insert_with(&Key { uri, version }, parse)
        }
        None => parse(),
    };
    let header = match parsed.map_err(of_store) {
        Ok(header) => Some(header),
        Err(Ok(failed)) => return Err(failed),
        Err(Err(error)) => {
            tracing::debug!(%uri, %error, "left to GDAL");
            None
        }
    };
    Ok(Some(Opened { file, header }))
}

fn is_settled(metadata: &Metadata, now: SystemTime) -> bool {
    let seconds = u64::try_from(metadata.ctime()).unwrap_or_default();
    let changed = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    // In the future for a clock that was set back: nobody knows then.
    now.duration_since(changed).is_ok_and(|age| age > SETTLED)
}

fn version(metadata: &Metadata) -> [u64; 7] {
    [
        metadata.dev(),
        metadata.ino(),
        metadata.len(),
        metadata.mtime() as u64,
        metadata.mtime_nsec() as u64,
        metadata.ctime() as u64,
        metadata.ctime_nsec() as u64,
    ]
}

#[cfg(test)]
mod tests {
    use domain::Uri;
    use std::{
        fs,
        path::Path,
        sync::Arc,
        time::{Duration, SystemTime},
    };

    /// A file that is all tile: one sparse block.
    fn tiff(side: u32) -> Vec<u8> {
        let tags = cog::ImageTags::new(side, side, 16, 16, 8);
        let lengths = vec![0; tags.block_count() as usize];
        let image = cog::ImageLayout { tags, lengths };
        let record = cog::RecordLayout {
            levels: vec![cog::LevelLayout {
                image,
                masks: Vec::new(),
            }],
            first_tile: (0, 0),
        };
        let mut out = Vec::new();
        cog::write_cog(&record, cog::Offsets::Auto, &mut cog::NoTiles, &mut out).unwrap();
        out
    }

    fn header_at(uri: &Uri, now: SystemTime) -> Option<Arc<cog::File>> {
        super::open_at(uri, now).unwrap()?.header
    }

    fn header(uri: &Uri) -> Option<Arc<cog::File>> {
        header_at(uri, SystemTime::now())
    }

    fn uri(path: &Path) -> Uri {
        Uri::parse(path.to_str().unwrap()).unwrap()
    }

    #[test]
    fn a_header_is_parsed_once_for_each_version_of_a_settled_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tif");
        fs::write(&path, tiff(16)).unwrap();
        let changed = fs::metadata(&path).unwrap().modified().unwrap();
        let of = |path: &Path, now| header_at(&uri(path), now).unwrap();
        let now = |path: &Path| of(path, changed);
        assert!(
            !Arc::ptr_eq(&now(&path), &now(&path)),
            "it changed just now"
        );
        let later = |path: &Path| of(path, changed + Duration::from_secs(4));
        let first = later(&path);
        assert!(Arc::ptr_eq(&first, &later(&path)));
        // The same length, in place: only the times tell.
        let written = fs::File::options().write(true).open(&path).unwrap();
        std::io::Write::write_all(&mut &written, &tiff(16)).unwrap();
        written
            .set_modified(changed + Duration::from_secs(1))
            .unwrap();
        assert!(!Arc::ptr_eq(&first, &later(&path)));
    }

    #[test]
    fn what_cannot_be_parsed_is_asked_for_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tif");
        fs::write(&path, b"II*\0 and nothing behind").unwrap();
        let text = uri(&path);
        assert!(header(&text).is_none());
        fs::write(&path, tiff(32)).unwrap();
        assert_eq!(header(&text).unwrap().records[0].main().tags.width, 32);
    }

    #[test]
    fn folders_pipes_and_objects_are_not_opened() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        for path in [&pipe, folder.path(), &folder.path().join("absent")] {
            assert!(super::open(&uri(path)).is_err(), "{}", path.display());
        }
        let object = super::open(&Uri::parse("gs://bucket/a.tif").unwrap());
        assert!(object.unwrap().is_none());
    }
}
