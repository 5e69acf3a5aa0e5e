//! Layouts.

use super::{required, variable::text};
use crate::pb;
use domain::{Layout, Result};

/// Reads a layout to store.
pub(crate) fn stored_layout(layout: Option<pb::Layout>) -> Result<Layout> {
    let layout = inline_layout(required("layout", layout)?)?;
    layout.check_name()?;
    Ok(layout)
}

/// Reads a layout whose name does not matter.
pub(crate) fn inline_layout(layout: pb::Layout) -> Result<Layout> {
    Ok(Layout {
        name: layout.name,
        grid_flags: layout.grid_flags.into_iter().map(|flag| text("grid_flags", flag)).collect::<Result<_>>()?,
        grid_parameters: layout
            .grid_parameters
            .into_iter()
            .map(|(key, value)| Ok((text("grid_parameters", key)?, text("grid_parameters", value)?)))
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
