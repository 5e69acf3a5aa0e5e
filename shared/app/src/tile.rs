//! Web-mercator tiles.

use crate::cube::{CubeSelection, geographic_extent, group};
use crate::{App, Result, texts};
use bytes::Bytes;
use database::{palette, variable};
use domain::tile::{self, TileAddress};
use domain::{DataMapping, Entity, Error, InstanceId, Palette, Variable};
use imaging::Target;

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
    /// [`domain::Error::NotFound`] for an unknown instance and where there is nothing to show.
    pub async fn tile(&self, request: TileRequest) -> Result<Bytes> {
        let (variable, palette) = self.look(request.instance_id).await?;
        let crs = self.parse_crs(tile::SRID.to_string()).await?;
        let target = Target {
            crs,
            transform: request.address.transform(),
            size: tile::SIZE,
        };
        let area = geographic_extent(&target.crs, &target.transform, target.size)?;
        let found = self
            .find(&[request.instance_id], &request.selection, &area)
            .await?;
        // in time order whatever the selection: the most recent record is on top
        let slices = group(&CubeSelection::default(), found);
        let sources: Vec<_> = slices.into_iter().flat_map(|slice| slice.sources).collect();
        if sources.is_empty() {
            let text = "No data found".to_owned();
            return Err(Error::NotFound {
                entity: Entity::Nothing,
                id: String::new(),
                text,
            }
            .into());
        }
        for source in &sources {
            self.options().paths.check(&source.uri)?;
        }
        let definition = variable.definition;
        let stretch = request
            .stretch
            .unwrap_or((definition.format.min, definition.format.max));
        let bands = definition.bands.len();
        let bytes =
            target.size.pixels() * bands as u64 * (2 * definition.format.dtype.size() as u64 + 1);
        let _reservation = self.engine().reserve(bytes).await?;
        self.engine()
            .run(move |abandoned| {
                let mapping = DataMapping::identity(definition.format);
                let (kernel, limits) = (definition.resampling, imaging::Limits::default());
                let image =
                    imaging::merge(&sources, &target, &mapping, kernel, &limits, abandoned)?;
                if !image.any_valid() {
                    return Err(texts::not_enough_valid_pixels().into());
                }
                let (lo, hi) = stretch;
                Ok(Bytes::from(imaging::encode_png(
                    &image,
                    lo,
                    hi,
                    palette.as_ref(),
                )?))
            })
            .await
    }

    /// The variable of an instance, and its palette.
    async fn look(&self, instance: InstanceId) -> Result<(Variable, Option<Palette>)> {
        let mut connection = self.database().read().await?;
        let variable = variable::get_by_instance(&mut connection, instance).await?;
        let palette = match &variable.definition.palette {
            None => None,
            Some(name) => Some(palette::get(&mut connection, name).await?),
        };
        Ok((variable, palette))
    }
}
