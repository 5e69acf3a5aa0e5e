//! The catalogue: footprints, records, variables, palettes, layouts, containers.

mod aoi;
mod consolidation_params;
mod container;
mod covering;
mod grid;
pub(crate) mod index;
mod layout;
mod palette;
mod record;
mod streaming;
mod tiling;
mod variable;

pub use database::Page;
pub use database::container_layout::{FollowedLayout, Query as LayoutQuery};
pub use database::grid::GridSummary;
pub use grid::{NewCell, NewGrid};
pub use index::{NewContainer, NewDataset};
pub use record::RecordQuery;
pub use tiling::Tile;
pub use variable::{InstanceUpdate, VariableKey};

pub(crate) use covering::PlacedCell;
