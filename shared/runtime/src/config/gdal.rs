//! How rasters are read.

use clap::Args;

use super::StoreFlags;
use crate::value;

/// Flags of raster reading, with those of object stores.
#[derive(Debug, Clone, Args)]
#[group(skip)]
#[command(rename_all = "camelCase")]
pub struct GdalFlags {
    /// Size of a block of the cache of remote reads: bytes, or a number with B, K, KB, KiB, M, MB or MiB
    #[arg(long, default_value = "1Mb", value_parser = value::block_size, value_name = "SIZE")]
    pub gdal_block_size: u64,
    /// Number of blocks in the cache of remote reads
    #[arg(long, default_value = "500", value_parser = value::integer::<u32>, value_name = "INT")]
    pub gdal_num_cached_blocks: u32,
    /// Threads of GDAL per file that it compresses; warps have one each; -1 uses all CPUs, 0 leaves the choice to GDAL
    #[arg(long, default_value = "1", value_parser = value::integer::<i32>, value_name = "INT")]
    pub gdal_num_threads: i32,
    /// Log for each cube, tile, indexed file and order which files were read by how many requests, and how many bytes; those at the same time are not told apart
    #[arg(long)]
    pub gdal_storage_debug: bool,
    /// The object stores
    #[command(flatten)]
    pub stores: StoreFlags,
}

impl GdalFlags {
    /// Size in bytes of the cache of remote reads.
    pub fn cache_bytes(&self) -> u64 {
        self.gdal_block_size
            .saturating_mul(u64::from(self.gdal_num_cached_blocks))
    }

    /// Value of GDAL's option `GDAL_NUM_THREADS`, `None` to leave it alone.
    pub fn num_threads_option(&self) -> Option<String> {
        match self.gdal_num_threads {
            -1 => Some("ALL_CPUS".to_owned()),
            threads if threads > 0 => Some(threads.to_string()),
            _ => None,
        }
    }
}
