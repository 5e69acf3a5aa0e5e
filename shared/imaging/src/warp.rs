//! From the grid of a source to the grid of an image.

mod aligned;
mod level;
mod window;

use crate::{
    Error, Image, Limits, Result, Target,
    cast::{CastPlan, Side},
    ffi::{self, Between, Transformer, WarpJob, Window},
    raster::Raster,
    source::{Source, float_for},
};
pub(crate) use aligned::whole_offset;
use domain::{DType, Point, Resampling, Size, footprint::Project};
use window::Need;

/// Whether pixels are only copied.
pub(crate) fn is_aligned(source: &Source, target: &Target, kernel: Resampling) -> bool {
    aligned::offset(source, None, target, kernel).is_some()
}

/// Sides below which a part of the target is not halved any more, in pixels.
const SMALLEST_PART: u32 = 8;

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
    /// Whether samples without data count as values: they lie below all data of images that have no sample for holes.
    pub(crate) ground: bool,
}

/// Part of a grid, in pixels.
#[derive(Clone, Copy, Debug)]
struct Part {
    column: u32,
    row: u32,
    size: Size,
}

/// What all the parts of one source share.
struct Warped<'s> {
    source: &'s Source,
    overview: Option<usize>,
    transformer: Transformer,
    systems: Between,
}

/// Degrees to move a target by, so that it meets the source.
fn revolutions(source: &Source, target: &Target) -> impl Iterator<Item = f64> + use<> {
    let own = source.info.transform.extent(source.info.size);
    let wanted = target.transform.extent(target.size);
    [0.0, -360.0, 360.0]
        .into_iter()
        .filter(move |turn| own.min.x < wanted.max.x + turn && wanted.min.x + turn < own.max.x)
}

impl Task<'_> {
    /// Paints what a source holds of the target. Longitudes are the same after each revolution: where
    /// both grids count the same ones, the source is looked at from each side of the dateline.
    pub(crate) fn paint(&mut self, source: &Source) -> Result<()> {
        if !(source.crs().is_geographic() && source.crs().is_same(&self.target.crs)) {
            return self.paint_once(source);
        }
        for turn in revolutions(source, self.target) {
            let mut transform = self.target.transform;
            transform.0[0] += turn;
            let target = Target {
                transform,
                ..self.target.clone()
            };
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
        if let Some(offset) = aligned::offset(source, None, self.target, self.kernel) {
            return self.paste(source, None, offset);
        }
        let warped = Warped::new(source, self.target)?;
        if let Some(overview) = warped.overview
            && let Some(offset) = aligned::offset(source, Some(overview), self.target, self.kernel)
        {
            return self.paste(source, Some(overview), offset);
        }
        let whole = Part {
            column: 0,
            row: 0,
            size: self.target.size,
        };
        self.warp_part(&warped, whole)
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
            let raster = self.read(source, overview, strip)?;
            let plan = self.plan_from(&raster);
            self.put(&raster, &plan, (at.0, at.1 + row));
            row += strip.height;
        }
        Ok(())
    }

    /// Warps a part, or its halves when it needs too much memory.
    fn warp_part(&mut self, warped: &Warped<'_>, part: Part) -> Result<()> {
        self.go_on()?;
        let (_, source_size) = warped.source.grid(warped.overview);
        let Some(need) = window::of_part(&warped.transformer, source_size, part, self.kernel)
        else {
            return Ok(());
        };
        // Samples may become floating numbers of at most 8 bytes on both sides.
        let pixels = (need.window.pixels() as u64).max(part.size.pixels());
        let needed =
            pixels.saturating_mul(warped.source.band_count() as u64 * self.widest(warped.source));
        let fits = needed <= self.limits.window_bytes;
        // GDAL's warper halves such parts too, and derives the width of its kernels from each.
        let sparse = need.fill < SPARSE && part.size.width.max(part.size.height) > SPARSE_SIDE;
        if fits && !sparse {
            return self.warp_window(warped, part, &need);
        }
        let Some(halves) = part.halves() else {
            return Err(Error::TooLarge {
                what: "the window of a source",
                needed,
                limit: self.limits.window_bytes,
            });
        };
        for half in halves {
            self.warp_part(warped, half)?;
        }
        Ok(())
    }

    fn warp_window(&mut self, warped: &Warped<'_>, part: Part, need: &Need) -> Result<()> {
        let limit = self.limits.window_bytes;
        let raster = self.read(warped.source, warped.overview, need.window)?;
        let (mut raster, finish) = self.working(raster)?;
        let at = (part.column as usize, part.row as usize);
        let target = self.target.part(at.0, at.1, part.size);
        let shape = (
            raster.bands,
            part.size.width as usize,
            part.size.height as usize,
        );
        let mut result = Raster::empty("a warped part", raster.side(), shape, limit)?;
        warp(warped, &mut raster, need, &target, &mut result, self.kernel)
            .map_err(|reason| Error::gdal("warping", reason))?;
        drop(raster);
        self.put(&result, &finish, at);
        Ok(())
    }

    fn read(&self, source: &Source, overview: Option<usize>, window: Window) -> Result<Raster> {
        let mut raster = source.read_window(overview, window, self.limits.window_bytes)?;
        if self.ground {
            raster.forget_hole();
        }
        Ok(raster)
    }

    fn put(&mut self, raster: &Raster, plan: &CastPlan, at: (usize, usize)) {
        if self.ground {
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

    /// Bytes of the widest sample that appears on the way.
    fn widest(&self, source: &Source) -> u64 {
        let float = float_for(source.info.dtype).max_float(float_for(self.plan.to.dtype));
        float.size() as u64
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

impl Part {
    fn halves(self) -> Option<[Self; 2]> {
        let Size { width, height } = self.size;
        if width.max(height) < 2 * SMALLEST_PART {
            return None;
        }
        let (mut first, mut second) = (self, self);
        if width > height {
            first.size.width = width / 2;
            second.column += width / 2;
            second.size.width = width - width / 2;
        } else {
            first.size.height = height / 2;
            second.row += height / 2;
            second.size.height = height - height / 2;
        }
        Some([first, second])
    }
}

impl<'s> Warped<'s> {
    fn new(source: &'s Source, target: &Target) -> Result<Self> {
        let systems = if source.crs().is_same(&target.crs) {
            Between::Nothing
        } else {
            Between::Operation {
                area: area_of(source),
            }
        };
        let handles = (source.crs().spatial_ref()?, target.crs.spatial_ref()?);
        let between = |overview| {
            let (transform, size) = source.grid(overview);
            let target = (&target.transform, target.size, &handles.1);
            Transformer::new((&transform, size, &handles.0), target, systems)
                .map_err(|reason| Error::gdal("transforming coordinates", reason))
        };
        let mut transformer = between(None)?;
        let overview = level::choose(source, target.size, &transformer);
        if overview.is_some() {
            transformer = between(overview)?;
        }
        Ok(Self {
            source,
            overview,
            transformer,
            systems,
        })
    }
}

/// West, south, east, north of the whole source in degrees, if it lies within one revolution.
fn area_of(source: &Source) -> Option<[f64; 4]> {
    const STEPS: u32 = 8;
    let (transform, size) = source.grid(None);
    let mut edge = Vec::with_capacity(4 * STEPS as usize);
    for step in 0..=STEPS {
        let share = f64::from(step) / f64::from(STEPS);
        let (x, y) = (
            f64::from(size.width) * share,
            f64::from(size.height) * share,
        );
        edge.push(transform.apply(x, 0.0));
        edge.push(transform.apply(x, f64::from(size.height)));
        edge.push(transform.apply(0.0, y));
        edge.push(transform.apply(f64::from(size.width), y));
    }
    let points: Vec<Point> = source.crs().to_lonlat(&edge).ok()?;
    let mut area = [f64::MAX, f64::MAX, f64::MIN, f64::MIN];
    for point in points {
        area[0] = area[0].min(point.x);
        area[1] = area[1].min(point.y);
        area[2] = area[2].max(point.x);
        area[3] = area[3].max(point.y);
    }
    let inside = area[0] >= -180.0 && area[2] <= 180.0 && area[1] >= -90.0 && area[3] <= 90.0;
    inside.then_some(area)
}

fn warp(
    warped: &Warped<'_>,
    raster: &mut Raster,
    need: &Need,
    target: &Target,
    result: &mut Raster,
    kernel: Resampling,
) -> Result<(), String> {
    let (transform, _) = warped.source.grid(warped.overview);
    let origin = transform.apply(need.window.x as f64, need.window.y as f64);
    let mut source_transform = transform;
    source_transform.0[0] = origin.x;
    source_transform.0[3] = origin.y;
    let handle = |crs: &crate::Crs| crs.spatial_ref().map_err(|error| error.to_string());
    let (bands, data_type) = (raster.bands, crate::dtype::to_gdal(raster.dtype));
    let hole = raster.hole.ok_or("a raster without hole marker")?;
    let target_size = (result.width, result.height);
    let mut source = raster.dataset()?;
    source.place(&source_transform, &handle(warped.source.crs())?)?;
    let mut destination = result.dataset()?;
    destination.place(&target.transform, &handle(&target.crs)?)?;
    ffi::warp(&WarpJob {
        source: &source,
        target: &destination,
        target_size,
        bands,
        data_type,
        kernel: kernel.into(),
        hole,
        scale: need.scale,
        systems: warped.systems,
    })
}
