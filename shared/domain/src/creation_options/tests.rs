use super::{Options, Validity, check_each, check_together};
use crate::{DType, DataFormat};

fn options(options: &[(&str, &str)]) -> Options {
    let options = options.iter();
    options
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

fn format(dtype: DType, no_data: f64) -> DataFormat {
    DataFormat::try_new(dtype, no_data, 0.0, 1.0).unwrap()
}

const NAN: f64 = f64::NAN;
const JPEG: (&str, &str) = ("COMPRESS", "JPEG");
const YCBCR: (&str, &str) = ("PHOTOMETRIC", "YCBCR");

#[test]
fn values_of_options_are_checked() {
    for (option, accepted) in [
        (("COMPRESS", "deflate"), true),
        (("COMPRESS", "FOO"), false),
        (("COMPRESS_OVERVIEW", "FOO"), false),
        (("ZSTD_LEVEL", "0.01"), true),
        (("ZSTD_LEVEL", "x"), false),
        (("ZSTD_LEVEL", "NaN"), false),
        (("ZLEVEL", "13"), false),
        (("PREDICTOR", "2"), true),
        (("PREDICTOR", "-1"), false),
        (("JPEG_QUALITY", "0"), false),
        (("MAX_Z_ERROR", "-1"), false),
        (("MAX_Z_ERROR", "0.5"), true),
        (YCBCR, true),
        (("PHOTOMETRIC", "PINK"), false),
        (("PHOTOMETRIC", "CIELAB"), false),
        (("PHOTOMETRIC", "CMYK"), false),
        (("JPEGTABLESMODE", "4"), false),
        (("JPEGTABLESMODE_OVERVIEW", "1"), false),
        (("INTERLEAVE", "PIXEL"), true),
        (("INTERLEAVE", "band"), true),
        (("INTERLEAVE", "LINE"), false),
        (("INTERLEAVE", ""), false),
        (("INTERLEAVE_OVERVIEW", "BAND"), false),
    ] {
        let checked = check_each(&options(&[option]));
        assert_eq!(checked.is_ok(), accepted, "{option:?} {checked:?}");
    }
    let error = check_each(&options(&[("ZSTD_LEVEL", "x")])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "creationParams ZSTD_LEVEL: \"x\", expected a number up to 22"
    );
    let error = check_each(&options(&[("INTERLEAVE", "LINE")])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "creationParams INTERLEAVE: \"LINE\", expected PIXEL or BAND"
    );
}

#[test]
fn bands_are_stored_apart_unless_their_picture_is_one() {
    const BAND: (&str, &str) = ("INTERLEAVE", "BAND");
    const PIXEL: (&str, &str) = ("INTERLEAVE", "PIXEL");
    for (given, bands, expected) in [
        (&[BAND][..], 1, ""),
        (&[BAND], 3, ""),
        (&[BAND, ("COMPRESS", "LERC_ZSTD")], 5, ""),
        (&[BAND, JPEG], 3, ""),
        (&[PIXEL, JPEG, YCBCR], 3, ""),
        (&[PIXEL, ("COMPRESS", "WEBP")], 3, ""),
        (&[BAND, JPEG, YCBCR], 3, "PIXEL with PHOTOMETRIC=YCBCR"),
        (
            &[("INTERLEAVE", "band"), ("COMPRESS", "webp")],
            3,
            "creationParams INTERLEAVE: \"band\", expected PIXEL with COMPRESS=webp",
        ),
        (
            &[BAND, ("COMPRESS_OVERVIEW", "WEBP")],
            3,
            "PIXEL with COMPRESS_OVERVIEW=WEBP",
        ),
    ] {
        let checked = check_together(&options(given), &format(DType::UInt8, 0.0), bands);
        let told = checked
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default();
        assert_eq!(told.is_empty(), expected.is_empty(), "{given:?}: {told}");
        assert!(told.contains(expected), "{given:?}: {told}");
    }
}

#[test]
fn what_no_file_can_have_is_refused() {
    const OVERVIEW: (&str, &str) = ("COMPRESS_OVERVIEW", "JPEG");
    const WEBP: (&str, &str) = ("COMPRESS", "WEBP");
    const FLOAT: (&str, &str) = ("PREDICTOR", "3");
    for (given, dtype, no_data, bands, expected) in [
        (&[JPEG][..], DType::UInt8, 0.0, 1, ""),
        (&[JPEG], DType::UInt8, 0.0, 4, ""),
        (&[JPEG], DType::UInt8, NAN, 5, "COMPRESS: \"JPEG\""),
        (&[JPEG], DType::Int8, 0.0, 5, ""),
        (
            &[JPEG],
            DType::UInt16,
            0.0,
            1,
            "JPEG not supported for data type UINT16",
        ),
        (
            &[OVERVIEW],
            DType::Float32,
            0.0,
            1,
            "JPEG not supported for data type FLOAT32",
        ),
        (&[WEBP], DType::UInt8, 0.0, 3, ""),
        (&[WEBP], DType::UInt8, NAN, 3, ""),
        (
            &[WEBP],
            DType::UInt8,
            NAN,
            1,
            "expected 3 bands with WEBP, found 1",
        ),
        (
            &[WEBP],
            DType::UInt8,
            NAN,
            4,
            "expected 3 bands with WEBP, found 4",
        ),
        (&[WEBP], DType::Int8, 0.0, 3, "WEBP not supported"),
        (
            &[("COMPRESS", "LERC")],
            DType::Complex64,
            NAN,
            1,
            "LERC not supported for data type COMPLEX64",
        ),
        (&[FLOAT], DType::Float64, NAN, 1, ""),
        (
            &[FLOAT],
            DType::UInt8,
            NAN,
            1,
            "PREDICTOR: \"3\", expected 1 or 2 for data type UINT8",
        ),
        (&[JPEG, YCBCR], DType::UInt8, 0.0, 3, ""),
        (
            &[JPEG, YCBCR],
            DType::UInt8,
            0.0,
            1,
            "PHOTOMETRIC: \"YCBCR\"",
        ),
        (&[YCBCR], DType::UInt8, 0.0, 3, "PHOTOMETRIC: \"YCBCR\""),
    ] {
        let format = format(dtype, no_data);
        let what = format!("{given:?} {format} {bands}");
        match check_together(&options(given), &format, bands) {
            Ok(()) => assert_eq!(expected, "", "{what}"),
            Err(error) => {
                let text = error.to_string();
                assert!(
                    !expected.is_empty() && text.contains(expected),
                    "{what}: {text}"
                );
            }
        }
    }
}

#[test]
fn an_alpha_band_is_needed_for_lossy_files_with_holes() {
    let lossy = [("COMPRESS", "LERC"), ("MAX_Z_ERROR", "0.01")];
    let lossless = [("COMPRESS", "ZSTD"), ("PREDICTOR", "2")];
    for (dtype, no_data, given, expected) in [
        (DType::UInt8, 0.0, &[JPEG][..], true),
        (DType::UInt8, NAN, &[JPEG], false),
        (DType::UInt8, 0.0, &[JPEG, ("JPEG_QUALITY", "100")], false),
        (DType::Float32, NAN, &lossy, true),
        (DType::Int16, -9999.0, &lossless, false),
        (
            DType::Float64,
            0.0,
            &[("COMPRESS", "LERC_ZSTD"), ("MAX_Z_ERROR", "0")],
            false,
        ),
        (DType::UInt8, 0.0, &[("JPEG_QUALITY_OVERVIEW", "80")], true),
        (DType::UInt8, 0.0, &[("COMPRESS", "WEBP")], true),
        (
            DType::UInt8,
            0.0,
            &[("COMPRESS", "WEBP"), ("WEBP_LOSSLESS", "TRUE")],
            false,
        ),
        (DType::UInt8, 0.0, &[("JXL_LOSSLESS", "NO")], true),
        (DType::UInt8, 0.0, &[], false),
    ] {
        let format = DataFormat::try_new(dtype, no_data, -1.0, 1.0)
            .or_else(|_| DataFormat::try_new(dtype, no_data, 0.0, 1.0))
            .unwrap();
        for bands in [1, 3] {
            let needed = Validity::of(&options(given), &format, bands);
            assert_eq!(needed.alpha, expected, "{format} {given:?}");
        }
    }
}

#[test]
fn what_would_blur_an_alpha_band_or_leaves_no_room_for_one_needs_a_mask() {
    const FULL: (&str, &str) = ("JPEG_QUALITY", "100");
    for (given, dtype, no_data, bands, alpha, mask) in [
        (&[JPEG][..], DType::UInt8, 0.0, 1, true, true),
        (&[JPEG], DType::UInt8, NAN, 1, false, false),
        (&[JPEG, FULL], DType::UInt8, 0.0, 3, false, true),
        (&[JPEG, YCBCR], DType::UInt8, 0.0, 3, false, true),
        (&[JPEG], DType::UInt8, 0.0, 4, false, true),
        (
            &[("COMPRESS_OVERVIEW", "JPEG")],
            DType::UInt8,
            0.0,
            1,
            true,
            true,
        ),
        (
            &[("MAX_Z_ERROR", "0.01")],
            DType::UInt16,
            0.0,
            1,
            true,
            false,
        ),
        (
            &[("MAX_Z_ERROR_OVERVIEW", "200")],
            DType::UInt16,
            0.0,
            1,
            true,
            true,
        ),
    ] {
        let format = format(dtype, no_data);
        assert_eq!(
            Validity::of(&options(given), &format, bands),
            Validity { alpha, mask },
            "{format} {given:?} {bands}"
        );
    }
}
