use super::scene::{Look, assert_same, file, folder, format, read_all, source};
use domain::DType;
use gdal::Dataset;
use std::path::Path;

fn add_overviews(path: &Path, factors: &[i32]) {
    let options = gdal::DatasetOptions {
        open_flags: gdal::GdalOpenFlags::GDAL_OF_UPDATE,
        ..Default::default()
    };
    let mut file = Dataset::open_ex(path, options).unwrap();
    file.build_overviews("AVERAGE", factors, &[]).unwrap();
    file.close().unwrap();
}

#[test]
fn overviews_are_those_of_gdal() {
    let folder = folder();
    for (dtype, options) in [
        (DType::UInt16, &[][..]),
        (
            DType::Int8,
            &[
                "COMPRESS=ZSTD",
                "TILED=YES",
                "BLOCKXSIZE=64",
                "BLOCKYSIZE=64",
            ],
        ),
        (
            DType::Float32,
            &["COMPRESS=DEFLATE", "PREDICTOR=3", "INTERLEAVE=BAND"],
        ),
        (DType::Complex64, &["COMPRESS=LZW"]),
    ] {
        let no_data = if dtype.is_integer() { 7.0 } else { f64::NAN };
        let look = Look {
            dtype,
            bands: 2,
            no_data: Some(no_data),
            options,
            ..Look::default()
        };
        let path = file(folder.path(), "a.tif", look);
        add_overviews(&path, &[2, 4, 8]);
        let source = source(&path, "", &[2, 1], format(dtype, no_data));
        assert_same(&source, &format!("{dtype} {options:?}"));
    }
}

#[test]
fn a_directory_of_a_chain_has_no_overviews_and_is_left_to_gdal() {
    let folder = folder();
    let path = file(folder.path(), "a.tif", Look::default());
    let of = |subdir: &str| source(&path, subdir, &[1], format(DType::UInt16, 7.0));
    assert_eq!(read_all(&of("GTIFF_DIR:1")).unwrap().direct, 1);
    add_overviews(&path, &[2, 4]);
    assert_eq!(read_all(&of("")).unwrap().direct, 1);
    assert_eq!(read_all(&of("GTIFF_DIR:1")).unwrap().library, 1);
    for overview_or_nothing in ["GTIFF_DIR:2", "GTIFF_DIR:9"] {
        assert!(read_all(&of(overview_or_nothing)).is_err());
    }
}

#[test]
fn overviews_out_of_order_are_left_to_gdal() {
    let folder = folder();
    let path = file(folder.path(), "a.tif", Look::default());
    add_overviews(&path, &[4]);
    add_overviews(&path, &[2]);
    let source = source(&path, "", &[1], format(DType::UInt16, 7.0));
    assert_eq!(read_all(&source).unwrap().library, 1);
}
