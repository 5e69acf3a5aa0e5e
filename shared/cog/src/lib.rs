//! `GeoTIFF`, cloud-optimised `GeoTIFF` (COG) and multi-dataset COG (`MuCOG`) bytes, without GDAL.
//!
//! Reading: [`File::read`] parses the directories of a classic or `BigTIFF` file into records, levels and block
//! places; [`pieces`] tells what a window of pixels is made of, [`plan_ranges`] turns what is wanted into few range
//! reads, and [`Decoder`] turns bytes into samples; [`WindowReader`] does all three.
//! Writing: [`Encoder`] turns samples into tiles; [`write_cog`] and [`write_mucog`] lay tiles out in a file;
//! [`assemble_cog`] and [`assemble_mucog`] do so for tiles that lie encoded in other files.
//!
//! The crate knows nothing of storage, projections or value mappings. It reads through [`ReadAt`] and never waits:
//! over a remote file, [`Prefetched`] tells which bytes are missing.

mod assemble;
mod decode;
mod encode;
mod error;
mod file;
mod format;
mod header;
mod image;
mod inspect;
mod interlacing;
mod overview;
mod plan;
mod predictor;
mod source;
mod tags;
#[cfg(feature = "testing")]
pub mod testing;
mod validate;
mod window;
mod writer;

pub use assemble::{TiledSource, assemble_cog, assemble_mucog};
pub use decode::Decoder;
pub use encode::{Codec, Encoder};
pub use error::{BlockError, Error, PatternError};
pub use file::{File, Level, Record};
pub use format::{BlockFormat, MAX_BLOCK_BYTES};
pub use header::{ByteOrder, Entry, FieldType, GhostArea, Header, Ifd};
pub use image::{Block, Image};
pub use inspect::{
    Arrangement, FileKind, Georeference, LevelSummary, RecordSummary, Series, Spread, Summary,
    inspect,
};
pub use interlacing::{InterlacingPattern, LevelShape, Shape, TileOrder, TileRef, order};
pub use overview::overview_factors;
pub use plan::{Place, Plan, PlanLimits, plan_ranges};
pub use source::{Prefetched, ReadAt};
pub use tags::{GeoTags, ImageTags, MASK, REDUCED};
pub use validate::{NotCog, validate_cog};
pub use window::{Piece, Window, WindowReader, mask_pieces, pieces};
pub use writer::{
    EncodedTile, ImageLayout, LevelLayout, NoTiles, Offsets, RecordLayout, TileSource, write_cog,
    write_mucog,
};
