//! The geometry of one cell; runs on a thread for work on pixels.

use super::Context;
use crate::Result;
use crate::catalogue::PlacedCell;
use domain::footprint::{Edges, Project, project_ring, valid_shape};
use domain::grid::Cell;
use domain::plan::{BaseUri, CellPlan, CellTarget, Need, PlanDataset, plan_cell};
use domain::{Dataset, MultiPolygon, Polygon, Ring};
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
    let ring = |ring: &Ring| {
        let lonlat = project_ring(ring, &own, Edges::Straight)?;
        crs.from_lonlat(&lonlat.0).map(Ring)
    };
    let polygon = |polygon: &Polygon| {
        polygon
            .0
            .iter()
            .map(ring)
            .collect::<domain::Result<_>>()
            .map(Polygon)
    };
    dataset
        .shape
        .0
        .iter()
        .map(polygon)
        .collect::<domain::Result<_>>()
        .map(MultiPolygon)
}
