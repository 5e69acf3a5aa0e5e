//! Layouts.

use super::aoi::aoi_from;
use super::record::{filters_from, record_ids};
use super::{required, text};
use crate::pb;
use app::{FollowedLayout, LayoutQuery, Limits, Tile};
use domain::grid::check_parameter_names;
use domain::{Error, InstanceId, Layout, RecordSelection, Result};

/// Reads a layout to store.
pub(crate) fn stored_layout(layout: Option<pb::Layout>) -> Result<Layout> {
    let layout = inline_layout(required("layout", layout)?)?;
    layout.check_name()?;
    Ok(layout)
}

/// Reads a layout whose name does not matter.
pub(crate) fn inline_layout(layout: pb::Layout) -> Result<Layout> {
    let layout = unchecked_layout(layout)?;
    check_parameter_names(&layout.grid_parameters)?;
    Ok(layout)
}

fn unchecked_layout(layout: pb::Layout) -> Result<Layout> {
    Ok(Layout {
        name: layout.name,
        grid_flags: layout
            .grid_flags
            .into_iter()
            .map(|flag| text("grid_flags", flag))
            .collect::<Result<_>>()?,
        grid_parameters: layout
            .grid_parameters
            .into_iter()
            .map(|(key, value)| {
                Ok((
                    text("grid_parameters", key)?,
                    text("grid_parameters", value)?,
                ))
            })
            .collect::<Result<_>>()?,
        block_x_size: Layout::positive("blocksize (block_x_size)", layout.block_x_size)?,
        block_y_size: Layout::positive("blocksize (block_y_size)", layout.block_y_size)?,
        max_records: Layout::positive("maxRecords (max_records)", layout.max_records)?,
        overviews_min_size: Layout::min_overview(layout.overviews_min_size)?,
        interlacing_pattern: layout.interlacing_pattern,
    })
}

/// Writes a layout.
pub(crate) fn layout_to(layout: Layout) -> pb::Layout {
    pb::Layout {
        name: layout.name,
        grid_flags: layout.grid_flags,
        grid_parameters: layout.grid_parameters.into_iter().collect(),
        block_x_size: layout.block_x_size.into(),
        block_y_size: layout.block_y_size.into(),
        max_records: layout.max_records.into(),
        overviews_min_size: layout.overviews_min_size.into(),
        interlacing_pattern: layout.interlacing_pattern,
    }
}

/// Reads which datasets' files are asked for their layout.
pub(crate) fn layout_query(
    request: pb::FindContainerLayoutsRequest,
    limits: &Limits,
) -> Result<LayoutQuery> {
    use pb::find_container_layouts_request::Identifier;
    let instance = InstanceId::parse(&request.instance_id)?;
    let active_only = request.active_only;
    match request.identifier {
        None => Err(Error::invalid(
            "records and filters are missing: expected one of them",
        )),
        Some(Identifier::Records(records)) if records.ids.is_empty() => {
            Err(Error::invalid("invalid record id list: cannot be empty"))
        }
        Some(Identifier::Records(records)) => Ok(LayoutQuery {
            instance,
            records: RecordSelection::Ids(record_ids(&records.ids, limits)?),
            aoi: None,
            active_only,
        }),
        Some(Identifier::Filters(filters)) => {
            let aoi = filters.aoi.map(|aoi| aoi_from(aoi, limits.aoi_vertices));
            let aoi = aoi
                .transpose()
                .map_err(|error| Error::invalid(format!("invalid aoi: {error}")))?;
            Ok(LayoutQuery {
                instance,
                records: RecordSelection::Filters(filters_from(filters.filters, limits)?),
                aoi: aoi.map(|aoi| aoi.polygons().clone()),
                active_only,
            })
        }
    }
}

/// Writes a layout and the files that follow it.
pub(crate) fn followed_layout_to(layout: FollowedLayout) -> pb::FindContainerLayoutsResponse {
    pb::FindContainerLayoutsResponse {
        layout_name: layout.name,
        container_uris: layout.uris.iter().map(ToString::to_string).collect(),
    }
}

/// Writes a batch of tiles.
#[expect(
    clippy::needless_pass_by_value,
    reason = "used as the conversion of a stream"
)]
pub(crate) fn tiles_to(tiles: Vec<Tile>) -> pb::TileAoiResponse {
    pb::TileAoiResponse {
        tiles: tiles.iter().map(tile_to).collect(),
    }
}

fn tile_to(tile: &Tile) -> pb::Tile {
    let [a, b, c, d, e, f] = tile.cell.transform.0;
    let size = tile.cell.size;
    pb::Tile {
        transform: Some(pb::GeoTransform { a, b, c, d, e, f }),
        size_px: Some(pb::Size {
            width: size.width as i32,
            height: size.height as i32,
        }),
        crs: tile.wkt().to_owned(),
    }
}
