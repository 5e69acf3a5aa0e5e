//! Bands of consolidated files, side by side in each pixel or each in tiles of its own: what is read is the same.

use crate::scene::{Look, Scene, file_values, holed, plain, render, source, target, values};
use crate::tools::text;
use domain::{DType, RecordId, Resampling};
use gdal::{Dataset, Metadata};
use imaging::{ConsolidateSpec, Limits, RecordSources, consolidate};
use std::{collections::BTreeMap, fs, path::Path};

const GRID: [f64; 6] = [500_000.0, 10.0, 0.0, 5_000_000.0, 0.0, -10.0];

/// Multiples of the coarsest factor: the nearest pixels are the same ones whether GDAL makes an overview of the one before
/// (bands side by side) or of the full resolution (bands apart).
const SIZE: (usize, usize) = (328, 200);

/// What files are made of.
#[derive(Clone, Copy, Debug)]
struct Case {
    dtype: DType,
    bands: usize,
    block: (u32, u32),
    kernel: Resampling,
    pattern: &'static str,
    params: &'static [(&'static str, &'static str)],
    exact: bool,
}

impl Case {
    fn numbers(&self) -> Vec<i64> {
        (1..=self.bands as i64).collect()
    }

    fn spec(&self, images: &[std::path::PathBuf], interleave: Option<&str>) -> ConsolidateSpec {
        let mapping = plain(self.dtype, 0.0);
        let record = |image: &std::path::PathBuf| RecordSources {
            id: RecordId::new(),
            sources: vec![source(image, &self.numbers(), mapping)],
        };
        let params = self.params.iter().copied();
        let params = params.chain(interleave.map(|name| ("INTERLEAVE", name)));
        ConsolidateSpec {
            records: images.iter().map(record).collect(),
            target: target(32632, GRID, SIZE.0 as u32, SIZE.1 as u32),
            mapping,
            bands: self.bands,
            block_size: self.block,
            overviews_min_size: 64,
            interlacing_pattern: self.pattern.to_owned(),
            resampling: Resampling::Near,
            overview_resampling: self.kernel,
            creation_params: params
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .collect::<BTreeMap<_, _>>(),
            zstd_level: 1,
            limits: Limits::default(),
        }
    }
}

/// Samples of every level of every band as GDAL reads them, and how it says that the bands are stored.
fn by_library(address: &str) -> (Vec<Vec<f64>>, Option<String>) {
    let dataset = Dataset::open(address).unwrap();
    let mut samples = Vec::new();
    for number in 1..=dataset.raster_count() {
        let band = dataset.rasterband(number).unwrap();
        samples.push(band.read_band_as::<f64>().unwrap().data().to_vec());
        for overview in 0..band.overview_count().unwrap() {
            let overview = band.overview(overview as usize).unwrap();
            samples.push(overview.read_band_as::<f64>().unwrap().data().to_vec());
        }
    }
    let interleave = dataset.metadata_item("INTERLEAVE", "IMAGE_STRUCTURE");
    (samples, interleave)
}

fn address(file: &Path, records: usize, index: usize) -> String {
    match records {
        1 => text(file),
        _ => format!("GTIFF_DIR:{}:{}", index + 1, text(file)),
    }
}

#[test]
fn bands_apart_hold_what_bands_side_by_side_hold() {
    const USUAL: &str = "Z=0>T>R>B;R>Z=1:>T>B";
    let usual = Case {
        dtype: DType::UInt16,
        bands: 3,
        block: (64, 64),
        kernel: Resampling::Average,
        pattern: USUAL,
        params: &[("COMPRESS", "ZSTD"), ("PREDICTOR", "2")],
        exact: true,
    };
    for case in [
        usual,
        Case { bands: 1, ..usual },
        Case {
            dtype: DType::Float32,
            bands: 2,
            block: (128, 32),
            pattern: "R>Z>T>B",
            params: &[("COMPRESS", "DEFLATE"), ("PREDICTOR", "3")],
            ..usual
        },
        Case {
            dtype: DType::UInt8,
            bands: 4,
            kernel: Resampling::Near,
            pattern: "B>Z>R>T",
            params: &[],
            ..usual
        },
        Case {
            dtype: DType::Int16,
            pattern: "Z>T>B>R",
            params: &[("COMPRESS", "LZW"), ("PREDICTOR", "2")],
            ..usual
        },
        // by GDAL alone, without an alpha band
        Case {
            dtype: DType::Int16,
            params: &[("COMPRESS", "PACKBITS")],
            ..usual
        },
        // with an alpha band
        Case {
            dtype: DType::Int16,
            params: &[("COMPRESS", "LERC_ZSTD"), ("MAX_Z_ERROR", "0.01")],
            ..usual
        },
        // with an alpha band and a mask
        Case {
            dtype: DType::UInt8,
            params: &[("COMPRESS", "JPEG"), ("JPEG_QUALITY", "90")],
            exact: false,
            ..usual
        },
    ] {
        let scene = Scene::new();
        let look = Look {
            dtype: case.dtype,
            bands: case.bands,
            size: SIZE,
            transform: GRID,
            ..Look::default()
        };
        let images: Vec<_> = (0..3)
            .map(|date| {
                let sample = |band, x, y| holed(band + date, x, y);
                scene.raster(&format!("{date}.tif"), look, sample)
            })
            .collect();
        for records in [1, 3] {
            check(case, &scene, &images[..records]);
        }
    }
}

/// Makes a file each way and compares them.
fn check(case: Case, scene: &Scene, images: &[std::path::PathBuf]) {
    let mapping = plain(case.dtype, 0.0);
    let records = images.len();
    let write = |name: &str, interleave| {
        let out = scene.path(name);
        let spec = case.spec(images, interleave);
        consolidate(&spec, scene.folder(), &out, 2, &|| false).unwrap();
        out
    };
    let unsaid = write("unsaid.tif", None);
    let pixel = write("pixel.tif", Some("PIXEL"));
    let band = write("band.tif", Some("band"));
    assert_eq!(planes(&unsaid), planes(&pixel), "{case:?}");
    for file in [&unsaid, &pixel] {
        assert!(planes(file).iter().all(|planes| *planes == 1), "{case:?}");
    }
    let stored = Dataset::open(address(&band, records, 0)).unwrap();
    let stored = stored.raster_count() as u32;
    assert!(planes(&band).iter().all(|planes| *planes == stored));
    for (index, image) in images.iter().enumerate() {
        let what = format!("{case:?}, record {index} of {records}");
        let (expected, _) = by_library(&address(&pixel, records, index));
        let (found, interleave) = by_library(&address(&band, records, index));
        if stored > 1 {
            assert_eq!(interleave.as_deref(), Some("BAND"), "{what}");
        }
        let original = file_values(&text(image));
        if case.exact {
            // below transparent pixels lies anything
            let alpha = stored as usize > case.bands;
            assert!(alpha || found == expected, "{what}: levels differ for GDAL");
            let levels = found.len() / stored as usize;
            let full = found.into_iter().step_by(levels).take(case.bands);
            let full: Vec<f64> = full.flatten().collect();
            assert!(holes_aside(&full, &original), "{what}: not what it was");
        }
        let cube = |file: &Path| {
            let mut dataset = source(file, &case.numbers(), mapping);
            if records > 1 {
                dataset.subdir = format!("GTIFF_DIR:{}", index + 1);
            }
            let spec = case.spec(images, None);
            values(&render(
                &[dataset],
                &spec.target,
                &mapping,
                Resampling::Near,
            ))
        };
        let (expected, found) = (cube(&pixel), cube(&band));
        assert_eq!(cube(&unsaid), expected, "{what}");
        if case.exact {
            assert!(found == expected && found == original, "{what}: cubes");
            continue;
        }
        let holes = |samples: &[f64]| {
            samples
                .iter()
                .map(|value| *value == 0.0)
                .collect::<Vec<_>>()
        };
        assert_eq!(holes(&found), holes(&original), "{what}");
        let apart = found.iter().zip(&original).map(|(a, b)| (a - b).abs());
        let mean = apart.sum::<f64>() / found.len() as f64;
        assert!(mean < 8.0, "{what}: {mean} apart on average");
    }
    if records == 1 {
        let header = cog::File::read(&fs::read(&band).unwrap()).unwrap();
        cog::validate_cog(&header.records[0]).unwrap();
    }
}

/// Whether samples are the same where there is data.
fn holes_aside(found: &[f64], original: &[f64]) -> bool {
    let mut pairs = found.iter().zip(original);
    found.len() == original.len() && pairs.all(|(a, b)| a == b || *b == 0.0)
}

/// Planes of every image of a file, masks aside.
fn planes(file: &Path) -> Vec<u32> {
    let header = cog::File::read(&fs::read(file).unwrap()).unwrap();
    let levels = header.records.iter().flat_map(|record| &record.levels);
    levels.map(|level| level.image.tags.planes()).collect()
}

#[test]
fn tiles_of_planes_follow_the_pattern() {
    let scene = Scene::new();
    let look = Look {
        dtype: DType::UInt16,
        bands: 3,
        size: SIZE,
        transform: GRID,
        ..Look::default()
    };
    let images: Vec<_> = (0..2)
        .map(|date| {
            let sample = |band, x, y| (1 + band + date + x + y) as f64;
            scene.raster(&format!("{date}.tif"), look, sample)
        })
        .collect();
    for (pattern, first, then) in [
        // the planes of a tile follow each other, or the tiles of a plane
        ("R>Z>T>B", (0, 0, 0), [(0, 1, 0), (0, 2, 0)]),
        ("B>R>Z>T", (0, 0, 0), [(0, 0, 1), (0, 0, 2)]),
        ("Z>T>B>R", (0, 0, 0), [(1, 0, 0), (0, 1, 0)]),
        ("B=2,0,1>R>Z>T", (0, 2, 0), [(0, 2, 1), (0, 2, 2)]),
    ] {
        let case = Case {
            dtype: DType::UInt16,
            bands: 3,
            block: (64, 64),
            kernel: Resampling::Near,
            pattern,
            params: &[],
            exact: true,
        };
        let out = scene.path("out.tif");
        let spec = case.spec(&images, Some("BAND"));
        consolidate(&spec, scene.folder(), &out, 1, &|| false).unwrap();
        let header = cog::File::read(&fs::read(&out).unwrap()).unwrap();
        // tiles of full resolution, (record, plane, row) of the first column
        let mut places = Vec::new();
        for (record, found) in header.records.iter().enumerate() {
            let main = found.main();
            for plane in 0..3 {
                for row in 0..main.tags.blocks_down() {
                    let index = main.tags.block_index(plane, 0, row).unwrap();
                    places.push((main.blocks[index].offset, (record, plane, row)));
                }
            }
        }
        places.sort_unstable();
        let order: Vec<_> = places.into_iter().map(|(_, place)| place).collect();
        assert_eq!(order[..3], [first, then[0], then[1]], "{pattern}");
    }
}
