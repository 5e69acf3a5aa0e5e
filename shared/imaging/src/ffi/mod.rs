//! The only module that calls the C interface of GDAL directly; what it exports is safe.
//!
//! The `gdal` crate is used wherever it has the call. Missing there are: capture of errors per thread, reads of
//! several bands at once, datasets over memory that we own, and the warper with its options.

mod create;
mod errors;
mod io;
mod mem;
mod operation;
mod regenerate;
mod setup;
mod strings;
mod transformer;
mod vsi;
mod warper;

pub(crate) use create::create_gtiff;
pub(crate) use errors::{Captured, capture};
pub(crate) use io::{Window, data_type, read, read_mask, write};
pub(crate) use mem::MemDataset;
pub(crate) use operation::{Operation, Scope};
pub(crate) use regenerate::{Layer, regenerate};
pub(crate) use setup::{quiet, set_cache, without_network};
pub(crate) use transformer::{Scanned, Transformer};
pub(crate) use vsi::Place;
pub(crate) use warper::{WarpJob, warp};
