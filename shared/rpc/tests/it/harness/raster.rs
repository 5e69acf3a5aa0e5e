//! Tiny rasters, written and read by the programs of GDAL.

use std::fs;
use std::path::Path;
use std::process::Command;

/// A georeferenced raster; samples by band, row by row.
#[derive(Clone, Debug)]
pub struct Raster {
    /// GDAL name of the sample type; `Int8` is written as signed bytes.
    pub dtype: &'static str,
    pub width: usize,
    pub height: usize,
    pub bands: Vec<Vec<f64>>,
    pub crs: &'static str,
    /// X of the west edge and Y of the north edge.
    pub origin: (f64, f64),
    /// Width and height of a pixel.
    pub pixel: f64,
    pub nodata: Option<f64>,
}

impl Raster {
    /// One band in UTM zone 31 north, at x 400 000 and y 5 000 000, of pixels of 10 m.
    pub fn utm(dtype: &'static str, width: usize, height: usize, samples: Vec<f64>) -> Self {
        assert_eq!(samples.len(), width * height);
        let (crs, origin, pixel) = ("EPSG:32631", (400_000.0, 5_000_000.0), 10.0);
        Self {
            dtype,
            width,
            height,
            bands: vec![samples],
            crs,
            origin,
            pixel,
            nodata: None,
        }
    }

    /// Writes a `GeoTIFF`.
    pub fn write(&self, path: &Path) {
        self.write_with(path, &[]);
    }

    /// Writes a `GeoTIFF` with more options of `gdal_translate`.
    pub fn write_with(&self, path: &Path, options: &[&str]) {
        let (west, north) = self.origin;
        let (east, south) = (
            west + self.width as f64 * self.pixel,
            north - self.height as f64 * self.pixel,
        );
        let corners = [west, north, east, south].map(|corner| corner.to_string());
        let nodata = self.nodata.map(|value| value.to_string());
        let mut more: Vec<&str> = vec!["-a_srs", self.crs, "-a_ullr"];
        more.extend(corners.iter().map(String::as_str));
        if let Some(nodata) = &nodata {
            more.extend(["-a_nodata", nodata]);
        }
        more.extend(options);
        self.write_bare(path, &more);
    }

    /// Writes a TIFF without any georeference but for what the options say.
    pub fn write_bare(&self, path: &Path, options: &[&str]) {
        let raw = path.with_extension("raw");
        let mut samples: Vec<u8> = self
            .bands
            .iter()
            .flatten()
            .flat_map(|sample| to_bytes(self.dtype, *sample))
            .collect();
        // GDAL does not look at files of less than two bytes
        samples.resize(samples.len().max(2), 0);
        fs::write(&raw, samples).unwrap();
        let (width, height, bands, code) =
            (self.width, self.height, self.bands.len(), envi(self.dtype));
        let header = format!(
            "ENVI\nsamples = {width}\nlines = {height}\nbands = {bands}\nheader offset = 0\nfile type = ENVI Standard\n\
             data type = {code}\ninterleave = bsq\nbyte order = 0\n"
        );
        fs::write(path.with_extension("hdr"), header).unwrap();
        let signed: &[&str] = if self.dtype == "Int8" {
            &["-co", "PIXELTYPE=SIGNEDBYTE"]
        } else {
            &[]
        };
        gdal(
            "gdal_translate",
            &[&["-q", "-of", "GTiff"], signed, options].concat(),
            &[&raw, path],
        );
    }
}

/// Whether the programs of GDAL are there; says so when they are not.
pub fn have_gdal() -> bool {
    let have = ["gdal_translate", "gdalwarp", "gdalinfo"]
        .iter()
        .all(|program| Command::new(program).arg("--version").output().is_ok());
    if !have {
        eprintln!("skipped: needs the programs of GDAL (gdal-bin)");
    }
    have
}

/// Runs a program of GDAL; answers what it prints.
#[track_caller]
pub fn gdal(program: &str, options: &[&str], paths: &[&Path]) -> String {
    let output = Command::new(program)
        .args(options)
        .args(paths)
        .env("GDAL_PAM_ENABLED", "NO")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{program} {options:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// Samples of a file by band, row by row, as GDAL reads them.
#[track_caller]
pub fn read(path: &Path, dtype: &str) -> Vec<f64> {
    let raw = path.with_extension("read.raw");
    gdal(
        "gdal_translate",
        &["-q", "-of", "ENVI", "-co", "INTERLEAVE=BSQ"],
        &[path, &raw],
    );
    from_bytes(dtype, &fs::read(raw).unwrap())
}

/// Little-endian samples as numbers; complex ones give two each.
pub fn from_bytes(dtype: &str, bytes: &[u8]) -> Vec<f64> {
    fn read<const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> f64) -> Vec<f64> {
        assert_eq!(bytes.len() % N, 0);
        bytes
            .chunks_exact(N)
            .map(|sample| number(sample.try_into().unwrap()))
            .collect()
    }
    match dtype {
        "Byte" => read(bytes, |[byte]| byte.into()),
        "Int8" => read(bytes, |[byte]| (byte as i8).into()),
        "UInt16" => read(bytes, |sample| u16::from_le_bytes(sample).into()),
        "Int16" => read(bytes, |sample| i16::from_le_bytes(sample).into()),
        "UInt32" => read(bytes, |sample| u32::from_le_bytes(sample).into()),
        "Int32" => read(bytes, |sample| i32::from_le_bytes(sample).into()),
        "Float32" | "CFloat32" => read(bytes, |sample| f32::from_le_bytes(sample).into()),
        "Float64" => read(bytes, f64::from_le_bytes),
        other => panic!("unknown type {other}"),
    }
}

fn to_bytes(dtype: &str, sample: f64) -> Vec<u8> {
    match dtype {
        "Byte" => vec![sample as u8],
        "Int8" => vec![sample as i8 as u8],
        "UInt16" => (sample as u16).to_le_bytes().to_vec(),
        "Int16" => (sample as i16).to_le_bytes().to_vec(),
        "UInt32" => (sample as u32).to_le_bytes().to_vec(),
        "Int32" => (sample as i32).to_le_bytes().to_vec(),
        "Float32" => (sample as f32).to_le_bytes().to_vec(),
        "Float64" => sample.to_le_bytes().to_vec(),
        "CFloat32" => [(sample as f32).to_le_bytes(), 0_f32.to_le_bytes()].concat(),
        other => panic!("unknown type {other}"),
    }
}

/// Code of a sample type in a header of ENVI.
fn envi(dtype: &str) -> u8 {
    match dtype {
        "Byte" | "Int8" => 1,
        "Int16" => 2,
        "Int32" => 3,
        "Float32" => 4,
        "Float64" => 5,
        "CFloat32" => 6,
        "UInt16" => 12,
        "UInt32" => 13,
        other => panic!("unknown type {other}"),
    }
}
