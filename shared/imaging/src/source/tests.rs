//! Windows read without GDAL, compared with GDAL's, pixel for pixel.

mod corpus;
mod damaged;
mod masks;
mod mucog;
mod overviews;
mod samples;
mod scene;
