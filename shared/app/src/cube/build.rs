//! Building the images of a cube.

use super::{
    CubeHeader, CubeRequest, CubeSelection, ImageFormat, PART_BYTES, Payload, PayloadCompression,
    RecordDatasets, Slice, group, merged_tags,
};
use crate::{App, Error, Limits, Result, texts};
use database::{dataset, variable};
use domain::{
    DType, DataMapping, InstanceId, MultiPolygon, Record, RecordId, RecordSelection, Resampling,
    Size, Variable,
};
use futures::stream::{BoxStream, Stream, StreamExt};
use imaging::{Crs, Image, Target};
use std::collections::HashSet;
use std::sync::Arc;
use tokio::time::Instant;

/// A cube: what it says of itself, then its images in order.
pub struct Cube {
    /// What it says of itself.
    pub header: CubeHeader,
    /// Width and height of each image.
    pub size: Size,
    /// The images. An error here ends the cube; that of one image is within it.
    pub images: BoxStream<'static, Result<BuiltImage>>,
}

/// One image of a cube, or why there is none.
#[derive(Debug)]
pub struct BuiltImage {
    /// What it was merged from.
    pub slice: Slice,
    /// Number of bands.
    pub bands: usize,
    /// Type of the samples.
    pub dtype: DType,
    /// Whether payloads of this cube are compressed.
    pub compressed: bool,
    /// Its bytes, none when only headers were asked for, or the text of its error.
    pub payload: Result<Option<Payload>, String>,
    /// The part of the memory budget that the payload holds.
    _reservation: Option<crate::engine::Reservation>,
}

/// What all images of a cube have in common.
#[derive(Clone, Debug)]
struct Recipe {
    target: Target,
    mapping: DataMapping,
    bands: usize,
    resampling: Resampling,
    format: ImageFormat,
    compression: PayloadCompression,
}

impl App {
    /// Finds the datasets of a cube and starts to build its images.
    ///
    /// # Errors
    /// [`domain::Error::Invalid`] that names the field, [`domain::Error::NotFound`] for an unknown
    /// instance, [`domain::Error::LimitExceeded`] when the cube is larger than the service builds.
    pub async fn cube(&self, request: CubeRequest) -> Result<Cube> {
        let crs = self.parse_crs(request.crs.clone()).await?;
        let size = Size::try_new(request.size.0, request.size.1)?;
        request.check_selection()?;
        let variable = self.variable_of(&request.instances).await?;
        let bands = variable.definition.bands.len();
        Limits::check(
            "samples in one image (maxPixels)",
            size.pixels().saturating_mul(bands as u64),
            self.limits().slice_samples,
        )?;
        let slices = self.slices(&request, &crs, size).await?;
        let resampling = request.resampling.unwrap_or(variable.definition.resampling);
        let header = CubeHeader {
            slices: slices.slices.len() as u64,
            datasets: slices.datasets,
            format: variable.definition.format,
            resampling,
        };
        let recipe = Arc::new(Recipe {
            target: Target {
                crs,
                transform: request.transform,
                size,
            },
            mapping: DataMapping::identity(variable.definition.format),
            bands,
            resampling,
            format: request.format,
            compression: request.compression,
        });
        self.engine().check_image(recipe.bytes())?;
        let images = if request.headers_only {
            futures::stream::iter(slices.slices)
                .map(move |slice| Ok(recipe.header_only(slice)))
                .boxed()
        } else {
            self.images(recipe, slices.slices).boxed()
        };
        Ok(Cube {
            header,
            size,
            images,
        })
    }

    /// Reads a reference system on a blocking thread: a rare definition takes milliseconds.
    pub(crate) async fn parse_crs(&self, text: String) -> Result<Crs> {
        let parsed = tokio::task::spawn_blocking(move || Crs::parse(&text)).await;
        Ok(parsed.map_err(|panic| Error::internal("reading a reference system", panic))??)
    }

    /// The variable that all instances belong to.
    async fn variable_of(&self, instances: &[InstanceId]) -> Result<Variable> {
        let mut connection = self.database().read().await?;
        let first = variable::get_by_instance(&mut connection, instances[0]).await?;
        let variable = variable::get(&mut connection, first.id).await?;
        let members: HashSet<InstanceId> = variable
            .instances
            .iter()
            .map(|instance| instance.id)
            .collect();
        match instances.iter().find(|id| !members.contains(id)) {
            None => Ok(variable),
            Some(stranger) => Err(domain::Error::NotFound {
                entity: domain::Entity::Instance,
                id: stranger.to_string(),
                text: format!(
                    "Instance {stranger} does not belong to the variable {} ({})",
                    variable.definition.name, variable.id
                ),
            }
            .into()),
        }
    }

    async fn slices(&self, request: &CubeRequest, crs: &Crs, size: Size) -> Result<Slices> {
        let area = super::geographic_extent(crs, &request.transform, size)?;
        let found = self
            .find(
                &request.instances,
                &request.selection,
                &area,
                self.limits().datasets,
            )
            .await?;
        let datasets = found.iter().map(|record| record.sources.len() as u64).sum();
        let slices = group(&request.selection, found);
        Limits::check(
            "slices in one cube (maxSlices)",
            slices.len() as u64,
            self.limits().slices as u64,
        )?;
        Ok(Slices { slices, datasets })
    }

    /// Datasets of a selection within an area, at most `bound`, by time and id of their records.
    pub(crate) async fn find(
        &self,
        instances: &[InstanceId],
        selection: &CubeSelection,
        area: &MultiPolygon,
        bound: u32,
    ) -> Result<Vec<RecordDatasets>> {
        let records = match selection {
            CubeSelection::Filters(filters) => RecordSelection::Filters(filters.clone()),
            CubeSelection::Groups(groups) => {
                let ids: HashSet<RecordId> = groups.iter().flatten().copied().collect();
                RecordSelection::Ids(ids.into_iter().collect())
            }
        };
        let mut connection = self.database().read().await?;
        let found =
            dataset::find_for_cube(&mut connection, instances, &records, area, bound).await?;
        Ok(found.into_iter().map(RecordDatasets::from).collect())
    }

    /// Builds images side by side, as many as there are workers, and answers them in order.
    fn images(
        &self,
        recipe: Arc<Recipe>,
        slices: Vec<Slice>,
    ) -> impl Stream<Item = Result<BuiltImage>> + Send + 'static + use<> {
        let app = self.clone();
        let deadline = Instant::now() + self.limits().cube_duration;
        let workers = self.options().workers.max(1);
        futures::stream::iter(slices)
            .map(move |slice| {
                let (app, recipe) = (app.clone(), Arc::clone(&recipe));
                async move {
                    let late = || {
                        let text = "the cube took longer than maxConnectionAge";
                        Error::DeadlineExceeded(text.to_owned())
                    };
                    // a build that is over at once would still be taken
                    if Instant::now() >= deadline {
                        return Err(late());
                    }
                    let built = app.build(recipe, slice);
                    let timed = tokio::time::timeout_at(deadline, built).await;
                    timed.map_err(|_| late())
                }
            })
            .buffered(workers)
    }

    async fn build(&self, recipe: Arc<Recipe>, slice: Slice) -> BuiltImage {
        match self.payload(&recipe, &slice).await {
            Ok((payload, reservation)) => BuiltImage {
                payload: Ok(Some(payload)),
                _reservation: Some(reservation),
                ..recipe.header_only(slice)
            },
            Err(error) => {
                if let Error::Internal { source, .. } = &error {
                    tracing::error!(error = &**source as &dyn std::error::Error, "{error}");
                }
                BuiltImage {
                    payload: Err(texts::image_error(&error)),
                    ..recipe.header_only(slice)
                }
            }
        }
    }

    async fn payload(
        &self,
        recipe: &Arc<Recipe>,
        slice: &Slice,
    ) -> Result<(Payload, crate::engine::Reservation)> {
        let (app, limits) = (self.clone(), self.engine().merge_limits());
        let mut reservation = self.engine().reserve(recipe.bytes()).await?;
        let (recipe, sources, records) = (
            Arc::clone(recipe),
            slice.sources.clone(),
            slice.records.clone(),
        );
        let payload = self.engine().run(move |abandoned| {
            for source in &sources {
                app.options().paths.check(&source.uri)?;
            }
            let Recipe {
                target,
                mapping,
                resampling,
                ..
            } = &*recipe;
            let image = imaging::merge(&sources, target, mapping, *resampling, &limits, abandoned)?;
            if !image.any_valid() {
                return Err(texts::not_enough_valid_pixels().into());
            }
            let bytes = recipe.encode(image, &records)?;
            Ok(Payload::new(bytes, recipe.compression, PART_BYTES))
        });
        let payload = payload.await?;
        reservation.shrink(payload.held_bytes());
        Ok((payload, reservation))
    }
}

struct Slices {
    slices: Vec<Slice>,
    datasets: u64,
}

impl Recipe {
    fn header_only(&self, slice: Slice) -> BuiltImage {
        BuiltImage {
            slice,
            bands: self.bands,
            dtype: self.mapping.format.dtype,
            compressed: self.compression != PayloadCompression::None,
            payload: Ok(None),
            _reservation: None,
        }
    }

    /// Bytes of one image while it is built and sent: pixels, mask, and the compressed copy.
    fn bytes(&self) -> u64 {
        let samples = self.target.size.pixels() * self.bands as u64;
        samples * (2 * self.mapping.format.dtype.size() as u64 + 1)
    }

    fn encode(&self, mut image: Image, records: &[Arc<Record>]) -> Result<Vec<u8>> {
        match self.format {
            ImageFormat::Raw => Ok(image.into_interleaved()),
            ImageFormat::GTiff => {
                let tags = merged_tags(records);
                let tags = tags
                    .iter()
                    .map(|(key, value)| (key.as_str(), value.as_str()));
                Ok(imaging::encode_gtiff(
                    &mut image,
                    &self.target.crs,
                    &self.target.transform,
                    tags,
                )?)
            }
        }
    }
}
