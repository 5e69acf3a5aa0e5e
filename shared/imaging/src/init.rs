use crate::{
    Error, Result, ffi,
    source::{DRIVERS, HEADER_CAPACITY, set_header_capacity},
};
use gdal::{DriverManager, config::set_config_option};

/// Settings of the raster library for the process.
#[derive(Clone, Debug)]
pub struct Options {
    /// Threads of one compression by the library: a number or `ALL_CPUS`; `None` leaves it to the library.
    pub threads: Option<String>,
    /// Bytes of decoded blocks that the library may keep.
    pub block_cache_bytes: u64,
    /// Bytes of parsed headers of files that may be kept.
    pub header_cache_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            threads: Some("1".to_owned()),
            block_cache_bytes: 64 << 20,
            header_cache_bytes: HEADER_CAPACITY,
        }
    }
}

/// Format of images in memory.
const MEMORY: &str = "MEM";

/// What holds always: no other file is read besides the one that is asked for, nothing is fetched.
const ALWAYS: [(&str, &str); 10] = [
    ("GDAL_DISABLE_READDIR_ON_OPEN", "EMPTY_DIR"),
    ("GDAL_PAM_ENABLED", "NO"),
    ("GDAL_HTTP_MAX_RETRY", "0"),
    ("GDAL_HTTP_CONNECTTIMEOUT", "1"),
    ("GDAL_HTTP_PROXY", "127.0.0.1:9"),
    ("GDAL_HTTPS_PROXY", "127.0.0.1:9"),
    ("CPL_VSIL_CURL_ALLOWED_EXTENSIONS", "{none}"),
    ("PROJ_NETWORK", "OFF"),
    ("GTIFF_SRS_SOURCE", "EPSG"),
    ("OSR_DEFAULT_AXIS_MAPPING_STRATEGY", "TRADITIONAL_GIS_ORDER"),
];

/// Prepares the raster library. To be called once, at the start of the process, before any thread uses it.
///
/// # Errors
/// [`Error::Gdal`] when the library refuses a setting, or lacks a driver that everything needs.
pub fn init(options: &Options) -> Result<()> {
    let failed = |error: gdal::errors::GdalError| Error::gdal("setting up GDAL", error.to_string());
    for (key, value) in ALWAYS {
        set_config_option(key, value).map_err(failed)?;
    }
    if let Some(threads) = &options.threads {
        set_config_option("GDAL_NUM_THREADS", threads).map_err(failed)?;
    }
    keep_drivers();
    ffi::quiet();
    ffi::without_network();
    ffi::set_cache(options.block_cache_bytes);
    set_header_capacity(options.header_cache_bytes);
    for driver in ["GTiff", MEMORY] {
        DriverManager::get_driver_by_name(driver).map_err(failed)?;
    }
    Ok(())
}

/// Forgets all formats but those that are read, and images in memory: what a file might make GDAL open by itself is of
/// none that leads further.
fn keep_drivers() {
    for index in (0..DriverManager::count()).rev() {
        let Ok(driver) = DriverManager::get_driver(index) else {
            continue;
        };
        let name = driver.short_name();
        if name != MEMORY && !DRIVERS.contains(&name.as_str()) {
            DriverManager::deregister_driver(&driver);
        }
    }
}
