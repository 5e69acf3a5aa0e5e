//! The geometry of one cell; runs on a thread for work on pixels.

use super::Context;
use super::places::Place;
use crate::Result;
use crate::catalogue::PlacedCell;
use domain::footprint::{Project, lonlat_pieces, valid_shape};
use domain::grid::Cell;
use domain::plan::{CellPlan, CellTarget, Need, PlanDataset, plan_cell};
use domain::{Dataset, MultiPolygon, Ring};
use imaging::Crs;

/// A cell to plan.
pub(super) struct CellWork {
    pub place: Place,
    pub need: Need,
    pub inputs: Vec<PlanDataset>,
    pub reused: Vec<PlanDataset>,
}

/// The files of a cell, and what the user is told about them.
pub(super) fn plan_one(context: &Context, work: CellWork) -> Result<(CellPlan, Option<String>)> {
    let CellWork {
        place: Place {
            placed: PlacedCell { cell, crs },
            base,
        },
        need,
        inputs,
        reused,
    } = work;
    let at = CellTarget {
        job_id: context.job.id,
        target: &context.target,
        cell: &cell,
        wkt: crs.to_wkt(),
        base: &base,
        collapse: context.collapse,
    };
    let outline = cell.ring_in_crs();
    let planned = plan_cell(&at, &need, inputs, reused, |group| {
        let shapes = group
            .iter()
            .map(|input| shape_in_cell(&input.dataset, &cell, &outline, &crs));
        let shapes: Vec<MultiPolygon> = shapes.collect::<domain::Result<_>>()?;
        Ok(valid_shape(&shapes, &outline))
    })?;
    let geographic = cell.geographic_ring(&crs)?;
    let message = planned.message(&cell.uri, &geographic);
    Ok((planned, message))
}

/// Whether anything of a dataset lies in a cell.
pub(super) fn has_share(dataset: &Dataset, placed: &PlacedCell) -> domain::Result<bool> {
    let PlacedCell { cell, crs } = placed;
    let outline = cell.ring_in_crs();
    let shape = shape_in_cell(dataset, cell, &outline, crs)?;
    Ok(valid_shape(&[shape], &outline).is_some())
}

/// Shape of a dataset in the reference system of the cell.
fn shape_in_cell(
    dataset: &Dataset,
    cell: &Cell,
    outline: &Ring,
    crs: &Crs,
) -> domain::Result<MultiPolygon> {
    if dataset.srid == cell.srid && crs.is_geographic() {
        return Ok(on_every_revolution(&dataset.shape));
    }
    if dataset.srid == cell.srid {
        return Ok(dataset.shape.clone());
    }
    if dataset.srid == 0 {
        // without a known reference system it can be anywhere in the cell
        return Ok(outline.clone().into());
    }
    let own = Crs::parse(&dataset.srid.to_string()).map_err(|error| {
        error
            .as_domain()
            .unwrap_or_else(|| domain::Error::invalid(error.to_string()))
    })?;
    // in pieces: both sides of the dateline may be far apart in the plane of the cell
    let mut shape = lonlat_pieces(&dataset.shape, &own)?;
    for ring in shape.0.iter_mut().flat_map(|polygon| &mut polygon.0) {
        ring.0 = crs.from_lonlat(&ring.0)?;
    }
    Ok(shape)
}

/// A shape in longitude and latitude, with its images one revolution to the east and to the west
/// when it leaves [-180, 180]: a cell may lie on the other side of the dateline.
fn on_every_revolution(shape: &MultiPolygon) -> MultiPolygon {
    if shape.points().all(|point| point.x.abs() <= 180.0) {
        return shape.clone();
    }
    let mut images = shape.clone();
    for turn in [-360.0, 360.0] {
        let mut image = shape.clone();
        for ring in image.0.iter_mut().flat_map(|polygon| &mut polygon.0) {
            for point in &mut ring.0 {
                point.x += turn;
            }
        }
        images.0.extend(image.0);
    }
    images
}

#[cfg(test)]
mod tests {
    use super::{Crs, shape_in_cell};
    use domain::footprint::valid_shape;
    use domain::grid::Cell;
    use domain::{
        Bands, DType, DataFormat, DataMapping, Dataset, DatasetId, DatasetSource, DatasetStatus,
        GeoTransform, InstanceId, Point, RecordId, Ring, Size, Uri,
    };

    fn dataset(west: f64, east: f64) -> Dataset {
        let format = DataFormat::try_new(DType::UInt8, 0.0, 1.0, 255.0).unwrap();
        let outline = Ring::rectangle(Point::new(west, -1.0), Point::new(east, 1.0));
        Dataset {
            id: DatasetId::new(),
            record_id: RecordId::new(),
            instance_id: InstanceId::new(),
            source: DatasetSource {
                uri: Uri::parse("/a.tif").unwrap(),
                subdir: String::new(),
                bands: Bands::first(1),
                mapping: DataMapping::identity(format),
            },
            status: DatasetStatus::Active,
            overviews: false,
            shape: outline.into(),
            srid: 4326,
        }
    }

    /// West and east of what a dataset covers of a cell of 256 pixels, if anything.
    fn covered(dataset: &Dataset, epsg: i32, west: f64, resolution: f64) -> Option<(f64, f64)> {
        imaging::init(&imaging::Options::default()).unwrap();
        let top = 128.0 * resolution;
        let cell = Cell {
            uri: "0/0".to_owned(),
            crs: epsg.to_string().into(),
            srid: epsg,
            transform: GeoTransform::north_up(west, top, resolution),
            size: Size::try_new(256, 256).unwrap(),
        };
        let crs = Crs::parse(&cell.crs).unwrap();
        let outline = cell.ring_in_crs();
        let shape = shape_in_cell(dataset, &cell, &outline, &crs).unwrap();
        let (min, max) = valid_shape(&[shape], &outline)?.bounds()?;
        Some((min.x, max.x))
    }

    #[test]
    fn both_sides_of_the_dateline_are_covered() {
        let near = |found: Option<(f64, f64)>, west: f64, east: f64, tolerance: f64| {
            let (min, max) = found.unwrap();
            let close = (min - west).abs() < tolerance && (max - east).abs() < tolerance;
            assert!(close, "{min} {max}, expected {west} {east}");
        };
        let metres = |longitude: f64| longitude / 180.0 * 20_037_508.342_789_244;
        for dataset in [dataset(178.0, 182.0), dataset(-182.0, -178.0)] {
            // the whole cell, as far as there are longitudes
            near(
                covered(&dataset, 3857, -19_968_000.0, 1000.0),
                -19_968_000.0,
                metres(-178.0),
                1.0,
            );
            near(
                covered(&dataset, 3857, 19_712_000.0, 1000.0),
                metres(178.0),
                19_968_000.0,
                1.0,
            );
            near(covered(&dataset, 4326, -180.0, 0.01), -180.0, -178.0, 1e-9);
            near(covered(&dataset, 4326, 177.44, 0.01), 178.0, 180.0, 1e-9);
            assert_eq!(covered(&dataset, 4326, 0.0, 0.01), None);
            assert_eq!(covered(&dataset, 3857, 0.0, 1000.0), None);
        }
    }
}
