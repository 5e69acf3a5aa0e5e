//! Building the images of a cube.

use super::{
    CubeHeader, CubeRequest, CubeSelection, ImageFormat, PART_BYTES, Payload, PayloadCompression,
    RecordDatasets, Slice, ahead::Ahead, copies::Copies, group, is_of_a_file, look_up::LookUp,
    merged_tags,
};
use crate::{App, Engine, Error, Limits, PathPolicy, Result, texts, traffic};
use database::dataset::Bound;
use database::{dataset, instance, variable};
use domain::{
    DType, DataMapping, GeoTransform, InstanceId, MultiPolygon, Record, RecordId, RecordSelection,
    Resampling, Size, Variable,
};
use futures::stream::{BoxStream, Stream, StreamExt};
use imaging::{Crs, Image, Outages, Target};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
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
pub(super) struct Recipe {
    pub(super) target: Target,
    pub(super) mapping: DataMapping,
    pub(super) bands: usize,
    pub(super) resampling: Resampling,
    pub(super) format: ImageFormat,
    pub(super) compression: PayloadCompression,
}

impl App {
    /// Finds the datasets of a cube and starts to build its images.
    ///
    /// # Errors
    /// [`domain::Error::Invalid`] that names the field, [`domain::Error::NotFound`] for an unknown
    /// instance, [`domain::Error::LimitExceeded`] when the cube is larger than the service builds.
    pub async fn cube(&self, request: CubeRequest) -> Result<Cube> {
        let crs = parse_crs(request.crs.clone()).await?;
        let size = Size::try_new(request.size.0, request.size.1)?;
        request.check_selection()?;
        let variable = self.variable_of(&request.instances).await?;
        let bands = variable.definition.bands.len();
        self.limits().check_image(size, bands)?;
        let area = extent_of(&crs, request.transform, size).await?;
        let slices = self.slices(&request, &area).await?;
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
            let builder = ImageBuilder {
                look_up: Some(Arc::new(LookUp {
                    app: self.clone(),
                    instances: request.instances,
                    area,
                })),
                ..self.image_builder()
            };
            builder.images(recipe, slices.slices).boxed()
        };
        Ok(Cube {
            header,
            size,
            images,
        })
    }

    /// The variable that all instances belong to.
    async fn variable_of(&self, instances: &[InstanceId]) -> Result<Variable> {
        let mut connection = self.database().read().await?;
        let variable = variable::get_by_instance(&mut connection, instances[0]).await?;
        match instance::first_stranger(&mut connection, variable.id, instances).await? {
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

    async fn slices(&self, request: &CubeRequest, area: &MultiPolygon) -> Result<Slices> {
        let found = self
            .find(
                &request.instances,
                &request.selection,
                area,
                self.limits().search(),
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

    /// Datasets of a selection within an area, by time and id of their records.
    pub(crate) async fn find(
        &self,
        instances: &[InstanceId],
        selection: &CubeSelection,
        area: &MultiPolygon,
        bound: Bound,
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

    fn image_builder(&self) -> ImageBuilder {
        let options = self.options();
        ImageBuilder {
            engine: self.engine().clone(),
            paths: Arc::new(options.paths.clone()),
            workers: options.workers,
            duration: options.limits.cube_duration,
            part_bytes: PART_BYTES,
            copies: None,
            look_up: None,
        }
    }
}

/// Reads a reference system on a blocking thread: a rare definition takes milliseconds.
pub(crate) async fn parse_crs(text: String) -> Result<Crs> {
    let parsed = tokio::task::spawn_blocking(move || Crs::parse(&text)).await;
    Ok(parsed.map_err(|panic| Error::internal("reading a reference system", panic))??)
}

/// As [`super::geographic_extent`], on a blocking thread.
async fn extent_of(crs: &Crs, transform: GeoTransform, size: Size) -> Result<MultiPolygon> {
    let crs = crs.clone();
    let found = move || super::geographic_extent(&crs, &transform, size);
    let found = tokio::task::spawn_blocking(found).await;
    Ok(found.map_err(|panic| Error::internal("the outline of a grid", panic))??)
}

/// What builds images out of their sources. It knows no catalogue.
#[derive(Clone, Debug)]
pub(super) struct ImageBuilder {
    pub(super) engine: Engine,
    /// Files that may be read.
    pub(super) paths: Arc<PathPolicy>,
    /// Images built at the same time.
    pub(super) workers: usize,
    /// Time for all images.
    pub(super) duration: Duration,
    /// Bytes of one part of a payload, before compression.
    pub(super) part_bytes: usize,
    /// Local copies to read in place of remote files.
    pub(super) copies: Option<Arc<Copies>>,
    /// Where the sources of an image that fails are looked up again.
    pub(super) look_up: Option<Arc<LookUp>>,
}

impl ImageBuilder {
    /// Builds images side by side, as many as there are workers, and answers them in order.
    pub(super) fn images(
        &self,
        recipe: Arc<Recipe>,
        slices: Vec<Slice>,
    ) -> impl Stream<Item = Result<BuiltImage>> + Send + 'static + use<> {
        let builder = self.clone();
        let deadline = Instant::now() + self.duration;
        let workers = self.workers.max(1);
        let ahead = match &self.copies {
            // what is copied is read here
            Some(_) => Ahead::default(),
            None => Ahead::of(&slices, imaging::most_files()),
        };
        let (ahead, traffic) = (Arc::new(ahead), traffic::of("a cube"));
        // a bucket that is found to give no answer fails what is left of its images at once
        let outages = Outages::default();
        futures::stream::iter(slices.into_iter().enumerate())
            .map(move |(index, slice)| {
                let (builder, recipe) = (builder.clone(), Arc::clone(&recipe));
                // told when the last image is built, or the cube is given up
                let (ahead, outages, _traffic) = (Arc::clone(&ahead), outages.clone(), &traffic);
                async move {
                    let late = || {
                        let text = "the cube took longer than maxConnectionAge";
                        Error::DeadlineExceeded(text.to_owned())
                    };
                    // a build that is over at once would still be taken
                    if Instant::now() >= deadline {
                        return Err(late());
                    }
                    let built = async {
                        ahead.fetch(index, &builder, &recipe, &outages).await;
                        builder.build(recipe, slice, &outages).await
                    };
                    let timed = tokio::time::timeout_at(deadline, built).await;
                    timed.map_err(|_| late())
                }
            })
            .buffered(workers)
    }

    async fn build(&self, recipe: Arc<Recipe>, slice: Slice, outages: &Outages) -> BuiltImage {
        let mut slice = slice;
        let mut built = self.payload(&recipe, &slice, outages).await;
        if built.as_ref().is_err_and(Error::is_of_a_replaced_file) {
            built = self.payload(&recipe, &slice, outages).await;
        }
        if let (Some(look_up), Err(error)) = (&self.look_up, &built)
            && is_of_a_file(error)
            && let Some(now) = look_up.again(&slice).await
        {
            slice = now;
            built = self.payload(&recipe, &slice, outages).await;
        }
        match built {
            Ok((payload, reservation)) => BuiltImage {
                payload: Ok(Some(payload)),
                _reservation: Some(reservation),
                ..recipe.header_only(slice)
            },
            Err(error) => {
                match &error {
                    Error::Internal { source, .. } => {
                        tracing::error!(error = &**source as &dyn std::error::Error, "{error}");
                    }
                    Error::Unavailable { source, .. } => {
                        tracing::warn!(error = &**source as &dyn std::error::Error, "{error}");
                    }
                    Error::Domain(_) | Error::DeadlineExceeded(_) | Error::Cancelled(_) => {}
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
        outages: &Outages,
    ) -> Result<(Payload, crate::engine::Reservation)> {
        if slice.sources.is_empty() {
            return Err(texts::not_enough_valid_pixels().into());
        }
        let local = match &self.copies {
            Some(copies) => Some(copies.fetch(&slice.sources, outages).await),
            None => None,
        };
        let (paths, limits) = (Arc::clone(&self.paths), self.engine.merge_limits());
        let mut reservation = self.engine.reserve(recipe.bytes()).await?;
        let (recipe, sources, records, part_bytes) = (
            Arc::clone(recipe),
            slice.sources.clone(),
            slice.records.clone(),
            self.part_bytes,
        );
        let outages = outages.clone();
        let payload = self.engine.run(move |abandoned| {
            for source in &sources {
                paths.check(&source.uri)?;
            }
            let sources = local.as_ref().map_or(&sources, |local| &local.sources);
            let Recipe {
                target,
                mapping,
                resampling,
                ..
            } = &*recipe;
            let merge =
                || imaging::merge(sources, target, mapping, *resampling, &limits, abandoned);
            let image = outages.shared_by(merge)?;
            if !image.any_valid() {
                return Err(texts::not_enough_valid_pixels().into());
            }
            let bytes = recipe.encode(image, &records)?;
            Ok(Payload::new(bytes, recipe.compression, part_bytes))
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
    pub(super) fn bytes(&self) -> u64 {
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
