//! Files of an object store: the same pixels as local ones, for as few requests as can be.

mod ahead;
mod jpeg2000;
mod moody;
mod referring;
mod reused;

use crate::scene::{Look, Scene, pattern, plain, render, source, target, values};
use domain::{Bands, DType, DatasetSource, Resampling, Uri};
use imaging::{FileInfo, Reads, inspect, set_remote_store};
use moody::Moody;
use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use storage::{CacheOptions, Cached, Storage, UploadOptions};

const GRID: [f64; 6] = [500_000.0, 10.0, 0.0, 5_000_000.0, 0.0, -10.0];
const TILED: &[&str] = &[
    "COMPRESS=ZSTD",
    "TILED=YES",
    "BLOCKXSIZE=64",
    "BLOCKYSIZE=64",
];
const MIB: u64 = 1 << 20;

/// The store is that of the process: one test at a time.
static TURN: Mutex<()> = Mutex::new(());

/// A bucket in memory whose reads are counted, and the runtime that serves it.
struct Bucket {
    store: Arc<Moody>,
    runtime: tokio::runtime::Runtime,
    _turn: MutexGuard<'static, ()>,
}

impl Bucket {
    fn new() -> Self {
        Self::with(MIB, Duration::from_mins(1))
    }

    fn with(block: u64, fresh: Duration) -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_time()
            .build()
            .unwrap();
        let store = Arc::new(Moody::default());
        let options = CacheOptions {
            block,
            capacity: 64 * MIB,
            fresh,
        };
        let cached = Cached::new(Arc::clone(&store) as Arc<dyn Storage>, options);
        set_remote_store(cached, runtime.handle().clone());
        Self {
            store,
            runtime,
            _turn: turn,
        }
    }

    fn put(&self, name: &str, file: &Path) -> Uri {
        let uri = Uri::parse(format!("gs://bucket/{name}")).unwrap();
        self.replace(&uri, file);
        uri
    }

    fn replace(&self, uri: &Uri, file: &Path) {
        let options = UploadOptions::default();
        let upload = self.store.upload_file(uri, file, &options);
        self.runtime.block_on(upload).unwrap();
    }

    /// Requests since the last call, questions for the size included; all must be for `uri`.
    fn requests(&self, uri: &Uri) -> u64 {
        let counts = self.store.take();
        assert!(counts.iter().all(|(asked, _)| asked == uri), "{counts:?}");
        counts.len() as u64
    }
}

fn look_at(uri: &Uri) -> imaging::Result<FileInfo> {
    inspect(uri, "", &Bands::first(1))
}

fn moved(local: &DatasetSource, uri: &Uri) -> DatasetSource {
    DatasetSource {
        uri: uri.clone(),
        ..local.clone()
    }
}

#[test]
fn remote_files_are_read_as_local_ones_by_one_request_cold_and_none_warm() {
    let scene = Scene::new();
    let bucket = Bucket::new();
    let mapping = plain(DType::UInt16, 0.0);
    let look = Look {
        dtype: DType::UInt16,
        size: (200, 180),
        options: TILED,
        ..Look::default()
    };
    let file = scene.raster("plain.tif", look, pattern);
    let local = source(&file, &[1], mapping);
    let uri = bucket.put("dir with space/plain.tif", &file);
    let remote = moved(&local, &uri);
    let grid = target(32632, GRID, 150, 150);
    let pixels = |source: &DatasetSource| {
        let image = render(
            std::slice::from_ref(source),
            &grid,
            &mapping,
            Resampling::Near,
        );
        (values(&image), image.reads())
    };
    let direct = Reads {
        direct: 1,
        library: 0,
    };

    // by GDAL for the first of its kind, which looks for nothing beside the file
    let info = look_at(&uri).unwrap();
    assert_eq!(
        format!("{info:?}"),
        format!("{:?}", look_at(&local.uri).unwrap())
    );
    assert_eq!(bucket.requests(&uri), 1, "cold");
    assert_eq!(pixels(&remote), pixels(&local));
    assert_eq!(pixels(&remote).1, direct);
    look_at(&uri).unwrap();
    assert_eq!(bucket.requests(&uri), 0, "warm");

    // by the fast path from the start
    let uri = bucket.put("second.tif", &file);
    assert_eq!(pixels(&moved(&local, &uri)), pixels(&local));
    assert_eq!(bucket.requests(&uri), 1, "cold");

    // a format that only GDAL reads, in a sub-dataset of its own
    let coded = Look {
        dtype: DType::UInt8,
        size: (200, 180),
        options: &["COMPRESS=LZMA"],
        ..Look::default()
    };
    let file = scene.raster("coded.tif", coded, pattern);
    let bytes = plain(DType::UInt8, 0.0);
    let local = DatasetSource {
        subdir: "GTIFF_DIR:1".to_owned(),
        ..source(&file, &[1], bytes)
    };
    let uri = bucket.put("coded.tif", &file);
    let by_library = |source: &DatasetSource| {
        let image = render(
            std::slice::from_ref(source),
            &grid,
            &bytes,
            Resampling::Near,
        );
        assert_eq!(image.reads().library, 1);
        values(&image)
    };
    assert_eq!(by_library(&moved(&local, &uri)), by_library(&local));
    assert_eq!(bucket.requests(&uri), 1);

    // what is missing says so, and is asked for again
    let missing = Uri::parse("gs://bucket/missing.tif").unwrap();
    for _ in 0..2 {
        assert_eq!(
            look_at(&missing).unwrap_err().to_string(),
            "gs://bucket/missing.tif cannot be opened: gs://bucket/missing.tif does not exist"
        );
    }

    // a file that refers elsewhere is of no accepted format
    let vrt = scene.path("trick.tif");
    std::fs::write(
        &vrt,
        "<VRTDataset rasterXSize=\"1\" rasterYSize=\"1\"><VRTRasterBand dataType=\"Byte\" band=\"1\">\
         <SimpleSource><SourceFilename>/etc/passwd</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>",
    )
    .unwrap();
    let trick = bucket.put("trick.tif", &vrt);
    bucket.store.take();
    assert!(look_at(&trick).is_err());
    assert_eq!(bucket.requests(&trick), 1, "nothing else is looked at");
    // and GDAL does not find by itself what was read before
    assert!(gdal::Dataset::open("/vsigeocube/gs://bucket/second.tif").is_err());
}

#[test]
fn what_a_store_fails_to_deliver_is_told_as_such_and_not_asked_for_by_gdal() {
    let scene = Scene::new();
    let bucket = Bucket::with(16 << 10, Duration::from_mins(1));
    let mapping = plain(DType::UInt16, 0.0);
    let look = Look {
        dtype: DType::UInt16,
        size: (400, 400),
        options: &["TILED=YES", "BLOCKXSIZE=64", "BLOCKYSIZE=64"],
        ..Look::default()
    };
    let file = scene.raster("broken.tif", look, pattern);
    let uri = bucket.put("broken.tif", &file);
    let remote = moved(&source(&file, &[1], mapping), &uri);
    let grid = |row: f64| {
        let mut transform = GRID;
        transform[3] += row * transform[5];
        target(32632, transform, 64, 64)
    };
    let merged = |source: &DatasetSource, row| {
        let (limits, sources) = (imaging::Limits::default(), std::slice::from_ref(source));
        let kernel = Resampling::Near;
        imaging::merge(sources, &grid(row), &mapping, kernel, &limits, &|| false)
    };
    let fails = |source: &DatasetSource, row| {
        bucket.store.take();
        bucket.store.set_broken(true);
        let error = merged(source, row).unwrap_err();
        bucket.store.set_broken(false);
        let uri = &source.uri;
        assert!(error.is_retryable(), "{error}");
        assert!(error.as_domain().is_none());
        assert_eq!(error.to_string(), format!("the store of {uri} failed"));
        bucket.requests(uri)
    };
    assert_eq!(fails(&remote, 0.0), 1);
    // the header is known now
    let image = merged(&remote, 0.0).unwrap();
    assert_eq!(image.reads().direct, 1);
    assert_eq!(fails(&remote, 320.0), 1);
    assert!(merged(&remote, 320.0).unwrap().any_valid());

    // the same where only GDAL reads
    let coded = Look {
        options: &[
            "COMPRESS=LZMA",
            "TILED=YES",
            "BLOCKXSIZE=64",
            "BLOCKYSIZE=64",
        ],
        ..look
    };
    let file = scene.raster("coded.tif", coded, |_, x, y| {
        ((x * 7919) ^ (y * 104_729)) as f64 % 65_000.0
    });
    let uri = bucket.put("broken-coded.tif", &file);
    let remote = moved(&source(&file, &[1], mapping), &uri);
    let image = merged(&remote, 0.0).unwrap();
    assert_eq!(image.reads().library, 1);
    assert!(fails(&remote, 320.0) > 0);
    assert!(merged(&remote, 320.0).unwrap().any_valid());
}

#[test]
fn gdal_reads_the_version_whose_header_was_read() {
    let scene = Scene::new();
    // nothing is believed without a request
    let bucket = Bucket::with(MIB, Duration::ZERO);
    let mapping = plain(DType::UInt8, 0.0);
    let look = Look {
        dtype: DType::UInt8,
        size: (150, 150),
        options: &["COMPRESS=LZMA"],
        ..Look::default()
    };
    let old = scene.raster("old.tif", look, |_, _, _| 7.0);
    let new = scene.raster("new.tif", look, |_, _, _| 9.0);
    let uri = bucket.put("version.tif", &old);
    let content = std::fs::read(&new).unwrap();
    bucket.store.replace_after_next_read(uri.clone(), content);
    let source = moved(&source(&old, &[1], mapping), &uri);
    let image = render(
        std::slice::from_ref(&source),
        &target(32632, GRID, 150, 150),
        &mapping,
        Resampling::Near,
    );
    assert_eq!(image.reads().library, 1);
    assert!(values(&image).iter().all(|value| *value == 7.0));
    let image = render(
        &[source],
        &target(32632, GRID, 150, 150),
        &mapping,
        Resampling::Near,
    );
    assert!(values(&image).iter().all(|value| *value == 9.0));
}
