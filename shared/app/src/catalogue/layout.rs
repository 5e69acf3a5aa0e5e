//! Layouts.

use super::LayoutQuery;
use super::streaming::items;
use crate::{App, Result};
use cog::InterlacingPattern;
use database::container_layout::{self, FollowedLayout};
use database::{grid, in_statement, layout, pieces};
use domain::grid::GridSpec;
use domain::{Entity, Error, Layout, Pattern};
use futures::Stream;
use imaging::Crs;

impl App {
    /// Stores a layout.
    ///
    /// # Errors
    /// [`domain::Error::Invalid`] for a malformed pattern, block size or grid parameter,
    /// [`domain::Error::NotFound`] for an unknown grid,
    /// [`domain::Error::AlreadyExists`] when the name is taken.
    pub async fn create_layout(&self, layout: &Layout) -> Result<()> {
        check_layout(layout)?;
        if let GridSpec::Custom(custom) = check_grid(layout)? {
            let mut connection = self.database().read().await?;
            if !grid::exists(&mut connection, &custom.name).await? {
                return Err(Error::not_found(Entity::Grid, "name", &custom.name).into());
            }
        }
        Ok(in_statement(self.database(), |tx| {
            let layout = layout.clone();
            Box::pin(async move { layout::create(tx, &layout).await })
        })
        .await?)
    }

    /// Reads a layout.
    ///
    /// # Errors
    /// [`domain::Error::NotFound`].
    pub async fn layout(&self, name: &str) -> Result<Layout> {
        let mut connection = self.database().read().await?;
        Ok(layout::get(&mut connection, name).await?)
    }

    /// Lists layouts by name.
    ///
    /// # Errors
    /// [`domain::Error::LimitExceeded`] when there are more than the service answers.
    pub async fn list_layouts(&self, name: Option<&Pattern>) -> Result<Vec<Layout>> {
        let mut connection = self.database().read().await?;
        Ok(layout::list(&mut connection, name, self.limits().datasets).await?)
    }

    /// The layouts by name that files of some datasets, of every status, follow, with these files.
    /// Only files of consolidations follow one. The first layout is read before this returns, the others as the reader
    /// comes to them.
    ///
    /// # Errors
    /// [`domain::Error::LimitExceeded`] when a layout has more files than the service answers.
    pub async fn find_container_layouts(
        &self,
        query: LayoutQuery,
    ) -> Result<impl Stream<Item = Result<FollowedLayout>> + Send + 'static + use<>> {
        let list = container_layout::Listing::new(query, self.limits().datasets);
        items(pieces(list, self.database().clone())).await
    }

    /// Deletes a layout; an unknown name is a success.
    ///
    /// # Errors
    /// [`domain::Error::InUse`] when files follow it.
    pub async fn delete_layout(&self, name: &str) -> Result<()> {
        Ok(in_statement(self.database(), |tx| {
            let name = name.to_owned();
            Box::pin(async move { layout::delete(tx, &name).await })
        })
        .await?)
    }
}

/// Checks what does not depend on the grid.
pub(crate) fn check_layout(layout: &Layout) -> domain::Result<()> {
    layout.check_blocks()?;
    match InterlacingPattern::parse(&layout.interlacing_pattern) {
        Ok(_) => Ok(()),
        Err(error) => Err(Error::invalid(error.to_string())),
    }
}

/// Reads the grid of a layout and checks its reference system.
pub(crate) fn check_grid(layout: &Layout) -> domain::Result<GridSpec> {
    let spec = GridSpec::parse(&layout.grid_parameters)?;
    if let GridSpec::Plain(grid) = &spec {
        let crs = Crs::parse(&grid.crs).map_err(|error| Error::invalid(error.to_string()))?;
        if crs.srid() == 0 {
            return Err(Error::invalid(format!(
                "Invalid crs: {:.200} (its EPSG code is not known)",
                grid.crs
            )));
        }
    }
    Ok(spec)
}
