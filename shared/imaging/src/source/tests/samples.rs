use super::scene::{
    Look, assert_same, assert_window, by_library, create, file, fill, folder, format, opened,
    read_all, source,
};
use crate::{ffi::Window, source::Reads};
use domain::DType;
use proptest::prelude::*;

const NAN: f64 = f64::NAN;

const DTYPES: [DType; 9] = [
    DType::UInt8,
    DType::Int8,
    DType::UInt16,
    DType::Int16,
    DType::UInt32,
    DType::Int32,
    DType::Float32,
    DType::Float64,
    DType::Complex64,
];

const LAYOUTS: [&[&str]; 4] = [
    &[],
    &["BLOCKYSIZE=17"],
    &["TILED=YES", "BLOCKXSIZE=64", "BLOCKYSIZE=64"],
    &["TILED=YES", "BLOCKXSIZE=32", "BLOCKYSIZE=48"],
];

/// Options of a codec, and whether it exists for a type.
type Codec = (&'static [&'static str], fn(DType) -> bool);

const CODECS: [Codec; 8] = [
    (&[], |_| true),
    (&["COMPRESS=LZW"], |_| true),
    (&["COMPRESS=LZW", "PREDICTOR=2"], has_differences),
    (&["COMPRESS=DEFLATE"], |_| true),
    (&["COMPRESS=DEFLATE", "PREDICTOR=2"], has_differences),
    (&["COMPRESS=DEFLATE", "PREDICTOR=3"], is_real),
    (&["COMPRESS=ZSTD", "PREDICTOR=2"], has_differences),
    (&["COMPRESS=ZSTD", "PREDICTOR=3"], is_real),
];

fn has_differences(dtype: DType) -> bool {
    dtype != DType::Complex64
}

fn is_real(dtype: DType) -> bool {
    matches!(dtype, DType::Float32 | DType::Float64)
}

#[test]
fn every_type_codec_predictor_and_layout_has_the_samples_of_gdal() {
    let folder = folder();
    for dtype in DTYPES {
        for (codec, exists) in CODECS {
            for layout in LAYOUTS {
                for interleave in ["INTERLEAVE=PIXEL", "INTERLEAVE=BAND"] {
                    if !exists(dtype) {
                        continue;
                    }
                    let options = [codec, layout, &[interleave]].concat();
                    let look = Look {
                        dtype,
                        bands: 3,
                        options: &options,
                        ..Look::default()
                    };
                    let path = file(folder.path(), "a.tif", look);
                    let no_data = if dtype.is_integer() { 7.0 } else { NAN };
                    let what = format!("{dtype} {options:?}");
                    assert_same(&source(&path, "", &[3, 1], format(dtype, no_data)), &what);
                }
            }
        }
    }
}

#[test]
fn other_byte_orders_and_large_offsets_are_read() {
    let folder = folder();
    for dtype in DTYPES {
        for options in [
            &["ENDIANNESS=BIG"][..],
            &["ENDIANNESS=BIG", "COMPRESS=DEFLATE"],
            &[
                "ENDIANNESS=BIG",
                "TILED=YES",
                "BLOCKXSIZE=32",
                "BLOCKYSIZE=32",
                "BIGTIFF=YES",
            ],
            &["BIGTIFF=YES", "COMPRESS=ZSTD"],
        ] {
            let look = Look {
                dtype,
                bands: 2,
                options,
                ..Look::default()
            };
            let path = file(folder.path(), "a.tif", look);
            let format = format(dtype, if dtype.is_integer() { 7.0 } else { NAN });
            assert_same(
                &source(&path, "", &[1, 2], format),
                &format!("{dtype} {options:?}"),
            );
        }
    }
}

#[test]
fn blocks_that_are_not_stored_have_the_hole_marker_of_the_file() {
    let folder = folder();
    for (dtype, no_data) in [
        (DType::UInt8, None),
        (DType::UInt16, Some(9.0)),
        (DType::Int16, Some(-9999.0)),
        (DType::UInt8, Some(300.0)),
        (DType::Int8, Some(5.0)),
        (DType::Int8, Some(-5.0)),
        (DType::Float32, Some(-9999.5)),
        (DType::Float64, Some(NAN)),
        (DType::Complex64, Some(-1.0)),
    ] {
        for interleave in ["INTERLEAVE=PIXEL", "INTERLEAVE=BAND"] {
            let look = Look {
                dtype,
                bands: 2,
                no_data,
                options: &[
                    "TILED=YES",
                    "BLOCKXSIZE=32",
                    "BLOCKYSIZE=32",
                    "SPARSE_OK=TRUE",
                    "COMPRESS=ZSTD",
                    interleave,
                ],
                ..Look::default()
            };
            let path = folder.path().join("a.tif");
            let mut made = create(&path, look);
            let window = Window {
                x: 40,
                y: 50,
                width: 30,
                height: 40,
            };
            fill(&mut made, look, window);
            made.close().unwrap();
            let format = format(dtype, if dtype.is_integer() { 7.0 } else { NAN });
            let source = source(&path, "", &[2, 1], format);
            assert_same(&source, &format!("{dtype} {no_data:?}"));
        }
    }
}

#[test]
fn samples_of_another_type_than_the_indexed_one_are_cast() {
    let folder = folder();
    let look = Look {
        dtype: DType::Int16,
        options: &["COMPRESS=DEFLATE"],
        ..Look::default()
    };
    let path = file(folder.path(), "a.tif", look);
    for dtype in [DType::UInt8, DType::Float32, DType::Int32] {
        let format = format(dtype, if dtype.is_integer() { 0.0 } else { NAN });
        assert_same(&source(&path, "", &[1], format), dtype.name());
    }
}

#[test]
fn what_is_not_read_here_is_read_by_gdal() {
    let folder = folder();
    let read = |name: &str, look: Look<'_>| {
        let path = file(folder.path(), name, look);
        let format = format(look.dtype, if look.dtype.is_integer() { 0.0 } else { NAN });
        read_all(&source(&path, "", &[1], format)).unwrap()
    };
    let byte = |options| Look {
        dtype: DType::UInt8,
        options,
        ..Look::default()
    };
    let direct = Reads {
        direct: 1,
        library: 0,
    };
    let library = Reads {
        direct: 0,
        library: 1,
    };
    assert_eq!(read("plain.tif", byte(&[])), direct);
    for options in [
        &["COMPRESS=JPEG"][..],
        &["COMPRESS=PACKBITS"],
        &["NBITS=4"],
        &["NBITS=1"],
        &["COMPRESS=LZMA"],
    ] {
        assert_eq!(read("left.tif", byte(options)), library, "{options:?}");
    }
    let half = Look {
        dtype: DType::Float32,
        options: &["NBITS=16"],
        ..Look::default()
    };
    assert_eq!(read("half.tif", half), library);
}

#[test]
fn a_block_above_the_limit_is_left_to_gdal() {
    let folder = folder();
    let look = Look {
        options: &["COMPRESS=ZSTD", "BLOCKYSIZE=131"],
        ..Look::default()
    };
    let path = file(folder.path(), "a.tif", look);
    let source = source(&path, "", &[1], format(DType::UInt16, 0.0));
    let (direct, _) = opened(&source);
    let window = Window {
        x: 0,
        y: 0,
        width: 4,
        height: 4,
    };
    direct.read_window(None, window, 150 * 131 * 2 - 1).unwrap();
    assert_eq!(direct.take_reads().library, 1);
    direct.read_window(None, window, 150 * 131 * 2).unwrap();
    assert_eq!(direct.take_reads().direct, 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_window_has_the_samples_of_gdal(
        x in 0..150_usize, y in 0..131_usize, width in 1..150_usize, height in 1..131_usize,
        layout in prop::sample::select(LAYOUTS.to_vec()),
        codec in prop::sample::select(vec!["COMPRESS=NONE", "COMPRESS=ZSTD", "COMPRESS=LZW"]),
        interleave in prop::sample::select(vec!["INTERLEAVE=PIXEL", "INTERLEAVE=BAND"]),
        bands in prop::sample::select(vec![vec![1], vec![2], vec![3, 1], vec![1, 2, 3], vec![2, 2]]),
    ) {
        let folder = folder();
        let options = [layout, &[codec, interleave]].concat();
        let look = Look { bands: 3, options: &options, ..Look::default() };
        let path = file(folder.path(), "a.tif", look);
        let source = source(&path, "", &bands, format(DType::UInt16, 7.0));
        let (direct, library) = opened(&source);
        let window = Window { x, y, width: width.min(150 - x), height: height.min(131 - y) };
        assert_window(&direct, &library, None, window, &format!("{options:?}"));
    }
}

#[test]
fn files_that_differ_in_their_blocks_alone_are_told_apart() {
    let folder = folder();
    let described = |name: &str, options: &[&str]| {
        let look = Look {
            dtype: DType::UInt8,
            size: (20, 3000),
            options,
            ..Look::default()
        };
        let path = file(folder.path(), name, look);
        let source = source(&path, "", &[1], format(DType::UInt8, 7.0));
        let known = crate::source::Source::open(&source).unwrap();
        let expected = by_library(&source).unwrap();
        assert_eq!(
            format!("{:?}", known.info),
            format!("{:?}", expected.info),
            "{options:?}"
        );
    };
    // GDAL cuts the high strip of the last one into rows
    described("first.tif", &["BLOCKYSIZE=16"]);
    described("second.tif", &["BLOCKYSIZE=3000"]);
}
