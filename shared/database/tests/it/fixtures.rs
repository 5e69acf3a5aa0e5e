//! Small things to store.

use database::{
    PgConnection, aoi, container, dataset, dataset::NewDataset, instance, record, variable,
};
use domain::{
    AoiGeometry, AoiId, Bands, DType, DataFormat, DataMapping, Dataset, DatasetId, DatasetSource,
    DatasetStatus, InstanceId, Instant, Metadata, MultiPolygon, NewRecord, NewVariable, Point,
    RecordId, Resampling, Ring, StorageClass, Tags, Uri, VariableId,
};
use std::collections::BTreeMap;

pub fn square(x: f64, y: f64, side: f64) -> MultiPolygon {
    Ring::rectangle(Point::new(x, y), Point::new(x + side, y + side)).into()
}

pub fn geometry(x: f64, y: f64, side: f64) -> AoiGeometry {
    AoiGeometry::try_new(square(x, y, side), 100).unwrap()
}

/// Noon of a day of 2020, from 1.
pub fn day(number: i64) -> Instant {
    Instant::from_timestamp(1_577_836_800 + (number - 1) * 86_400, 0).unwrap()
}

pub fn tags(pairs: &[(&str, &str)]) -> Tags {
    Tags::try_new(map(pairs)).unwrap()
}

pub fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

pub fn new_record(name: &str, time: Instant, pairs: &[(&str, &str)], aoi: AoiId) -> NewRecord {
    NewRecord::try_new(name.to_owned(), time, tags(pairs), aoi).unwrap()
}

pub async fn one_record(
    conn: &mut PgConnection,
    name: &str,
    time: Instant,
    aoi: AoiId,
) -> RecordId {
    record::create(conn, &[new_record(name, time, &[], aoi)])
        .await
        .unwrap()[0]
}

pub async fn one_aoi(conn: &mut PgConnection) -> AoiId {
    aoi::create(conn, &geometry(0.0, 0.0, 1.0)).await.unwrap()
}

pub fn new_variable(name: &str) -> NewVariable {
    NewVariable {
        name: name.to_owned(),
        unit: "m".to_owned(),
        description: "d".to_owned(),
        format: DataFormat::try_new(DType::Float32, f64::NAN, 0.0, 1.0).unwrap(),
        bands: vec!["b".to_owned()],
        palette: None,
        resampling: Resampling::Bilinear,
    }
}

pub async fn one_instance(conn: &mut PgConnection, name: &str) -> (VariableId, InstanceId) {
    let variable = variable::create(conn, &new_variable(name)).await.unwrap();
    let instance = instance::create(conn, variable, "master", &Metadata::new())
        .await
        .unwrap();
    (variable, instance)
}

pub fn uri(text: &str) -> Uri {
    Uri::parse(text).unwrap()
}

/// A dataset of 1 degree at (x, y), visible, in EPSG:4326.
pub fn dataset_at(
    file: &str,
    record: RecordId,
    instance: InstanceId,
    x: f64,
    y: f64,
) -> NewDataset {
    let area = square(x, y, 1.0);
    let format = DataFormat::try_new(DType::Int8, f64::NAN, -100.0, 100.0).unwrap();
    NewDataset {
        dataset: Dataset {
            id: DatasetId::new(),
            record_id: record,
            instance_id: instance,
            source: DatasetSource {
                uri: uri(file),
                subdir: "GTIFF_DIR:2".to_owned(),
                bands: Bands::try_new(&[2, 1]).unwrap(),
                mapping: DataMapping::identity(format),
            },
            status: DatasetStatus::Active,
            overviews: true,
            shape: area.clone(),
            srid: 4326,
        },
        geom: area.clone(),
        geog: area,
    }
}

/// Stores datasets with their containers.
pub async fn store(conn: &mut PgConnection, datasets: &[NewDataset]) {
    for new in datasets {
        container::lock_or_create(conn, &new.dataset.source.uri, false, StorageClass::Standard)
            .await
            .unwrap();
    }
    dataset::insert(conn, datasets).await.unwrap();
}

/// A bound of a search.
pub fn at_most(datasets: u32) -> dataset::Bound {
    dataset::Bound::of(datasets, "some flag")
}

/// The text of a domain error.
pub fn refusal<T: std::fmt::Debug>(result: database::Result<T>) -> domain::Error {
    match result {
        Err(database::Error::Domain(error)) => error,
        other => panic!("expected an error of the caller, found {other:?}"),
    }
}
