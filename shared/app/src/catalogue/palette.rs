//! Palettes.

use crate::{App, Result};
use database::{in_statement, palette};
use domain::Palette;

impl App {
    /// Creates a palette; the same one again is a success.
    ///
    /// # Errors
    /// [`domain::Error::AlreadyExists`] when another one has the name, unless `replace`.
    pub async fn create_palette(&self, palette: &Palette, replace: bool) -> Result<()> {
        Ok(in_statement(self.database(), |tx| {
            let palette = palette.clone();
            Box::pin(async move { palette::create(tx, &palette, replace).await })
        })
        .await?)
    }
}
