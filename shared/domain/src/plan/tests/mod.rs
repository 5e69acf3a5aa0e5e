//! Tests of the planner.

mod cell;
mod elsewhere;
mod need;
mod replaced;

use super::{BaseUri, CellTarget, Need, PlanDataset, Target};
use crate::grid::Cell;
use crate::{
    Bands, Compression, ConsolidationParams, DType, DataFormat, Dataset, DatasetId, DatasetSource,
    DatasetStatus, GeoTransform, InstanceId, Instant, JobId, Layout, NewVariable, Point, RecordId,
    Resampling, Ring, Size, StorageClass, Uri,
};
use std::collections::BTreeMap;

const BASE: &str = "gs://BaseName2";
const INSTANCE: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";

fn format(dtype: DType) -> DataFormat {
    DataFormat::try_new(dtype, f64::NAN, 0.0, 1.0).unwrap()
}

fn target(max_records: u32) -> Target {
    let params = ConsolidationParams {
        format: format(DType::Float32),
        exponent: 1.0,
        resampling: Resampling::Cubic,
        compression: Compression::No,
        storage_class: StorageClass::Standard,
        creation_params: BTreeMap::new(),
    };
    let variable = NewVariable {
        name: "v".to_owned(),
        unit: String::new(),
        description: String::new(),
        format: format(DType::Float32),
        bands: ["a", "b", "c"].map(str::to_owned).to_vec(),
        palette: None,
        resampling: Resampling::Near,
    };
    let layout = Layout {
        name: "L".to_owned(),
        grid_flags: Vec::new(),
        grid_parameters: BTreeMap::new(),
        block_x_size: 256,
        block_y_size: 512,
        max_records,
        overviews_min_size: -1,
        interlacing_pattern: "Z=0>T>R>B;R>Z=1:>T>B".to_owned(),
    };
    Target::try_new(&params, &variable, &layout).unwrap()
}

fn base() -> BaseUri {
    let instance = InstanceId::parse(INSTANCE).unwrap();
    BaseUri::try_new(&uri(BASE), "L", "3/-7", instance, None).unwrap()
}

fn uri(text: &str) -> Uri {
    Uri::parse(text).unwrap()
}

/// A file directly in the folder of the cell.
fn in_group(name: &str) -> String {
    format!("{BASE}/L/3/-7/{INSTANCE}/{name}.tif")
}

fn square(origin: f64, side: f64) -> Ring {
    Ring::rectangle(
        Point::new(origin, origin),
        Point::new(origin + side, origin + side),
    )
}

/// A dataset of a record of its own, `day` days after the first.
fn dataset(file: &str, day: i64) -> PlanDataset {
    let mapping = target(1).mapping;
    PlanDataset {
        dataset: Dataset {
            id: DatasetId::new(),
            record_id: RecordId::new(),
            instance_id: InstanceId::parse(INSTANCE).unwrap(),
            source: DatasetSource {
                uri: uri(file),
                subdir: String::new(),
                bands: Bands::first(3),
                mapping,
            },
            status: DatasetStatus::Active,
            overviews: false,
            shape: square(0.0, 100.0).into(),
            srid: 32632,
        },
        record_time: Instant::from_timestamp(1_577_836_800 + day * 86_400, 500_000_000).unwrap(),
        position: day,
    }
}

fn cell() -> Cell {
    Cell {
        uri: "3/-7".to_owned(),
        crs: "epsg:32632".into(),
        srid: 32632,
        transform: GeoTransform::north_up(0.0, 100.0, 10.0),
        size: Size::try_new(10, 10).unwrap(),
    }
}

fn at<'a>(target: &'a Target, cell: &'a Cell, base: &'a BaseUri) -> CellTarget<'a> {
    CellTarget {
        job_id: JobId::new(),
        target,
        cell,
        wkt: "PROJCS[…]",
        base,
        collapse: None,
    }
}

fn needed(reuse: &[&str]) -> Need {
    Need {
        need: true,
        reuse: reuse.iter().map(|text| uri(text)).collect(),
    }
}
