//! Real images, from the folder that `GEOCUBE_SAMPLES` names: cubes of the program beside what GDAL's own tools read.

use crate::harness::{Downloader, record};
use rpc::pb;
use rpc::pb::data_format::Dtype;
use rpc::pb::get_cube_metadata_response::Response as Item;
use rpc::pb::{GeoTransform, Resampling, Size};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Sides of the images, in pixels.
const SIDE: i32 = 128;
const BANDS: usize = 3;

/// The grid of all the images.
const NATIVE: GeoTransform = GeoTransform {
    a: 563_200.0,
    b: 200.0,
    c: 0.0,
    d: 6_195_200.0,
    e: 0.0,
    f: -200.0,
};

/// Another grid, of web mercator, across the images.
const MERCATOR: GeoTransform = GeoTransform {
    a: 1_115_000.0,
    b: 350.0,
    c: 0.0,
    d: 7_530_000.0,
    e: 0.0,
    f: -350.0,
};

fn images() -> Vec<PathBuf> {
    let Some(folder) = std::env::var_os("GEOCUBE_SAMPLES") else {
        eprintln!("skipped: needs GEOCUBE_SAMPLES");
        return Vec::new();
    };
    if Command::new("gdalwarp").arg("--version").output().is_err() {
        eprintln!("skipped: needs the programs of GDAL (gdal-bin)");
        return Vec::new();
    }
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut images: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|end| end == "tif"))
        .collect();
    images.sort();
    images
}

fn format() -> pb::DataFormat {
    pb::DataFormat {
        dtype: Dtype::Int16.into(),
        no_data: -1.0,
        min_value: 0.0,
        max_value: 255.0,
    }
}

fn source(image: &Path) -> pb::InternalMeta {
    pb::InternalMeta {
        container_uri: image.to_str().unwrap().to_owned(),
        container_subdir: String::new(),
        bands: (1..=BANDS as i64).collect(),
        dformat: Some(format()),
        range_min: 0.0,
        range_max: 255.0,
        exponent: 1.0,
    }
}

/// One slice per image.
fn request(images: &[PathBuf], crs: &str, grid: GeoTransform) -> pb::GetCubeMetadataRequest {
    let meta = |image: &PathBuf| pb::DatasetMeta {
        internals_meta: vec![source(image)],
    };
    let group = |image: &PathBuf| pb::GroupedRecords {
        records: vec![record(&image.display().to_string())],
    };
    pb::GetCubeMetadataRequest {
        datasets_meta: images.iter().map(meta).collect(),
        grouped_records: images.iter().map(group).collect(),
        ref_dformat: Some(format()),
        resampling_alg: Resampling::Near.into(),
        pix_to_crs: Some(grid),
        crs: crs.to_owned(),
        size: Some(Size {
            width: SIDE,
            height: SIDE,
        }),
        ..Default::default()
    }
}

/// What GDAL's tools make of an image on a grid, the bands of a pixel side by side.
fn expected(image: &Path, scratch: &Path, crs: &str, grid: GeoTransform) -> Vec<u8> {
    let side = f64::from(SIDE);
    let (east, south) = (grid.a + side * grid.b, grid.d + side * grid.f);
    let corners = [grid.a, south, east, grid.d].map(|corner| corner.to_string());
    let (warped, raw) = (scratch.join("warped.tif"), scratch.join("raw"));
    let pixels = SIDE.to_string();
    let run = |program: &str, options: &[&str], paths: [&Path; 2]| {
        let output = Command::new(program).args(options).args(paths).output();
        let output = output.unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program}: {errors}");
    };
    let [west, south, east, north] = corners.each_ref().map(String::as_str);
    let place = ["-t_srs", crs, "-te", west, south, east, north];
    let shape = ["-ts", &pixels, &pixels, "-r", "near", "-q", "-overwrite"];
    run("gdalwarp", &[&place[..], &shape].concat(), [image, &warped]);
    let options = ["-q", "-of", "ENVI", "-co", "INTERLEAVE=BIP"];
    run("gdal_translate", &options, [&warped, &raw]);
    std::fs::read(raw).unwrap()
}

#[tokio::test]
async fn real_images_come_as_gdal_reads_them() {
    let images = images();
    let Some(first) = images.first() else { return };
    let scratch = tempfile::tempdir().unwrap();
    let downloader = Downloader::of_folder(first.parent().unwrap()).await;
    for (crs, grid) in [("EPSG:32632", NATIVE), ("EPSG:3857", MERCATOR)] {
        let items = downloader.cube(request(&images, crs, grid)).await.unwrap();
        let mut items = items.into_iter().peekable();
        let Some(Item::GlobalHeader(header)) = items.next() else {
            panic!("the first message is not the global header")
        };
        assert_eq!(header.count, images.len() as i64);
        for image in &images {
            let what = format!("{} in {crs}", image.display());
            let Some(Item::Header(header)) = items.next() else {
                panic!("expected the header of {what}")
            };
            assert_eq!((header.error.as_str(), header.dtype()), ("", Dtype::Int16));
            let mut samples = header.data.to_vec();
            while let Some(Item::Chunk(chunk)) =
                items.next_if(|item| matches!(item, Item::Chunk(_)))
            {
                samples.extend_from_slice(&chunk.data);
            }
            assert!(!header.compression, "{what}");
            let expected = expected(image, scratch.path(), crs, grid);
            assert_eq!(samples.len(), (SIDE * SIDE) as usize * BANDS * 2, "{what}");
            let hole = (-1_i16).to_le_bytes();
            assert!(expected.chunks(2).any(|sample| sample != hole), "{what}");
            assert!(samples == expected, "{what}");
        }
        assert!(items.next().is_none());
    }
}
