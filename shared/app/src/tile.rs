//! Web-mercator tiles.

use crate::cube::{CubeSelection, geographic_extent, is_of_a_file, parse_crs};
use crate::{App, Result, texts, traffic};
use bytes::Bytes;
use database::variable;
use domain::tile::{self, TileAddress};
use domain::{DataMapping, DatasetSource, Entity, Error, InstanceId, NewVariable, Palette};
use imaging::Target;
use std::time::Duration;

/// How a tile is drawn.
#[derive(Clone, Debug)]
struct Picture {
    stretch: Option<(f64, f64)>,
    definition: NewVariable,
    palette: Option<Palette>,
    target: Target,
}

/// Longest time of one tile.
const LONGEST: Duration = Duration::from_mins(1);

/// A request of a tile.
#[derive(Clone, Debug, PartialEq)]
pub struct TileRequest {
    /// Instance to show.
    pub instance_id: InstanceId,
    /// Which tile.
    pub address: TileAddress,
    /// Records to mosaic, the most recent one on top.
    pub selection: CubeSelection,
    /// Values of the first and of the last colour; those of the variable when absent.
    pub stretch: Option<(f64, f64)>,
}

impl App {
    /// Renders a tile as PNG of 256 by 256 pixels.
    ///
    /// # Errors
    /// [`domain::Error::NotFound`] for an unknown instance and where there is nothing to show,
    /// [`domain::Error::LimitExceeded`] where more datasets meet than the service mosaics.
    pub async fn tile(&self, request: TileRequest) -> Result<Bytes> {
        let late =
            |_| crate::Error::DeadlineExceeded("the tile took longer than a minute".to_owned());
        tokio::time::timeout(LONGEST, self.render(request))
            .await
            .map_err(late)?
    }

    async fn render(&self, request: TileRequest) -> Result<Bytes> {
        let _traffic = traffic::of("a tile");
        let (variable, palette) = {
            // by keys: planned once, where searches are planned for what they look for
            let mut connection = self.database().write().await?;
            variable::get_drawn(&mut connection, request.instance_id).await?
        };
        let crs = parse_crs(tile::SRID.to_string()).await?;
        let target = Target {
            crs,
            transform: request.address.transform(),
            size: tile::SIZE,
        };
        let sources = self.tile_sources(&request, &target).await?;
        let picture = Picture {
            stretch: request.stretch,
            definition: variable.definition,
            palette,
            target,
        };
        let mut drawn = self.draw(picture.clone(), sources.clone()).await;
        if drawn
            .as_ref()
            .is_err_and(crate::Error::is_of_a_replaced_file)
        {
            drawn = self.draw(picture.clone(), sources.clone()).await;
        }
        match drawn {
            Err(error) if is_of_a_file(&error) => {
                // the files may have been replaced since they were looked up
                let now = self.tile_sources(&request, &picture.target).await?;
                if now == sources {
                    return Err(error);
                }
                self.draw(picture, now).await
            }
            drawn => drawn,
        }
    }

    async fn draw(&self, picture: Picture, sources: Vec<DatasetSource>) -> Result<Bytes> {
        let Picture {
            stretch,
            definition,
            palette,
            target,
        } = picture;
        let (lo, hi) = stretch.unwrap_or((definition.format.min, definition.format.max));
        let samples = target.size.pixels() * definition.bands.len() as u64;
        let bytes = samples * (2 * definition.format.dtype.size() as u64 + 1);
        let _reservation = self.engine().reserve(bytes).await?;
        let (app, limits) = (self.clone(), self.engine().merge_limits());
        self.engine()
            .run(move |abandoned| {
                for source in &sources {
                    app.options().paths.check(&source.uri)?;
                }
                let mapping = DataMapping::identity(definition.format);
                let kernel = definition.resampling;
                let image = imaging::Outages::default().shared_by(|| {
                    imaging::prefetch(sources.iter(), &target, kernel, abandoned);
                    imaging::merge(&sources, &target, &mapping, kernel, &limits, abandoned)
                })?;
                if !image.any_valid() {
                    return Err(texts::not_enough_valid_pixels().into());
                }
                Ok(Bytes::from(imaging::encode_png(
                    &image,
                    lo,
                    hi,
                    palette.as_ref(),
                )?))
            })
            .await
    }

    /// What the tile is made of, the most recent record on top whatever the selection.
    async fn tile_sources(
        &self,
        request: &TileRequest,
        target: &Target,
    ) -> Result<Vec<DatasetSource>> {
        let area = geographic_extent(&target.crs, &target.transform, target.size)?;
        let bound = self.limits().tile();
        let found = self
            .find(&[request.instance_id], &request.selection, &area, bound)
            .await?;
        if found.is_empty() {
            let text = "No data found".to_owned();
            return Err(Error::NotFound {
                entity: Entity::Nothing,
                id: String::new(),
                text,
            }
            .into());
        }
        Ok(found
            .into_iter()
            .flat_map(|record| record.sources)
            .collect())
    }
}
