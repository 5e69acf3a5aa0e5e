//! Footprints on the globe.
