//! Conversions between messages and domain values. Everything that a message may hold is checked
//! here, once: presence, enumerations, identifiers, ranges.

mod admin;
mod aoi;
mod consolidation;
mod container;
mod cube;
mod download;
mod format;
mod grid;
mod job;
mod layout;
mod palette;
mod record;
mod text;
mod tile;
mod time;
mod variable;

pub(crate) use admin::{kinds_to_tidy, mapping_update, tidy_counts_to};
pub(crate) use aoi::{aoi_from, aoi_to};
pub(crate) use consolidation::{new_consolidation, params_from, params_to};
pub(crate) use container::{container_to, dataset_meta_to, dataset_source, new_container};
pub(crate) use cube::{cube_request, image_header_to, shape_to};
pub(crate) use download::download_request;
pub(crate) use format::data_format_to;
pub(crate) use grid::add_cells;
pub(crate) use job::{job_to, new_deletion};
pub(crate) use layout::{
    followed_layout_to, inline_layout, layout_query, layout_to, stored_layout, tiles_to,
};
pub(crate) use palette::palette_from;
pub(crate) use record::{
    filters_from, ids, new_record, page, record_ids, record_query, record_to, tag_keys, tags,
};
pub(crate) use text::{job_name, pattern, text};
pub(crate) use tile::tile_request;
pub(crate) use variable::{
    instance_to, instance_update, new_instance, new_variable, variable_key, variable_to,
    variable_update,
};

use domain::{Error, Result};

/// A sub-message that must be there.
///
/// # Errors
/// [`Error::Invalid`] that names the field.
pub(crate) fn required<T>(field: &str, value: Option<T>) -> Result<T> {
    value.ok_or_else(|| Error::invalid(format!("{field} is missing")))
}
