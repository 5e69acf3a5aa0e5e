use super::OrderFiles;
use crate::PathPolicy;
use domain::job::ConsolidationOrder;
use domain::job::payload::{OrderDataset, OrderRecord, TargetContainer};
use domain::{
    Bands, DType, DataFormat, DataMapping, DatasetSource, GeoTransform, Instant, JobId, RecordId,
    Resampling, Size, StorageClass, TaskId, Uri,
};
use std::collections::BTreeMap;

fn uri(text: &str) -> Uri {
    Uri::parse(text).unwrap()
}

/// An order that makes `target` of one source.
pub(in crate::worker) fn order(target: &str, source: &str, subdir: &str) -> ConsolidationOrder {
    let format = DataFormat::try_new(DType::UInt8, 0.0, 1.0, 255.0).unwrap();
    let mapping = DataMapping::identity(format);
    let source = DatasetSource {
        uri: uri(source),
        subdir: subdir.to_owned(),
        bands: Bands::first(1),
        mapping,
    };
    ConsolidationOrder {
        job_id: JobId::new(),
        task_id: TaskId::new(),
        attempt: 1,
        records: vec![OrderRecord {
            id: RecordId::new(),
            date_time: Instant::from_timestamp(0, 0).unwrap(),
            valid_shape: None,
            datasets: vec![OrderDataset {
                source,
                overviews: true,
            }],
        }],
        container: TargetContainer {
            uri: uri(target),
            mapping,
            crs: "EPSG:32632".to_owned(),
            transform: GeoTransform::north_up(0.0, 100.0, 10.0),
            size: Size::try_new(256, 256).unwrap(),
            cutline: String::new(),
            bands_count: 1,
            block_x_size: 256,
            block_y_size: 256,
            interlacing_pattern: String::new(),
            overviews_min_size: -1,
            resampling: Resampling::Near,
            overview_resampling: Resampling::Near,
            optimize_extent: false,
            creation_params: BTreeMap::new(),
            storage_class: StorageClass::Standard,
        },
    }
}

#[test]
fn the_file_of_an_order_lies_below_its_place() {
    for (root, target, allowed) in [
        (None, "/etc/passwd", true),
        (Some("/data"), "/data/layout/x.tif", true),
        (Some("/data/"), "/data/x.tif", true),
        (Some("/data"), "/data", false),
        (Some("/data"), "/database/x.tif", false),
        (Some("/data"), "/etc/passwd", false),
        (Some("/data"), "gs://data/x.tif", false),
        (Some("gs://bucket/data"), "gs://bucket/data/x.tif", true),
        (Some("gs://bucket/data"), "gs://other/data/x.tif", false),
        (Some("gs://bucket/data"), "/bucket/data/x.tif", false),
    ] {
        let files = OrderFiles {
            target_root: root.map(uri),
            sources: None,
        };
        let answer = files.check_target(&order(target, "/a.tif", ""));
        assert_eq!(answer.is_ok(), allowed, "{root:?} {target}: {answer:?}");
        if let Err(error) = answer {
            let text = error.to_string();
            assert!(
                text.contains("flag ingestionStorage") && text.contains(target),
                "{text}"
            );
        }
    }
}

#[test]
fn every_source_of_an_order_has_to_be_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::create_dir(path("in")).unwrap();
    std::fs::write(path("out.tif"), b"").unwrap();
    std::os::unix::fs::symlink(path("out.tif"), path("in/link.tif")).unwrap();
    let below = OrderFiles {
        target_root: None,
        sources: Some(PathPolicy {
            allowed: vec![path("in").into()],
            ..PathPolicy::default()
        }),
    };
    for (source, subdir, flag) in [
        (path("in/a.tif"), "", None),
        (path("in/a.tif"), "GTIFF_DIR:2", None),
        ("gs://bucket/a.tif".to_owned(), "", None),
        (path("out.tif"), "", Some("flag allowedPaths")),
        (path("in/link.tif"), "", Some("flag allowedPaths")),
        (path("in/a.tif"), "HDF5", Some("flag allowedSubdirs")),
        (
            "gs://bucket/a.tif".to_owned(),
            "VRT",
            Some("flag allowedSubdirs"),
        ),
    ] {
        let mut order = order("/data/x.tif", &path("in/first.tif"), "");
        let second = self::order("/data/x.tif", &source, subdir);
        order.records.extend(second.records);
        let refusal = below
            .check_sources(&order)
            .err()
            .map(|error| error.to_string());
        assert_eq!(
            refusal.is_some(),
            flag.is_some(),
            "{source} {subdir}: {refusal:?}"
        );
        if let (Some(text), Some(flag)) = (refusal, flag) {
            assert!(text.contains(flag), "{text}");
        }
        assert!(OrderFiles::default().check_sources(&order).is_ok());
    }
}
