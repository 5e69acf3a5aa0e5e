use super::needs_alpha;
use domain::{DType, DataFormat};

#[test]
fn an_alpha_band_is_needed_for_lossy_files_with_holes() {
    let lossy = [("COMPRESS", "LERC"), ("MAX_Z_ERROR", "0.01")];
    let lossless = [("COMPRESS", "ZSTD"), ("PREDICTOR", "2")];
    let nan = f64::NAN;
    for (dtype, no_data, params, expected) in [
        (DType::UInt8, 0.0, &[("COMPRESS", "JPEG")][..], true),
        (DType::UInt8, nan, &[("COMPRESS", "JPEG")], false),
        (
            DType::UInt8,
            0.0,
            &[("COMPRESS", "JPEG"), ("JPEG_QUALITY", "100")],
            false,
        ),
        (DType::Float32, nan, &lossy, true),
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
        let params = params
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        let format = DataFormat::try_new(dtype, no_data, 0.0, 1.0).unwrap();
        assert_eq!(
            needs_alpha(&params, &format),
            expected,
            "{dtype} {no_data} {params:?}"
        );
    }
}
