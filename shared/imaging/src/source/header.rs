//! Headers of TIFF files, each parsed once for each version of its file.

use crate::{error::of_store, remote::RemoteFile};
use cog::ReadAt;
use domain::Uri;
use quick_cache::{
    DefaultHashBuilder, OptionsBuilder, Weighter,
    sync::{Cache, DefaultLifecycle},
};
use std::{
    fs::{self, File, Metadata},
    io,
    os::unix::fs::MetadataExt,
    path::Path,
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

/// The bytes of a file, opened for reading.
pub(super) enum Content {
    Local(File),
    Remote(RemoteFile),
}

impl ReadAt for Content {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        match self {
            Self::Local(file) => file.read_at(offset, buf),
            Self::Remote(file) => file.read_at(offset, buf),
        }
    }

    fn len(&self) -> u64 {
        match self {
            Self::Local(file) => file.len(),
            Self::Remote(file) => file.len(),
        }
    }
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
    pub(super) content: Content,
    pub(super) header: Option<Arc<cog::File>>,
}

impl Opened {
    /// The version of the object that is open, for all who read it.
    pub(super) fn remote(&self) -> Option<&RemoteFile> {
        match &self.content {
            Content::Remote(file) => Some(file),
            Content::Local(_) => None,
        }
    }
}

/// Opens a file; `None` for what is no regular file, or an object where there is no store. Headers that cannot be
/// parsed are not kept. Threads that ask for one file at the same time wait for the first of them.
///
/// # Errors
/// What a store says: it says nothing about the file, so that nobody else need be asked.
pub(super) fn open(uri: &Uri) -> storage::Result<Option<Opened>> {
    let (content, version) = if let Some(path) = uri.local_path() {
        let Some((file, metadata)) = open_regular(path) else {
            return Ok(None);
        };
        let version = is_settled(&metadata).then(|| Version::Local(version(&metadata)));
        (Content::Local(file), version)
    } else {
        let Some(file) = RemoteFile::open(uri).transpose()? else {
            return Ok(None);
        };
        let version = Version::Remote(file.version().to_owned());
        (Content::Remote(file), Some(version))
    };
    let parse = || cog::File::read(&content).map(Arc::new);
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
    Ok(Some(Opened { content, header }))
}

fn open_regular(path: &Path) -> Option<(File, Metadata)> {
    // Before opening: that of a pipe would wait for a writer.
    fs::metadata(path).ok().filter(Metadata::is_file)?;
    let file = File::open(path).ok()?;
    let metadata = file.metadata().ok()?;
    Some((file, metadata))
}

fn is_settled(metadata: &Metadata) -> bool {
    let seconds = u64::try_from(metadata.ctime()).unwrap_or_default();
    let changed = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    // In the future for a clock that was set back: nobody knows then.
    SystemTime::now()
        .duration_since(changed)
        .is_ok_and(|age| age > SETTLED)
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
    use super::Opened;
    use domain::Uri;
    use std::{fs, path::Path, sync::Arc, time::Duration};

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

    fn open(uri: &Uri) -> Option<Opened> {
        super::open(uri).unwrap()
    }

    fn header(uri: &Uri) -> Option<Arc<cog::File>> {
        open(uri)?.header
    }

    fn uri(path: &Path) -> Uri {
        Uri::parse(path.to_str().unwrap()).unwrap()
    }

    #[test]
    fn a_header_is_parsed_once_for_each_version_of_a_settled_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tif");
        fs::write(&path, tiff(16)).unwrap();
        let of = |path: &Path| header(&uri(path)).unwrap();
        assert!(!Arc::ptr_eq(&of(&path), &of(&path)), "it changed just now");
        std::thread::sleep(Duration::from_millis(3100));
        let first = of(&path);
        assert!(Arc::ptr_eq(&first, &of(&path)));
        // The same length, in place: only the times tell.
        fs::write(&path, tiff(16)).unwrap();
        assert!(!Arc::ptr_eq(&first, &of(&path)));
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
        assert!(open(&uri(&pipe)).is_none());
        assert!(open(&uri(folder.path())).is_none());
        assert!(open(&uri(&folder.path().join("absent"))).is_none());
        assert!(open(&Uri::parse("gs://bucket/a.tif").unwrap()).is_none());
    }
}
