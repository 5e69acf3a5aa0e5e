//! Records that are a fitting file already.

use crate::scene::{Look, Scene, file_values, holed, plain, source, target};
use crate::tools::{available, run, text, words};
use domain::{DType, DataMapping, DatasetSource, RecordId, Resampling};
use imaging::{ConsolidateSpec, Limits, RecordSources, consolidate};
use std::{collections::BTreeMap, fs, path::Path};

const GRID: [f64; 6] = [500_000.0, 10.0, 0.0, 5_000_000.0, 0.0, -10.0];

pub fn record(sources: Vec<DatasetSource>) -> RecordSources {
    RecordSources {
        id: RecordId::new(),
        sources,
    }
}

pub fn spec(records: Vec<RecordSources>, mapping: DataMapping) -> ConsolidateSpec {
    ConsolidateSpec {
        records,
        target: target(32632, GRID, 300, 200),
        mapping,
        bands: 2,
        block_size: (64, 64),
        overviews_min_size: 64,
        interlacing_pattern: "Z=0>T>R>B;R>Z=1:>T>B".to_owned(),
        resampling: Resampling::Near,
        overview_resampling: Resampling::Average,
        creation_params: params(&[("COMPRESS", "ZSTD"), ("PREDICTOR", "2")]),
        zstd_level: 1,
        limits: Limits::default(),
    }
}

fn params(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    pairs.iter().map(owned).collect()
}

/// Encoded tiles of a record, level after level.
pub fn tiles(path: &Path, record: usize) -> Vec<Vec<u8>> {
    let bytes = fs::read(path).unwrap();
    let file = cog::File::read(&bytes).unwrap();
    let levels = file.records[record].levels.iter();
    let blocks = levels.flat_map(|level| &level.image.blocks);
    blocks
        .map(|block| bytes[block.offset as usize..][..block.len as usize].to_vec())
        .collect()
}

pub fn write(spec: &ConsolidateSpec, scene: &Scene, name: &str) -> std::path::PathBuf {
    let out = scene.path(name);
    consolidate(spec, scene.folder(), &out, 1, &|| false).unwrap();
    out
}

/// A file as consolidation writes it, but for the level of its compression, which readers do not see.
pub fn fitting(scene: &Scene, mapping: DataMapping) -> std::path::PathBuf {
    let look = Look {
        dtype: DType::UInt16,
        bands: 2,
        size: (300, 200),
        transform: GRID,
        ..Look::default()
    };
    let image = scene.raster("image.tif", look, holed);
    let mut made = spec(
        vec![record(vec![source(&image, &[1, 2], mapping)])],
        mapping,
    );
    made.creation_params
        .insert("ZSTD_LEVEL".to_owned(), "19".to_owned());
    write(&made, scene, "fitting.tif")
}

#[test]
fn the_tiles_of_a_fitting_file_are_copied() {
    let scene = Scene::new();
    let mapping = plain(DType::UInt16, 0.0);
    let file = fitting(&scene, mapping);
    let fits = || record(vec![source(&file, &[1, 2], mapping)]);
    let counts = storage::ReadCounts::default();
    let files = storage::LocalFiles::new(storage::AllowedRoots::All, Some(counts.clone()));
    imaging::set_local_files(files);
    let single = write(&spec(vec![fits()], mapping), &scene, "single.tif");
    assert_eq!(tiles(&single, 0), tiles(&file, 0));
    // read to see whether there is data, and read again to be copied
    let read = counts.take();
    let read = read.values().map(|count| count.bytes).sum::<u64>();
    let copied: usize = tiles(&file, 0).iter().map(Vec::len).sum();
    assert!(read >= 2 * copied as u64, "{read} of {copied} bytes");
    assert_eq!(file_values(&text(&single)), file_values(&text(&file)));

    // beside a record that is made
    let image = scene.path("image.tif");
    let made = record(vec![source(&image, &[1, 2], mapping)]);
    let several = write(&spec(vec![made, fits()], mapping), &scene, "several.tif");
    assert_ne!(tiles(&several, 0), tiles(&file, 0));
    assert_eq!(tiles(&several, 1), tiles(&file, 0));
    for number in 1..=2 {
        let address = format!("GTIFF_DIR:{number}:{}", text(&several));
        assert_eq!(file_values(&address), file_values(&text(&file)), "{number}");
    }
    let header = cog::File::read(&fs::read(&several).unwrap()).unwrap();
    let name = header.records[1].main().tags.document_name.clone().unwrap();
    assert!(name.starts_with("cog_tiff_"), "{name}");
}

#[test]
fn a_file_of_bands_apart_is_copied_where_they_are_asked_for_apart() {
    let scene = Scene::new();
    let mapping = plain(DType::UInt16, 0.0);
    fitting(&scene, mapping);
    let order = |file: &Path, interleave: &str| {
        let mut order = spec(vec![record(vec![source(file, &[1, 2], mapping)])], mapping);
        let interleave = ("INTERLEAVE".to_owned(), interleave.to_owned());
        order.creation_params.extend([interleave]);
        order
    };
    let mut made = order(&scene.path("image.tif"), "BAND");
    made.creation_params
        .insert("ZSTD_LEVEL".to_owned(), "19".to_owned());
    let apart = write(&made, &scene, "apart.tif");
    for (interleave, reused) in [("BAND", true), ("band", true), ("PIXEL", false)] {
        let again = write(&order(&apart, interleave), &scene, "again.tif");
        assert_eq!(tiles(&again, 0) == tiles(&apart, 0), reused, "{interleave}");
        assert_eq!(file_values(&text(&again)), file_values(&text(&apart)));
    }
}

#[test]
fn a_record_of_a_fitting_file_without_data_is_empty() {
    let scene = Scene::new();
    let mapping = plain(DType::UInt16, 0.0);
    let empty = write(
        &spec(vec![record(Vec::new())], mapping),
        &scene,
        "empty.tif",
    );
    let again = spec(
        vec![record(vec![source(&empty, &[1, 2], mapping)])],
        mapping,
    );
    let out = scene.path("again.tif");
    let summary = consolidate(&again, scene.folder(), &out, 1, &|| false).unwrap();
    assert_eq!(summary.empty_records, 1);
}

#[test]
fn a_file_of_the_other_byte_order_is_made_again() {
    if !available("gdal_translate") {
        return;
    }
    let scene = Scene::new();
    let mapping = plain(DType::UInt16, 0.0);
    let file = fitting(&scene, mapping);
    for (order, reused) in [("LITTLE", true), ("BIG", false)] {
        let copy = scene.path(&format!("{order}.tif"));
        let (from, to) = (text(&file), text(&copy));
        let options = format!(
            "-q -co TILED=YES -co BLOCKXSIZE=64 -co BLOCKYSIZE=64 -co COMPRESS=ZSTD -co PREDICTOR=2 \
             -co COPY_SRC_OVERVIEWS=YES -co ENDIANNESS={order} {from} {to}"
        );
        run("gdal_translate", &words(&options));
        let fits = spec(vec![record(vec![source(&copy, &[1, 2], mapping)])], mapping);
        let made = write(&fits, &scene, "made.tif");
        assert_eq!(tiles(&made, 0) == tiles(&copy, 0), reused, "{order}");
        assert_eq!(file_values(&text(&made)), file_values(&from), "{order}");
    }
}

#[test]
fn what_differs_in_anything_is_made_again() {
    type Change = fn(&mut ConsolidateSpec);
    let cases: [(&str, Change); 13] = [
        ("mapping of the target", |spec| {
            spec.mapping = plain(DType::UInt16, 65_535.0);
        }),
        ("mapping of the source", |spec| {
            spec.records[0].sources[0].mapping = plain(DType::UInt16, 65_535.0);
        }),
        ("type", |spec| spec.mapping = plain(DType::Int16, 0.0)),
        ("blocks", |spec| spec.block_size = (32, 64)),
        ("fewer overviews", |spec| spec.overviews_min_size = 128),
        ("no overviews", |spec| spec.overviews_min_size = 0),
        ("order of bands", |spec| {
            spec.records[0].sources[0].bands = domain::Bands::try_new(&[2, 1]).unwrap();
        }),
        ("place", |spec| {
            let mut moved = GRID;
            moved[0] += 10.0;
            spec.target = target(32632, moved, 300, 200);
        }),
        ("size", |spec| spec.target = target(32632, GRID, 299, 200)),
        ("codec", |spec| {
            spec.creation_params = params(&[("COMPRESS", "DEFLATE"), ("PREDICTOR", "2")]);
        }),
        ("predictor", |spec| {
            spec.creation_params = params(&[("COMPRESS", "ZSTD"), ("PREDICTOR", "1")]);
        }),
        ("interleave", |spec| {
            let apart = ("INTERLEAVE".to_owned(), "BAND".to_owned());
            spec.creation_params.extend([apart]);
        }),
        ("two datasets", |spec| {
            let twice = spec.records[0].sources[0].clone();
            spec.records[0].sources.push(twice);
        }),
    ];
    let scene = Scene::new();
    let mapping = plain(DType::UInt16, 0.0);
    let file = fitting(&scene, mapping);
    let copied = tiles(&file, 0);
    for (name, change) in cases {
        let mut spec = spec(vec![record(vec![source(&file, &[1, 2], mapping)])], mapping);
        change(&mut spec);
        let made = tiles(&write(&spec, &scene, "made.tif"), 0);
        let same = made
            .iter()
            .zip(&copied)
            .filter(|(made, copied)| made == copied);
        let filled = copied.iter().filter(|tile| !tile.is_empty()).count();
        assert!(filled > 20 && same.count() < filled / 2, "{name}");
    }
}

#[test]
fn a_file_in_degrees_is_reused_only_where_its_pixels_are_those_of_the_target() {
    const DEGREES: [f64; 6] = [2.0, 1e-6, 0.0, 45.0, 0.0, -1e-6];
    let scene = Scene::new();
    let mapping = plain(DType::UInt16, 0.0);
    let look = Look {
        dtype: DType::UInt16,
        bands: 2,
        size: (300, 200),
        transform: DEGREES,
        epsg: 4326,
        ..Look::default()
    };
    let image = scene.raster("image.tif", look, holed);
    let on = |transform, file: &Path| ConsolidateSpec {
        target: target(4326, transform, 300, 200),
        ..spec(vec![record(vec![source(file, &[1, 2], mapping)])], mapping)
    };
    let mut made = on(DEGREES, &image);
    made.creation_params
        .insert("ZSTD_LEVEL".to_owned(), "19".to_owned());
    let file = write(&made, &scene, "fitting.tif");
    let mut wider = DEGREES;
    // within 1e-8 of each other, and almost three pixels apart at the right edge
    wider[1] += 9e-9;
    let mut nudged = DEGREES;
    nudged[0] += 1e-14;
    for (transform, reused) in [(DEGREES, true), (nudged, true), (wider, false)] {
        let copied = tiles(&write(&on(transform, &file), &scene, "again.tif"), 0);
        assert_eq!(copied == tiles(&file, 0), reused, "{transform:?}");
    }
}
