//! Damaged files end in typed errors or in pixels: whether they are indexed, merged to a cube, or consolidated.

use super::scene::{folder, format, source};
use crate::{
    ConsolidateSpec, Crs, Error, Limits, RecordSources, Target, consolidate, inspect, merge,
};
use cog::testing::{Sample, cpu_time, damaged, samples};
use domain::{Bands, DType, DatasetSource, GeoTransform, RecordId, Resampling, Size, Uri};
use std::{collections::BTreeMap, fs, path::Path, time::Duration};

/// Damages of each valid file, of which there are 56.
const SEEDS: u64 = 26;
/// Most CPU time of all that is done with one file.
const SLOW: Duration = Duration::from_secs(1);
const LIMITS: Limits = Limits {
    image_bytes: 4 << 20,
    window_bytes: 4 << 20,
};
/// Most memory that the whole corpus may add to the process, in kB.
const MEMORY: u64 = 256 << 10;

/// Most memory that the process has had, in kB.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let digits = line.unwrap().split_whitespace().nth(1);
    digits.unwrap().parse().unwrap()
}

fn dtype(sample: &Sample) -> DType {
    let pixels = (sample.size.0 * sample.size.1) as usize * usize::from(sample.bands);
    match sample.samples.len() / pixels {
        1 => DType::UInt8,
        2 => DType::UInt16,
        _ => DType::Float32,
    }
}

/// The grid of the files, or one that is warped.
fn target(warped: bool) -> Target {
    let (step, origin) = if warped {
        (13.0, 499_900.0)
    } else {
        (10.0, 500_000.0)
    };
    Target {
        crs: Crs::parse("EPSG:32631").unwrap(),
        transform: GeoTransform::try_new([origin, step, 0.0, 5_000_000.0, 0.0, -step]).unwrap(),
        size: Size::try_new(50, 37).unwrap(),
    }
}

/// What became of a file.
#[derive(Debug, Default)]
struct Ends {
    errors: usize,
    images: usize,
}

impl Ends {
    /// Counts an end, and looks whether its error is one that a file may cause.
    fn count<T>(&mut self, what: &str, ended: Result<T, Error>) -> Option<T> {
        match ended {
            Ok(done) => {
                self.images += 1;
                Some(done)
            }
            Err(error) => {
                let blamed = match &error {
                    Error::Gdal { .. }
                    | Error::Store { .. }
                    | Error::Cancelled
                    | Error::Io { .. }
                    | Error::Png(_) => false,
                    Error::Domain(_)
                    | Error::Open { .. }
                    | Error::NoBand { .. }
                    | Error::NoBounds { .. }
                    | Error::SampleType { .. }
                    | Error::Read { .. }
                    | Error::Unsupported(_)
                    | Error::TooLarge { .. }
                    | Error::Assemble { .. } => true,
                };
                assert!(blamed, "{what}: {error:?}");
                self.errors += 1;
                None
            }
        }
    }
}

fn cube(source: &DatasetSource, warped: bool) -> Result<Vec<u8>, Error> {
    let (target, mapping) = (target(warped), source.mapping);
    let sources = std::slice::from_ref(source);
    let image = merge(
        sources,
        &target,
        &mapping,
        Resampling::Near,
        &LIMITS,
        &|| false,
    )?;
    Ok(image.into_interleaved())
}

fn consolidated(source: &DatasetSource, to: &Path) -> Result<(), Error> {
    let spec = ConsolidateSpec {
        records: vec![RecordSources {
            id: RecordId::new(),
            sources: vec![source.clone()],
        }],
        target: target(false),
        mapping: source.mapping,
        bands: 2,
        block_size: (16, 16),
        overviews_min_size: 16,
        interlacing_pattern: "Z>T>R>B".to_owned(),
        resampling: Resampling::Near,
        overview_resampling: Resampling::Near,
        creation_params: BTreeMap::new(),
        zstd_level: 1,
        limits: LIMITS,
    };
    let workdir = to.parent().unwrap();
    consolidate(&spec, workdir, to, 1, &|| false).map(|_| ())
}

#[test]
fn a_thousand_damaged_files_end_in_typed_errors_or_pixels() {
    let folder = folder();
    let (path, out) = (folder.path().join("a.tif"), folder.path().join("out.tif"));
    let mut ends = Ends::default();
    // what GDAL and its caches take once is not the fault of a file
    let mut before = None;
    for (number, sample) in samples().into_iter().enumerate() {
        let source = source(&path, "", &[1, 2], format(dtype(&sample), 7.0));
        fs::write(&path, &sample.bytes).unwrap();
        let whole = cube(&source, false);
        let before = *before.get_or_insert_with(peak);
        for seed in 0..SEEDS {
            let (what, bytes) = damaged(&sample, seed + SEEDS * number as u64);
            fs::write(&path, bytes).unwrap();
            let start = cpu_time();
            let uri = Uri::parse(path.to_str().unwrap()).unwrap();
            ends.count(&what, inspect(&uri, "", &Bands::try_new(&[1, 2]).unwrap()));
            let aligned = ends.count(&what, cube(&source, false));
            ends.count(&what, cube(&source, true));
            if seed % 3 == 0 {
                ends.count(&what, consolidated(&source, &out));
            }
            let taken = cpu_time().saturating_sub(start);
            assert!(taken < SLOW, "{what}: {taken:?}");
            if let (Ok(whole), Some(found), true) = (&whole, aligned, what.starts_with("cut")) {
                assert!(found == *whole, "{what}");
            }
        }
        let more = peak() - before;
        assert!(more < MEMORY, "{more} kB after {}", sample.name);
    }
    assert!(ends.errors > 1000 && ends.images > 1000, "{ends:?}");
}
