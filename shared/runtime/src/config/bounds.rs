//! How much one request may ask for.

use std::time::Duration;

use clap::Args;

use crate::value;
use crate::value::ValueError;

/// Bounds of a request of pixels and of the memory of all of them. Each is at least 1.
#[derive(Debug, Clone, Args)]
#[group(skip)]
#[command(rename_all = "camelCase")]
pub struct RequestBoundFlags {
    /// Largest message accepted
    #[arg(long, default_value = "4MiB", value_parser = message_size, value_name = "SIZE")]
    pub max_message_size: usize,
    /// Most records, datasets or names given in one request
    #[arg(long, default_value = "100000", value_parser = count, value_name = "INT")]
    pub max_records: u64,
    /// Most slices of one cube
    #[arg(long, default_value = "10000", value_parser = count, value_name = "INT")]
    pub max_slices: u64,
    /// Most samples (width × height × bands) of one slice
    #[arg(long, default_value = "536870912", value_parser = count, value_name = "INT")]
    pub max_pixels: u64,
    /// Memory of all slices in flight
    #[arg(long, default_value = "2GiB", value_parser = value::byte_size, value_name = "SIZE")]
    pub memory_budget: u64,
}

/// Bounds of a request, of the catalogue too. Each is at least 1.
#[derive(Debug, Clone, Args)]
#[group(skip)]
#[command(rename_all = "camelCase")]
pub struct BoundFlags {
    /// Those of pixels.
    #[command(flatten)]
    pub requests: RequestBoundFlags,
    /// Most tags, filters on tags, or patterns in one request
    #[arg(long, default_value = "1000", value_parser = count, value_name = "INT")]
    pub max_tags: u64,
    /// Most datasets mosaicked in one web-mercator tile
    #[arg(long, default_value = "1000", value_parser = count, value_name = "INT")]
    pub max_tile_datasets: u64,
    /// Most grid cells of one tiling or consolidation
    #[arg(long, default_value = "1000000", value_parser = count, value_name = "INT")]
    pub max_grid_cells: u64,
    /// Most vertices of one area of interest
    #[arg(long, default_value = "100000", value_parser = count, value_name = "INT")]
    pub max_aoi_vertices: u64,
    /// Most datasets, variables or jobs of one answer
    #[arg(long, default_value = "1000000", value_parser = count, value_name = "INT")]
    pub max_page_size: u64,
    /// Longest time of one database statement of a request
    #[arg(long, default_value = "60s", value_parser = statement_time, value_name = "DURATION")]
    pub statement_timeout: Duration,
    /// Most connections to the database, those of the embedded queue included; those of all instances together must fit its `max_connections`
    #[arg(long, default_value = "20", value_parser = connections, value_name = "INT")]
    pub db_max_connections: u32,
    /// Longest wait of a request for one of these connections
    #[arg(long, default_value = "10s", value_parser = statement_time, value_name = "DURATION")]
    pub db_acquire_timeout: Duration,
}

fn count(text: &str) -> Result<u64, ValueError> {
    match value::integer(text)? {
        0 => Err(ValueError::new("an integer above zero")),
        count => Ok(count),
    }
}

fn connections(text: &str) -> Result<u32, ValueError> {
    u32::try_from(count(text)?).map_err(|_| ValueError::new("an integer below 2^32"))
}

/// Lengths of messages travel as 32-bit integers, and peers hold them in signed ones.
fn message_size(text: &str) -> Result<usize, ValueError> {
    let bytes = value::byte_size(text)?;
    i32::try_from(bytes)
        .ok()
        .and_then(|bytes| usize::try_from(bytes).ok())
        .ok_or_else(|| ValueError::new("a size below 2GiB"))
}

/// Postgres counts whole milliseconds in 32 bits, and takes 0 for no limit.
fn statement_time(text: &str) -> Result<Duration, ValueError> {
    let time = value::duration(text)?;
    if time.as_millis() == 0 || i32::try_from(time.as_millis()).is_err() {
        return Err(ValueError::new("a duration from 1ms to 24 days"));
    }
    Ok(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_that_would_bound_nothing_are_refused() {
        for refused in ["0", "-1", "", "x"] {
            assert!(count(refused).is_err(), "{refused:?}");
            assert!(message_size(refused).is_err(), "{refused:?}");
            assert!(statement_time(refused).is_err(), "{refused:?}");
        }
        assert!(connections("0").is_err() && connections("4294967296").is_err());
        assert_eq!(connections("2"), Ok(2));
        assert!(message_size("2GiB").is_err());
        assert!(statement_time("1us").is_err());
        assert!(statement_time("600h").is_err());
        assert_eq!(message_size("4MiB"), Ok(4_194_304));
    }
}
