use super::scene::{Look, assert_same, create, fill, folder, format, noise, source, whole};
use domain::DType;
use gdal::{
    Dataset,
    config::{clear_thread_local_config_option, set_thread_local_config_option},
    raster::{Buffer, ColorInterpretation},
};
use std::path::Path;

const NAN: f64 = f64::NAN;

/// Adds a mask to the file, with noise for borders.
fn mask(file: &mut Dataset, size: (usize, usize)) {
    set_thread_local_config_option("GDAL_TIFF_INTERNAL_MASK", "YES").unwrap();
    let mut band = file.rasterband(1).unwrap();
    band.create_mask_band(true).unwrap();
    clear_thread_local_config_option("GDAL_TIFF_INTERNAL_MASK").unwrap();
    let values = noise(DType::UInt8, size.0 * size.1, Some(0.0));
    let values = values
        .into_iter()
        .map(|value| if value % 3 == 0 { 0 } else { 255 });
    let mut buffer = Buffer::new(size, values.collect::<Vec<u8>>());
    let mut mask = band.open_mask_band().unwrap();
    mask.write((0, 0), size, &mut buffer).unwrap();
}

fn masked(path: &Path, look: Look<'_>, overviews: &[i32]) {
    let mut file = create(path, look);
    fill(&mut file, look, whole(look.size));
    mask(&mut file, look.size);
    file.close().unwrap();
    if !overviews.is_empty() {
        let mut file = Dataset::open_ex(
            path,
            gdal::DatasetOptions {
                open_flags: gdal::GdalOpenFlags::GDAL_OF_UPDATE,
                ..Default::default()
            },
        )
        .unwrap();
        file.build_overviews("NEAREST", overviews, &[]).unwrap();
        file.close().unwrap();
    }
}

#[test]
fn masks_of_a_dataset_are_those_of_gdal() {
    let folder = folder();
    let path = folder.path().join("a.tif");
    for options in [
        &[][..],
        &[
            "COMPRESS=DEFLATE",
            "TILED=YES",
            "BLOCKXSIZE=64",
            "BLOCKYSIZE=64",
        ],
        &[
            "COMPRESS=ZSTD",
            "TILED=YES",
            "BLOCKXSIZE=48",
            "BLOCKYSIZE=32",
            "INTERLEAVE=BAND",
        ],
        &["ENDIANNESS=BIG"],
    ] {
        for dtype in [DType::UInt8, DType::Int16, DType::Float32] {
            let look = Look {
                dtype,
                bands: 2,
                options,
                ..Look::default()
            };
            masked(&path, look, &[]);
            for no_data in if dtype.is_integer() {
                [7.0, NAN]
            } else {
                [NAN, 7.0]
            } {
                let source = source(&path, "", &[2, 1], format(dtype, no_data));
                assert_same(&source, &format!("{dtype} {options:?} {no_data}"));
            }
        }
    }
}

#[test]
fn masks_of_overviews_are_those_of_gdal() {
    let folder = folder();
    let path = folder.path().join("a.tif");
    let look = Look {
        options: &[
            "COMPRESS=ZSTD",
            "TILED=YES",
            "BLOCKXSIZE=64",
            "BLOCKYSIZE=64",
        ],
        ..Look::default()
    };
    masked(&path, look, &[2, 4]);
    assert_same(
        &source(&path, "", &[1], format(DType::UInt16, 7.0)),
        "masked",
    );
}

#[test]
fn alpha_bands_are_those_of_gdal() {
    let folder = folder();
    let path = folder.path().join("a.tif");
    for dtype in [DType::UInt8, DType::UInt16, DType::Float32] {
        for interleave in ["INTERLEAVE=PIXEL", "INTERLEAVE=BAND"] {
            for alpha in [2, 4] {
                let look = Look {
                    dtype,
                    bands: alpha,
                    options: &["COMPRESS=DEFLATE", "ALPHA=YES", interleave],
                    ..Look::default()
                };
                let mut file = create(&path, look);
                file.rasterband(alpha)
                    .unwrap()
                    .set_color_interpretation(ColorInterpretation::AlphaBand)
                    .unwrap();
                fill(&mut file, look, whole(look.size));
                file.close().unwrap();
                let no_data = if dtype.is_integer() { 7.0 } else { NAN };
                let what = format!("{dtype} {interleave} {alpha}");
                let format = format(dtype, no_data);
                assert_same(&source(&path, "", &[1], format), &what);
                assert_same(&source(&path, "", &[1, alpha as i64], format), &what);
            }
        }
    }
}
