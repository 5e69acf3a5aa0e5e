use gdal::config;

/// Configuration options of GDAL on this thread, cleared when it is dropped.
pub(super) struct ThreadOptions<'a>(&'a [(String, String)]);

impl<'a> ThreadOptions<'a> {
    pub(super) fn set(options: &'a [(String, String)]) -> Result<Self, String> {
        let guard = Self(options);
        for (key, value) in options {
            config::set_thread_local_config_option(key, value)
                .map_err(|error| error.to_string())?;
        }
        Ok(guard)
    }
}

impl Drop for ThreadOptions<'_> {
    fn drop(&mut self) {
        for (key, _) in self.0 {
            if let Err(error) = config::clear_thread_local_config_option(key) {
                tracing::warn!(key, %error, "option of the raster library not cleared");
            }
        }
    }
}
