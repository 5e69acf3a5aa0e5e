//! The crate against GDAL: files made by GDAL are read and rewritten here, and read back by GDAL.

mod assemble;
mod decode;
mod gdal;
mod scene;
