use super::{NewDataset, class_of, inspect};
use cog::{
    ImageLayout, ImageTags, InterlacingPattern, LevelLayout, NoTiles, Offsets, RecordLayout,
};
use domain::{
    Bands, DType, DataFormat, DataMapping, InstanceId, RecordId, StorageClass, Uri, ValueRange,
};
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

const RECORDS: usize = 150;

/// A file of many records without any stored tile.
fn mucog(path: &Path) {
    let mut tags = ImageTags::new(16, 16, 16, 16, 8);
    tags.geo.pixel_scale = vec![0.01, 0.01, 0.0];
    tags.geo.tiepoints = vec![0.0, 0.0, 0.0, 3.0, 45.0, 0.0];
    // geographic, pixels are areas, WGS 84
    tags.geo.keys = vec![1, 1, 0, 3, 1024, 0, 1, 2, 1025, 0, 1, 1, 2048, 0, 1, 4326];
    let record = RecordLayout {
        levels: vec![LevelLayout {
            image: ImageLayout {
                tags,
                lengths: vec![0],
            },
            masks: Vec::new(),
        }],
        first_tile: (0, 0),
    };
    let pattern = InterlacingPattern::parse("Z>T>R>B").unwrap();
    let mut bytes = Vec::new();
    let records = vec![record; RECORDS];
    cog::write_mucog(&records, &pattern, Offsets::Auto, &mut NoTiles, &mut bytes).unwrap();
    fs::write(path, bytes).unwrap();
}

fn dataset(subdir: String, band: i64) -> NewDataset {
    let format = DataFormat::try_new(DType::UInt8, 0.0, 0.0, 255.0).unwrap();
    let range = ValueRange {
        min: 0.0,
        max: 255.0,
    };
    NewDataset {
        record_id: RecordId::new(),
        instance_id: InstanceId::new(),
        subdir,
        bands: Bands::try_new(&[band]).unwrap(),
        mapping: DataMapping::try_new(format, range, 1.0).unwrap(),
    }
}

/// Descriptors of this process that lead to a file.
fn open_files(path: &Path) -> usize {
    let entries = fs::read_dir("/proc/self/fd").unwrap();
    entries
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
        .filter(|target| target == path)
        .count()
}

#[test]
fn the_sub_datasets_of_a_file_are_not_held_open_together() {
    imaging::init(&imaging::Options::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().canonicalize().unwrap().join("a.tif");
    mucog(&path);
    let uri = Uri::parse(path.to_str().unwrap()).unwrap();
    let datasets: Vec<_> = (1..=RECORDS)
        .map(|record| dataset(format!("GTIFF_DIR:{record}"), 1))
        .collect();
    let done = AtomicBool::new(false);
    let most = std::thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut most = 0;
            while !done.load(Ordering::Relaxed) {
                most = most.max(open_files(&path));
            }
            most
        });
        let indexed = inspect(&uri, &datasets);
        done.store(true, Ordering::Relaxed);
        let order: Vec<_> = indexed
            .unwrap()
            .into_iter()
            .map(|new| new.dataset.source.subdir)
            .collect();
        assert!(
            order
                .iter()
                .eq(datasets.iter().map(|dataset| &dataset.subdir))
        );
        watch.join().unwrap()
    });
    assert!(most < 10, "{most} files open at the same time");
}

#[test]
fn the_first_failure_of_a_request_is_told() {
    imaging::init(&imaging::Options::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tif");
    mucog(&path);
    let uri = Uri::parse(path.to_str().unwrap()).unwrap();
    let of = |directory: usize, band| dataset(format!("GTIFF_DIR:{directory}"), band);
    for (datasets, told) in [
        (vec![of(1, 1), of(2, 7), of(1, 9)], "GTIFF_DIR:2"),
        (vec![of(1, 1), of(2, 1), of(1, 9), of(2, 7)], "GTIFF_DIR:1"),
        (
            vec![of(1, 1), of(2, 1), of(900, 1), of(1, 9)],
            "GTIFF_DIR:900",
        ),
    ] {
        let error = inspect(&uri, &datasets).unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
    }
}

#[test]
fn a_storage_class_that_is_not_known_is_refused() {
    let uri = Uri::parse("gs://bucket/a.tif").unwrap();
    let told = |storage_class, unknown_class: Option<&str>| storage::Attributes {
        size: 1,
        version: "1".to_owned(),
        content_type: None,
        storage_class,
        unknown_class: unknown_class.map(str::to_owned),
        last_modified: None,
    };
    let archived = class_of(&uri, told(Some(StorageClass::Archive), None));
    assert_eq!(archived.unwrap(), StorageClass::Archive);
    let none = class_of(&uri, told(None, None));
    assert_eq!(none.unwrap(), StorageClass::Standard);
    let refused = class_of(&uri, told(None, Some("FROZEN"))).unwrap_err();
    assert!(matches!(refused, domain::Error::Invalid(_)));
    let text = "Invalid storage class of gs://bucket/a.tif: FROZEN, expected";
    assert!(refused.to_string().starts_with(text), "{refused}");
}
