//! GDAL's warper.

use super::{
    errors::capture,
    mem::MemDataset,
    strings::Options,
    transformer::{Approximate, Transformer},
};
use domain::Resampling;
use gdal_sys::{
    CPLErr, CPLMalloc, GDALApproxTransform, GDALChunkAndWarpImage, GDALCreateWarpOperation,
    GDALCreateWarpOptions, GDALDataType, GDALDestroyWarpOperation, GDALDestroyWarpOptions,
    GDALResampleAlg, GDALWarpInitDefaultBandMapping, GDALWarpOptions,
};
use std::ffi::c_int;

/// Memory that one chunk of the warper may take, in bytes.
const CHUNK_MEMORY: f64 = 500.0 * 1024.0 * 1024.0;

/// Resampling kernel of the warper.
#[derive(Clone, Copy)]
pub(crate) struct Kernel(GDALResampleAlg::Type);

impl From<Resampling> for Kernel {
    fn from(kernel: Resampling) -> Self {
        Self(match kernel {
            Resampling::Near => GDALResampleAlg::GRA_NearestNeighbour,
            Resampling::Bilinear => GDALResampleAlg::GRA_Bilinear,
            Resampling::Cubic => GDALResampleAlg::GRA_Cubic,
            Resampling::CubicSpline => GDALResampleAlg::GRA_CubicSpline,
            Resampling::Lanczos => GDALResampleAlg::GRA_Lanczos,
            Resampling::Average => GDALResampleAlg::GRA_Average,
            Resampling::Mode => GDALResampleAlg::GRA_Mode,
            Resampling::Max => GDALResampleAlg::GRA_Max,
            Resampling::Min => GDALResampleAlg::GRA_Min,
            Resampling::Med => GDALResampleAlg::GRA_Med,
            Resampling::Q1 => GDALResampleAlg::GRA_Q1,
            Resampling::Q3 => GDALResampleAlg::GRA_Q3,
        })
    }
}

/// What to warp.
pub(crate) struct WarpJob<'a, 'b> {
    pub(crate) source: &'a MemDataset<'b>,
    /// Already filled with `hole`; as many bands, of the same type and size of sample.
    pub(crate) target: &'a MemDataset<'b>,
    pub(crate) target_size: (usize, usize),
    pub(crate) bands: usize,
    pub(crate) data_type: GDALDataType::Type,
    pub(crate) kernel: Kernel,
    /// Sample without data, in source and target.
    pub(crate) hole: f64,
    /// Target pixels per source pixel along both axes: decides how wide kernels are.
    pub(crate) scale: (f64, f64),
    /// From the pixels of `target` to those of `source` and back.
    pub(crate) transformer: &'a Transformer,
}

/// Warps every band of a dataset to another dataset.
pub(crate) fn warp(job: &WarpJob<'_, '_>) -> Result<(), String> {
    let approximate = Approximate::new(job.transformer)?;
    let options = WarpOptions::new(job, &approximate)?;
    let (width, height) = job.target_size;
    let (status, captured) = capture(|| {
        // SAFETY: the options describe two open datasets, and GDAL copies them.
        let operation = unsafe { GDALCreateWarpOperation(options.0) };
        if operation.is_null() {
            return CPLErr::CE_Failure;
        }
        // SAFETY: the operation exists and the rectangle is the whole target.
        let status =
            unsafe { GDALChunkAndWarpImage(operation, 0, 0, width as c_int, height as c_int) };
        // SAFETY: created above, destroyed only here.
        unsafe { GDALDestroyWarpOperation(operation) };
        status
    });
    if status == CPLErr::CE_None {
        Ok(())
    } else {
        Err(captured.text())
    }
}

struct WarpOptions(*mut GDALWarpOptions);

impl WarpOptions {
    fn new(job: &WarpJob<'_, '_>, transformer: &Approximate<'_>) -> Result<Self, String> {
        // SAFETY: allocates a structure with defaults, or aborts.
        let owned = Self(unsafe { GDALCreateWarpOptions() });
        // SAFETY: the pointer was just made and nothing else uses it; null is answered.
        let options = unsafe { owned.0.as_mut() }.ok_or("no memory for the options")?;
        options.papszWarpOptions = Options::new([
            ("INIT_DEST", "NO_DATA"),
            // no UNIFIED_SRC_NODATA: each band has holes of its own, and a target pixel whose source pixel is a hole in
            // all of them is one, as with the mask or the alpha band of a file
            // other threads could not use the transformer, whose operation belongs to this one
            ("NUM_THREADS", "1"),
            ("XSCALE", &job.scale.0.to_string()),
            ("YSCALE", &job.scale.1.to_string()),
        ])
        .into_ptr();
        options.dfWarpMemoryLimit = CHUNK_MEMORY;
        options.eResampleAlg = job.kernel.0;
        options.eWorkingDataType = job.data_type;
        options.hSrcDS = job.source.dataset().c_dataset();
        options.hDstDS = job.target.dataset().c_dataset();
        options.pfnTransformer = Some(GDALApproxTransform);
        options.pTransformerArg = transformer.as_ptr();
        options.padfSrcNoDataReal = repeated(job.hole, job.bands);
        options.padfDstNoDataReal = repeated(job.hole, job.bands);
        if matches!(job.data_type, GDALDataType::GDT_CFloat32) {
            options.padfSrcNoDataImag = repeated(job.hole, job.bands);
            options.padfDstNoDataImag = repeated(job.hole, job.bands);
        }
        // SAFETY: the structure is complete but for the bands, which this call allocates and fills.
        unsafe { GDALWarpInitDefaultBandMapping(owned.0, job.bands as c_int) };
        Ok(owned)
    }
}

impl Drop for WarpOptions {
    fn drop(&mut self) {
        // SAFETY: made by `new`; its arrays and lists were allocated by GDAL's allocator, as it expects.
        unsafe { GDALDestroyWarpOptions(self.0) };
    }
}

/// An array of equal numbers in GDAL's memory.
fn repeated(value: f64, count: usize) -> *mut f64 {
    // SAFETY: `CPLMalloc` never returns null (it aborts), and its memory is aligned for any number.
    let array = unsafe { CPLMalloc(count * size_of::<f64>()) }.cast::<f64>();
    for index in 0..count {
        // SAFETY: `index` lies inside the `count` numbers just allocated.
        unsafe { array.add(index).write(value) };
    }
    array
}
