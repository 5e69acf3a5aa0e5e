//! The geometry of one cell; runs on a thread for work on pixels.

use super::Context;
use crate::Result;
use crate::catalogue::PlacedCell;
use domain::footprint::{Project, lonlat_pieces, valid_shape};
use domain::grid::Cell;
use domain::plan::{BaseUri, CellPlan, CellTarget, Need, PlanDataset, plan_cell};
use domain::{Dataset, MultiPolygon, Ring};
use imaging::Crs;

/// A cell to plan.
pub(super) struct CellWork {
    pub placed: PlacedCell,
    pub need: Need,
    pub base: BaseUri,
    pub inputs: Vec<PlanDataset>,
    pub reused: Vec<PlanDataset>,
}

/// The files of a cell, and what the user is told about them.
pub(super) fn plan_one(context: &Context, work: CellWork) -> Result<(CellPlan, Option<String>)> {
    let CellWork {
        placed: PlacedCell { cell, crs },
        need,
        base,
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
