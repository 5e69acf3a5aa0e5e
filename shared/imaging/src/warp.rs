//! From the grid of a source to the grid of an image.

mod aligned;
mod layer;
mod level;
mod nearest;
mod operations;
mod part;
mod window;

use crate::{
    Error, Image, Limits, Result, Target,
    cast::{CastPlan, Side},
    ffi::{self, Transformer, WarpJob, Window},
    raster::Raster,
    source::{Source, float_for},
};
pub(crate) use aligned::whole_offset;
use domain::{DType, GeoTransform, Resampling};
pub(crate) use layer::Layer;
use nearest::{Grids, PIXEL_BYTES, Picked, Picks};
use part::{Cut, Part};
use window::Need;

/// Whether pixels are only copied.
pub(crate) fn is_aligned(source: &Source, target: &Target, kernel: Resampling) -> bool {
    aligned::offset(source, None, target, kernel).is_some()
}

/// Share of source pixels below which a part is halved, when it has a longer side than the next constant.
const SPARSE: f64 = 0.5;
const SPARSE_SIDE: u32 = 100;

/// What to paint and how.
pub(crate) struct Task<'a> {
    pub(crate) target: &'a Target,
    pub(crate) kernel: Resampling,
    pub(crate) plan: &'a CastPlan,
    pub(crate) limits: &'a Limits,
    pub(crate) cancel: &'a dyn Fn() -> bool,
    pub(crate) image: &'a mut Image,
    pub(crate) layer: Layer,
}

/// What all the parts of one source share.
struct Warped<'s> {
    source: &'s Source,
    overview: Option<usize>,
    transformer: Transformer,
}

/// Degrees to move a target by, so that it meets the source.
fn revolutions(source: &Source, target: &Target) -> impl Iterator<Item = f64> + use<> {
    let own = source.info.transform.extent(source.info.size);
    let wanted = target.transform.extent(target.size);
    [0.0, -360.0, 360.0]
        .into_iter()
        .filter(move |turn| own.min.x < wanted.max.x + turn && wanted.min.x + turn < own.max.x)
}

/// The target as a source sees it. Longitudes are the same after each revolution: where both grids count the same
/// ones, the source is looked at from each side of the dateline.
fn seen(source: &Source, target: &Target) -> Vec<Target> {
    if !(source.crs().is_geographic() && source.crs().is_same(&target.crs)) {
        return vec![target.clone()];
    }
    let turned = |turn| {
        let mut seen = target.clone();
        seen.transform.0[0] += turn;
        seen
    };
    revolutions(source, target).map(turned).collect()
}

/// How the pixels of a source come to those of a target.
enum Way<'s> {
    /// One by one; with the position of the first target pixel in the source or its overview.
    Pasted {
        overview: Option<usize>,
        offset: (i64, i64),
    },
    Warped(Warped<'s>),
}

impl<'s> Way<'s> {
    fn of(source: &'s Source, target: &Target, kernel: Resampling) -> Result<Self> {
        if let Some(offset) = aligned::offset(source, None, target, kernel) {
            let overview = None;
            return Ok(Self::Pasted { overview, offset });
        }
        let warped = Warped::new(source, target)?;
        let overview = warped.overview;
        let offset =
            overview.and_then(|overview| aligned::offset(source, Some(overview), target, kernel));
        Ok(match offset {
            Some(offset) => Self::Pasted { overview, offset },
            None => Self::Warped(warped),
        })
    }
}

/// The windows of a source, or of its overviews, that painting it on a target reads; or larger ones.
pub(crate) fn windows(
    source: &Source,
    target: &Target,
    kernel: Resampling,
) -> Result<Vec<(Option<usize>, Window)>> {
    let mut windows = Vec::new();
    for target in seen(source, target) {
        let size = |overview| source.grid(overview).1;
        windows.extend(match Way::of(source, &target, kernel)? {
            Way::Pasted { overview, offset } => {
                aligned::overlap(size(overview), target.size, offset)
                    .map(|(window, _)| (overview, window))
            }
            Way::Warped(warped) => window::of_part(
                &warped.transformer,
                size(warped.overview),
                Part::whole(target.size),
                kernel,
            )
            .map(|need| (warped.overview, need.window)),
        });
    }
    Ok(windows)
}

impl Task<'_> {
    /// Paints what a source holds of the target.
    pub(crate) fn paint(&mut self, source: &Source) -> Result<()> {
        for target in seen(source, self.target) {
            Task {
                target: &target,
                image: &mut *self.image,
                ..*self
            }
            .paint_once(source)?;
        }
        Ok(())
    }

    fn paint_once(&mut self, source: &Source) -> Result<()> {
        let grids = (self.kernel == Resampling::Near).then(|| {
            let bytes = (self.pixel_bytes(source), self.limits.window_bytes);
            Grids::of(source, self.target, bytes)
        });
        if let Some(picks) = grids.as_ref().and_then(Grids::picks) {
            return self.pick(source, &picks);
        }
        let warped = match Way::of(source, self.target, self.kernel)? {
            Way::Pasted { overview, offset } => return self.paste(source, overview, offset),
            Way::Warped(warped) => warped,
        };
        let mut parts = Vec::new();
        let whole = Part::whole(self.target.size);
        self.divide(&warped, whole, Cut::Across, &mut parts)?;
        let Some(grids) = grids else {
            return parts
                .iter()
                .try_for_each(|(part, need)| self.warp_window(&warped, *part, need));
        };
        let mut picks = Picks {
            overview: warped.overview,
            parts: Vec::new(),
        };
        for (part, _) in parts {
            if let Some(picked) = Picked::find(&warped, self.target, part)? {
                self.pick_part(source, warped.overview, &picked)?;
                picks.parts.extend(grids.are_small().then_some(picked));
            }
        }
        if grids.are_small() {
            grids.keep(picks);
        }
        Ok(())
    }

    /// Copies the pixels that are known to be nearest.
    fn pick(&mut self, source: &Source, picks: &Picks) -> Result<()> {
        let mut parts = picks.parts.iter();
        parts.try_for_each(|picked| self.pick_part(source, picks.overview, picked))
    }

    fn pick_part(
        &mut self,
        source: &Source,
        overview: Option<usize>,
        picked: &Picked,
    ) -> Result<()> {
        self.go_on()?;
        let read = source.read_window(overview, picked.window, self.limits.window_bytes)?;
        for (ground, raster) in self.layer.of(read) {
            let (window, finish) = self.working(raster)?;
            let mut result = self.part_of(&window, picked.part)?;
            picked.gather(&window, &mut result);
            drop(window);
            self.put(ground, &result, &finish, picked.part.corner());
        }
        Ok(())
    }

    /// Copies pixels one by one, strip by strip. `offset` is the position of the first target pixel in the source or
    /// its overview.
    fn paste(
        &mut self,
        source: &Source,
        overview: Option<usize>,
        offset: (i64, i64),
    ) -> Result<()> {
        let (_, size) = source.grid(overview);
        let Some((window, at)) = aligned::overlap(size, self.target.size, offset) else {
            return Ok(());
        };
        let line = source.window_bytes(Window {
            height: 1,
            ..window
        });
        let rows = (self.limits.window_bytes / line.max(1)).max(1);
        let mut row = 0;
        while row < window.height {
            self.go_on()?;
            let left = window.height - row;
            let strip = Window {
                y: window.y + row,
                height: aligned::strip(window.y + row, left, rows, source.info.block.1),
                ..window
            };
            let mut raster = source.read_window(overview, strip, self.limits.window_bytes)?;
            let hole = raster.hole;
            for ground in self.layer.passes() {
                raster.hole = hole;
                if *ground {
                    raster.forget_hole();
                }
                let plan = self.plan_from(&raster);
                self.put(*ground, &raster, &plan, (at.0, at.1 + row));
            }
            row += strip.height;
        }
        Ok(())
    }

    /// Parts of the target with what each needs of the source: the halves of those that need too much memory, and
    /// none where the source does not reach.
    ///
    /// Positions are approximated along each row of a part. So where memory is short, parts whose nearest pixels are
    /// looked for are cut between rows (`cut`): which ones are found does not depend on the memory there is.
    fn divide(
        &self,
        warped: &Warped<'_>,
        part: Part,
        cut: Cut,
        parts: &mut Vec<(Part, Need)>,
    ) -> Result<()> {
        self.go_on()?;
        let (_, source_size) = warped.source.grid(warped.overview);
        let Some(need) = window::of_part(&warped.transformer, source_size, part, self.kernel)
        else {
            return Ok(());
        };
        let pixels = (need.window.pixels() as u64).max(part.size.pixels());
        let needed = pixels.saturating_mul(self.pixel_bytes(warped.source));
        let fits = needed <= self.limits.window_bytes;
        // GDAL's warper halves such parts too, and derives the width of its kernels from each.
        let sparse = cut == Cut::Across
            && need.fill < SPARSE
            && part.size.width.max(part.size.height) > SPARSE_SIDE;
        if fits && !sparse {
            parts.push((part, need));
            return Ok(());
        }
        let cut = match self.kernel {
            Resampling::Near if !sparse => Cut::BetweenRows,
            _ => cut,
        };
        let Some(halves) = part.halves(cut) else {
            return Err(Error::TooLarge {
                what: "the window of a source",
                needed,
                limit: self.limits.window_bytes,
            });
        };
        halves
            .into_iter()
            .try_for_each(|half| self.divide(warped, half, cut, parts))
    }

    fn warp_window(&mut self, warped: &Warped<'_>, part: Part, need: &Need) -> Result<()> {
        self.go_on()?;
        let limit = self.limits.window_bytes;
        let source = warped.source;
        let read = source.read_window(warped.overview, need.window, limit)?;
        for (ground, raster) in self.layer.of(read) {
            let (mut raster, finish) = self.working(raster)?;
            let at = part.corner();
            let target = self.target.part(at.0, at.1, part.size).transform;
            let mut result = self.part_of(&raster, part)?;
            warp(warped, &mut raster, need, &target, &mut result, self.kernel)
                .map_err(|reason| Error::gdal("warping", reason))?;
            drop(raster);
            self.put(ground, &result, &finish, at);
        }
        Ok(())
    }

    /// A part of the target without data, with samples like those of a window.
    fn part_of(&self, window: &Raster, part: Part) -> Result<Raster> {
        let shape = (
            window.bands,
            part.size.width as usize,
            part.size.height as usize,
        );
        Raster::empty(
            "a warped part",
            window.side(),
            shape,
            self.limits.window_bytes,
        )
    }

    fn put(&mut self, ground: bool, raster: &Raster, plan: &CastPlan, at: (usize, usize)) {
        if ground {
            self.image.paint_ground(raster, plan, at);
        } else {
            self.image.paint(raster, plan, at);
        }
    }

    /// The samples in the type in which they are warped, with a hole marker, and the cast that remains afterwards.
    ///
    /// Nothing is rounded twice: means of samples that are cast afterwards stay floating numbers until then.
    fn working(&self, mut raster: Raster) -> Result<(Raster, CastPlan)> {
        let limit = self.limits.window_bytes;
        let plan = self.plan_from(&raster);
        raster.holes_to_nan();
        if !plan.is_linear() && !picks(self.kernel) {
            let wide = float_for(plan.from.dtype).max_float(float_for(plan.to.dtype));
            let (first, second) = plan.over_float(wide);
            return Ok((raster.cast(&first.reading(raster.side()), limit)?, second));
        }
        let exact = plan.is_identity() || picks(self.kernel);
        let side = match raster.dtype {
            DType::Int8 if exact && raster.hole.is_some() => Side {
                dtype: DType::Int16,
                hole: raster.hole,
            },
            dtype if dtype.is_integer() && !(exact && raster.hole.is_some()) => {
                Side::float(float_for(dtype))
            }
            _ => return Ok((raster, plan.nan_holes())),
        };
        let converted = raster.cast(&CastPlan::convert(raster.side(), side), limit)?;
        Ok((converted, plan.reading(side)))
    }

    /// The cast of samples as they were read.
    fn plan_from(&self, raster: &Raster) -> CastPlan {
        self.plan.reading(raster.side())
    }

    /// Bytes of a pixel as it appears on the way: samples may become floating numbers of at most 8 bytes on both sides.
    fn pixel_bytes(&self, source: &Source) -> u64 {
        let float = float_for(source.info.dtype).max_float(float_for(self.plan.to.dtype));
        let samples = source.band_count() as u64 * float.size() as u64;
        match self.kernel {
            Resampling::Near => samples + PIXEL_BYTES,
            _ => samples,
        }
    }

    fn go_on(&self) -> Result<()> {
        if (self.cancel)() {
            Err(Error::Cancelled)
        } else {
            Ok(())
        }
    }
}

/// Kernels whose results are samples of the source.
fn picks(kernel: Resampling) -> bool {
    match kernel {
        Resampling::Near
        | Resampling::Mode
        | Resampling::Max
        | Resampling::Min
        | Resampling::Med
        | Resampling::Q1
        | Resampling::Q3 => true,
        Resampling::Bilinear
        | Resampling::Cubic
        | Resampling::CubicSpline
        | Resampling::Lanczos
        | Resampling::Average => false,
    }
}

trait MaxFloat {
    fn max_float(self, other: Self) -> Self;
}

impl MaxFloat for DType {
    /// The wider of two floating types.
    fn max_float(self, other: Self) -> Self {
        if other.size() > self.size() {
            other
        } else {
            self
        }
    }
}

impl<'s> Warped<'s> {
    fn new(source: &'s Source, target: &Target) -> Result<Self> {
        let failed = |reason| Error::gdal("transforming coordinates", reason);
        let operation = operations::between(source, &target.crs)?;
        let (grid, _) = source.grid(None);
        let mut transformer =
            Transformer::new(&grid, &target.transform, operation).map_err(failed)?;
        let overview = level::choose(source, target.size, &transformer);
        if overview.is_some() {
            let (grid, _) = source.grid(overview);
            transformer = transformer
                .between_grids(&grid, &target.transform)
                .map_err(failed)?;
        }
        Ok(Self {
            source,
            overview,
            transformer,
        })
    }
}

/// Warps the window of a source to a part of the target, whose transform is `target`.
fn warp(
    warped: &Warped<'_>,
    raster: &mut Raster,
    need: &Need,
    target: &GeoTransform,
    result: &mut Raster,
    kernel: Resampling,
) -> Result<(), String> {
    let (mut grid, _) = warped.source.grid(warped.overview);
    let origin = grid.apply(need.window.x as f64, need.window.y as f64);
    (grid.0[0], grid.0[3]) = (origin.x, origin.y);
    let transformer = warped.transformer.between_grids(&grid, target)?;
    let (bands, data_type) = (raster.bands, crate::dtype::to_gdal(raster.dtype));
    let hole = raster.hole.ok_or("a raster without hole marker")?;
    let target_size = (result.width, result.height);
    let (source, destination) = (raster.dataset()?, result.dataset()?);
    ffi::warp(&WarpJob {
        source: &source,
        target: &destination,
        target_size,
        bands,
        data_type,
        kernel: kernel.into(),
        hole,
        scale: need.scale,
        transformer: &transformer,
    })
}
