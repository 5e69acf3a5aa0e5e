use crate::{
    Error, Image, Limits, Result, Target,
    cast::{CastPlan, Side},
    source::Source,
    warp,
};
use domain::{DataMapping, DatasetSource, Resampling};

/// Merges datasets into one image on the grid of `target`, the later one on top where it has data.
///
/// The samples of each dataset are those of its own mapping; the image has those of `format`. Number of bands is
/// that of the datasets. Whether anything was found there is [`Image::any_valid`]. `cancel` is asked between
/// sources and parts of them. To be called on a thread that may block.
///
/// # Errors
/// [`domain::Error::Invalid`] without datasets, for datasets with different numbers of bands, and for a mapping that
/// cannot be cast; [`Error::TooLarge`] for an image above the limits; [`Error::Cancelled`]; else what opening and
/// reading say.
pub fn merge(
    sources: &[DatasetSource],
    target: &Target,
    format: &DataMapping,
    resampling: Resampling,
    limits: &Limits,
    cancel: &dyn Fn() -> bool,
) -> Result<Image> {
    Mosaic::plan(sources, format, resampling)?
        .on_ground()
        .render(target, limits, cancel)
}

/// Datasets to merge, and how.
pub(crate) struct Mosaic<'a> {
    layers: Vec<Layer<'a>>,
    bands: usize,
    format: &'a DataMapping,
    resampling: Resampling,
    ground: bool,
}

struct Layer<'a> {
    source: &'a DatasetSource,
    plan: CastPlan,
    opened: Option<Source>,
}

impl<'a> Mosaic<'a> {
    /// Checks that the datasets go together. No file is opened.
    pub(crate) fn plan(
        sources: &'a [DatasetSource],
        format: &'a DataMapping,
        resampling: Resampling,
    ) -> Result<Self> {
        let Some(first) = sources.first() else {
            return Err(domain::Error::invalid("datasets: expected at least one").into());
        };
        let bands = first.bands.count();
        if sources.iter().any(|source| source.bands.count() != bands) {
            return Err(domain::Error::invalid("Bands number is not constant").into());
        }
        let layer = |source: &'a DatasetSource| {
            Ok(Layer {
                source,
                plan: CastPlan::new(&source.mapping, format)?,
                opened: None,
            })
        };
        Ok(Self {
            layers: sources.iter().map(layer).collect::<Result<_>>()?,
            bands,
            format,
            resampling,
            ground: false,
        })
    }

    /// Lets samples without data stay the values that they are, below all data, where the format has no sample for
    /// holes and nothing else tells them.
    pub(crate) fn on_ground(self) -> Self {
        let ground = Side::of(&self.format.format).hole.is_none();
        Self { ground, ..self }
    }

    /// Whether samples without data are painted.
    pub(crate) fn is_on_ground(&self) -> bool {
        self.ground
    }

    /// Rows of the tallest blocks of the datasets, when all are open and their pixels are those of the target.
    pub(crate) fn aligned_block_rows(&self, target: &Target) -> Option<usize> {
        let rows = |layer: &Layer<'_>| {
            let source = layer.opened.as_ref()?;
            warp::is_aligned(source, target, self.resampling).then_some(source.info.block.1)
        };
        let rows = self.layers.iter().map(rows).collect::<Option<Vec<_>>>()?;
        rows.into_iter().max()
    }

    /// The only dataset, once it is open.
    pub(crate) fn single(&self) -> Option<&Source> {
        match self.layers.as_slice() {
            [layer] => layer.opened.as_ref(),
            _ => None,
        }
    }

    /// Opens every file, to be kept for several renderings.
    pub(crate) fn open(&mut self) -> Result<()> {
        for layer in &mut self.layers {
            layer.opened = Some(Source::open(layer.source)?);
        }
        Ok(())
    }

    /// Renders one grid. Files not opened yet are opened one after the other and closed again.
    pub(crate) fn render(
        &self,
        target: &Target,
        limits: &Limits,
        cancel: &dyn Fn() -> bool,
    ) -> Result<Image> {
        let mut image = Image::empty(
            &self.format.format,
            self.bands,
            target.size,
            limits.image_bytes,
        )?;
        let has_ground = |layer: &Layer<'_>| self.ground && layer.plan.marks_holes();
        if let [only] = self.layers.as_slice() {
            let part = if has_ground(only) {
                warp::Layer::Both
            } else {
                warp::Layer::Data
            };
            self.paint(only, part, target, limits, cancel, &mut image)?;
            return Ok(image);
        }
        for layer in self.layers.iter().filter(|layer| has_ground(layer)) {
            let part = warp::Layer::Ground;
            self.paint(layer, part, target, limits, cancel, &mut image)?;
        }
        for layer in &self.layers {
            let part = warp::Layer::Data;
            self.paint(layer, part, target, limits, cancel, &mut image)?;
        }
        Ok(image)
    }

    fn paint(
        &self,
        layer: &Layer<'_>,
        part: warp::Layer,
        target: &Target,
        limits: &Limits,
        cancel: &dyn Fn() -> bool,
        image: &mut Image,
    ) -> Result<()> {
        if cancel() {
            return Err(Error::Cancelled);
        }
        let own;
        let source = if let Some(source) = &layer.opened {
            source
        } else {
            own = Source::open(layer.source)?;
            &own
        };
        let mut task = warp::Task {
            target,
            kernel: self.resampling,
            plan: &layer.plan,
            limits,
            cancel,
            image: &mut *image,
            layer: part,
        };
        task.paint(source)?;
        image.add_reads(source.take_reads());
        Ok(())
    }
}
