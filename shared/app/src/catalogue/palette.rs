//! Palettes.

use crate::{App, Result};
use database::palette;
use domain::Palette;

impl App {
    /// Creates a palette; the same one again is a success.
    ///
    /// # Errors
    /// [`domain::Error::AlreadyExists`] when another one has the name, unless `replace`.
    pub async fn create_palette(&self, palette: &Palette, replace: bool) -> Result<()> {
        let mut connection = self.database().read().await?;
        Ok(palette::create(&mut connection, palette, replace).await?)
    }
}
