//! An order of consolidation.

use domain::job::ConsolidationOrder;
use domain::job::payload::{OrderDataset, OrderRecord, TargetContainer};
use domain::{
    Bands, DType, DataFormat, DataMapping, DatasetSource, GeoTransform, Instant, JobId, RecordId,
    Resampling, Size, StorageClass, TaskId, Uri,
};
use std::collections::BTreeMap;

/// The order of a task, of one image that does not exist.
///
/// # Panics
/// Never: its parts are valid.
pub fn order(job_id: JobId, task_id: TaskId) -> ConsolidationOrder {
    let format = DataFormat::try_new(DType::UInt8, 0.0, 1.0, 255.0).expect("a valid format");
    let mapping = DataMapping::identity(format);
    let uri = |text: &str| Uri::parse(text).expect("a valid URI");
    let source = DatasetSource {
        uri: uri("/data/a.tif"),
        subdir: String::new(),
        bands: Bands::first(1),
        mapping,
    };
    let record = OrderRecord {
        id: RecordId::new(),
        date_time: Instant::from_timestamp(1_577_836_800, 0).expect("a valid time"),
        valid_shape: None,
        datasets: vec![OrderDataset {
            source,
            overviews: true,
        }],
    };
    let container = TargetContainer {
        uri: uri("/data/layout/x.tif"),
        mapping,
        crs: "EPSG:32632".to_owned(),
        transform: GeoTransform::north_up(0.0, 100.0, 10.0),
        size: Size::try_new(256, 256).expect("a valid size"),
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
    };
    ConsolidationOrder {
        job_id,
        task_id,
        attempt: 1,
        records: vec![record],
        container,
    }
}
