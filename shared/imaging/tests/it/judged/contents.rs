//! What the files of requests hold: bands, complex numbers, opacity.

use super::request::{Layer, Request};
use crate::scene::{Look, Scene, file_values};
use crate::tools::{run, text, words};
use domain::{DType, Resampling};
use std::fs;
use std::path::{Path, PathBuf};

/// What a file holds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Contents {
    /// One band of real numbers.
    #[default]
    Band,
    /// Several of them.
    Bands(usize),
    /// One band of complex numbers.
    Complex,
    /// Several bands, and their opacity as one more.
    Opacity(usize),
    /// Several bands, and a mask for all of them.
    Mask(usize),
}

const REAL: [DType; 8] = [
    DType::UInt8,
    DType::Int8,
    DType::UInt16,
    DType::Int16,
    DType::UInt32,
    DType::Int32,
    DType::Float32,
    DType::Float64,
];

/// Kernels that GDAL has for complex numbers.
const LINEAR: [Resampling; 6] = [
    Resampling::Near,
    Resampling::Bilinear,
    Resampling::Cubic,
    Resampling::CubicSpline,
    Resampling::Lanczos,
    Resampling::Average,
];

impl Contents {
    pub fn bands(self) -> usize {
        match self {
            Self::Band | Self::Complex => 1,
            Self::Bands(bands) | Self::Opacity(bands) | Self::Mask(bands) => bands,
        }
    }

    pub fn dtypes(self) -> &'static [DType] {
        match self {
            Self::Band | Self::Bands(_) => &REAL,
            Self::Complex => &[DType::Complex64],
            Self::Opacity(_) | Self::Mask(_) => &[DType::UInt8],
        }
    }

    pub fn kernels(self) -> &'static [Resampling] {
        match self {
            Self::Complex => &LINEAR,
            _ => &Resampling::ALL,
        }
    }

    /// Whether the file says which pixels hold data, rather than a marker among its samples.
    pub fn tells_opacity(self) -> bool {
        matches!(self, Self::Opacity(_) | Self::Mask(_))
    }
}

/// Writes the file of a layer.
pub fn write(scene: &Scene, request: &Request, layer: &Layer, dtype: DType) -> PathBuf {
    let name = format!("{}{dtype}", layer.phase);
    let contents = request.contents;
    let marker = request.has_holes() && !contents.tells_opacity();
    let bands = match contents {
        Contents::Band => 1,
        Contents::Complex => 2,
        Contents::Bands(bands) => bands,
        Contents::Opacity(bands) | Contents::Mask(bands) => bands + 1,
    };
    let tiles = ["TILED=YES", "BLOCKXSIZE=64", "BLOCKYSIZE=64"];
    let apart = [&tiles[..], &["INTERLEAVE=BAND"]].concat();
    let look = Look {
        dtype: if contents == Contents::Complex {
            DType::Float32
        } else {
            dtype
        },
        bands,
        size: layer.size,
        transform: layer.transform,
        crs: Some(&layer.crs),
        no_data: marker.then_some(request.no_data),
        options: if layer.phase == 1 { &apart } else { &tiles },
        ..Look::default()
    };
    let opacity = contents.bands();
    let path = scene.raster(&format!("{name}.tif"), look, |band, x, y| {
        let hole = request.is_hole(layer.phase, x, y);
        if contents.tells_opacity() && band == opacity {
            return if hole { 0.0 } else { 255.0 };
        }
        // the imaginary part of a marker is 0
        if contents == Contents::Complex && band == 1 && hole {
            return 0.0;
        }
        request.sample(layer.phase, band, x, y)
    });
    let made = scene.path(&format!("{name}-made.tif"));
    match contents {
        Contents::Band | Contents::Bands(_) => return path,
        Contents::Complex => complex(request, layer, &path, &made),
        Contents::Opacity(bands) => translate(&path, &made, &shown(bands, "-b", "-colorinterp_")),
        Contents::Mask(bands) => translate(&path, &made, &shown(bands, "-mask", "")),
    }
    made
}

/// Options that keep some bands and make the one behind them their opacity.
fn shown(bands: usize, how: &str, interpretation: &str) -> String {
    let kept: Vec<String> = (1..=bands).map(|band| format!("-b {band}")).collect();
    let (kept, last) = (kept.join(" "), bands + 1);
    let alpha = if interpretation.is_empty() {
        String::new()
    } else {
        format!("{interpretation}{last} alpha")
    };
    format!("{kept} {how} {last} {alpha} --config GDAL_TIFF_INTERNAL_MASK YES")
}

fn translate(from: &Path, to: &Path, options: &str) {
    let (from, to) = (text(from), text(to));
    let line = format!("-q -co TILED=YES -co BLOCKXSIZE=64 -co BLOCKYSIZE=64 {options}");
    run("gdal_translate", &[words(&line), vec![from, to]].concat());
}

/// Makes complex numbers of two bands.
fn complex(request: &Request, layer: &Layer, parts: &Path, to: &Path) {
    let (width, height) = layer.size;
    let transform = layer
        .transform
        .map(|number| format!("{number:e}"))
        .join(", ");
    let part = |band| {
        let file = text(parts);
        format!(
            "<SimpleSource><SourceFilename>{file}</SourceFilename><SourceBand>{band}</SourceBand></SimpleSource>"
        )
    };
    let dataset = format!(
        "<VRTDataset rasterXSize=\"{width}\" rasterYSize=\"{height}\"><GeoTransform>{transform}</GeoTransform>\
         <VRTRasterBand dataType=\"CFloat32\" band=\"1\" subClass=\"VRTDerivedRasterBand\">\
         <PixelFunctionType>complex</PixelFunctionType><SourceTransferType>Float32</SourceTransferType>\
         {}{}</VRTRasterBand></VRTDataset>",
        part(1),
        part(2)
    );
    let virtual_file = to.with_extension("vrt");
    fs::write(&virtual_file, dataset).unwrap();
    let mut options = words("-q -co TILED=YES -co BLOCKXSIZE=64 -co BLOCKYSIZE=64");
    options.extend(["-a_srs".to_owned(), layer.crs.clone()]);
    if request.has_holes() {
        options.extend(["-a_nodata".to_owned(), request.no_data.to_string()]);
    }
    options.extend([text(&virtual_file), text(to)]);
    run("gdal_translate", &options);
}

/// Samples of the bands of a file, both parts of complex ones.
pub fn samples(request: &Request, file: &Path) -> Vec<f64> {
    if request.contents != Contents::Complex {
        let mut values = file_values(&text(file));
        // gdalwarp may have added the opacity of what it wrote
        let size = request.target.size;
        values.truncate(size.pixels() as usize * request.contents.bands());
        return values;
    }
    let raw = file.with_extension("raw");
    let line = words("-q -of ENVI");
    let paths = vec![text(file), text(&raw)];
    run("gdal_translate", &[line, paths].concat());
    let bytes = fs::read(raw).unwrap();
    let (numbers, _) = bytes.as_chunks::<4>();
    let numbers = numbers.iter().map(|bytes| f32::from_le_bytes(*bytes));
    numbers.map(f64::from).collect()
}
