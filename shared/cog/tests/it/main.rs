//! The crate against GDAL: files made by GDAL are read and rewritten here, and read back by GDAL.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![expect(clippy::print_stdout, reason = "a skipped test says so")]

mod assemble;
mod damaged;
mod decode;
mod gdal;
mod scene;
