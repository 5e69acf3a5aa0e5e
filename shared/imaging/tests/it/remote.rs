//! Files of an object store: the same pixels as local ones, for as few requests as can be.

use crate::scene::{Look, Scene, pattern, plain, render, source, target, values};
use domain::{Bands, DType, DatasetSource, Resampling, Uri};
use imaging::{FileInfo, Reads, inspect, read_remote_files};
use std::{path::Path, sync::Arc, time::Duration};
use storage::{CacheOptions, Cached, Counting, MemoryStorage, Storage, UploadOptions};

const GRID: [f64; 6] = [500_000.0, 10.0, 0.0, 5_000_000.0, 0.0, -10.0];
const TILED: &[&str] = &[
    "COMPRESS=ZSTD",
    "TILED=YES",
    "BLOCKXSIZE=64",
    "BLOCKYSIZE=64",
];

/// A bucket in memory whose reads are counted, and the runtime that serves it.
struct Bucket {
    store: Arc<Counting<MemoryStorage>>,
    runtime: tokio::runtime::Runtime,
}

impl Bucket {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .build()
            .unwrap();
        let store = Arc::new(Counting::new(MemoryStorage::new()));
        let options = CacheOptions {
            block: 1 << 20,
            capacity: 64 << 20,
            fresh: Duration::from_mins(1),
        };
        let cached = Cached::new(Arc::clone(&store) as Arc<dyn Storage>, options);
        read_remote_files(cached, runtime.handle().clone());
        Self { store, runtime }
    }

    fn put(&self, name: &str, file: &Path) -> Uri {
        let uri = Uri::parse(format!("gs://bucket/{name}")).unwrap();
        let options = UploadOptions::default();
        let upload = self.store.upload_file(&uri, file, &options);
        self.runtime.block_on(upload).unwrap();
        uri
    }

    /// Requests since the last call, questions for the size included; all must be for `uri`.
    fn requests(&self, uri: &Uri) -> u64 {
        let counts = self.store.take();
        assert!(counts.keys().all(|asked| asked == uri), "{counts:?}");
        counts.values().map(|count| count.calls + count.heads).sum()
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

// One test: the store is that of the process.
#[test]
fn remote_files_are_read_as_local_ones_by_two_requests_cold_and_none_warm() {
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

    // by GDAL, which looks for nothing beside the file
    let info = look_at(&uri).unwrap();
    assert_eq!(info.size, look_at(&local.uri).unwrap().size);
    assert_eq!(bucket.requests(&uri), 2, "cold");
    assert_eq!(pixels(&remote), pixels(&local));
    assert_eq!(pixels(&remote).1, direct);
    look_at(&uri).unwrap();
    assert_eq!(bucket.requests(&uri), 0, "warm");

    // by the fast path from the start
    let uri = bucket.put("second.tif", &file);
    assert_eq!(pixels(&moved(&local, &uri)), pixels(&local));
    assert_eq!(bucket.requests(&uri), 2, "cold");

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
    assert!(bucket.requests(&uri) <= 2);

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
    assert!(bucket.requests(&trick) <= 2, "nothing else is looked at");
    // and GDAL does not find by itself what was read before
    assert!(gdal::Dataset::open("/vsigeocube/gs://bucket/second.tif").is_err());
}
