//! Files of one record, judged by the validator of rio-cogeo.

use crate::scene::{Look, Scene, holed, plain, source, target};
use crate::tools::{available, run, text};
use domain::{DType, RecordId, Resampling};
use imaging::{ConsolidateSpec, Limits, RecordSources, consolidate};

const GRID: [f64; 6] = [500_000.0, 10.0, 0.0, 5_000_000.0, 0.0, -10.0];

#[test]
fn files_of_one_record_are_cloud_optimised_for_rio_cogeo() {
    // its own environment, where a script made one
    let rio = std::env::var("GEOCUBE_TEST_RIO").unwrap_or_else(|_| "rio".to_owned());
    if !available(&rio) {
        return;
    }
    let scene = Scene::new();
    let out = scene.path("out.tif");
    for (dtype, bands, block_size, kernel, params) in [
        (DType::UInt16, 1, (256, 256), Resampling::Near, &[][..]),
        (
            DType::UInt16,
            2,
            (128, 128),
            Resampling::Average,
            &[("COMPRESS", "ZSTD"), ("PREDICTOR", "2")],
        ),
        (
            DType::Float32,
            1,
            (512, 128),
            Resampling::Average,
            &[("COMPRESS", "DEFLATE"), ("PREDICTOR", "3")],
        ),
        (
            DType::UInt8,
            3,
            (256, 256),
            Resampling::Near,
            &[("COMPRESS", "JPEG")],
        ),
        (
            DType::UInt16,
            3,
            (256, 256),
            Resampling::Average,
            &[("COMPRESS", "ZSTD"), ("INTERLEAVE", "BAND")],
        ),
        (
            DType::UInt8,
            3,
            (256, 256),
            Resampling::Near,
            &[("COMPRESS", "JPEG"), ("INTERLEAVE", "BAND")],
        ),
        (
            DType::UInt8,
            1,
            (64, 256),
            Resampling::Mode,
            &[("COMPRESS", "LZW")],
        ),
        (
            DType::Float32,
            1,
            (256, 256),
            Resampling::Average,
            &[("COMPRESS", "LERC"), ("MAX_Z_ERROR", "0.01")],
        ),
        (
            DType::Float64,
            1,
            (256, 256),
            Resampling::Average,
            &[("COMPRESS", "LERC_ZSTD"), ("MAX_Z_ERROR", "0")],
        ),
        (
            DType::UInt8,
            3,
            (256, 256),
            Resampling::Near,
            &[("COMPRESS", "WEBP")],
        ),
    ] {
        let mapping = plain(dtype, 0.0);
        let look = Look {
            dtype,
            bands,
            size: (900, 700),
            transform: GRID,
            ..Look::default()
        };
        let file = scene.raster("image.tif", look, holed);
        let numbers: Vec<i64> = (1..=bands as i64).collect();
        let spec = ConsolidateSpec {
            records: vec![RecordSources {
                id: RecordId::new(),
                sources: vec![source(&file, &numbers, mapping)],
            }],
            target: target(32632, GRID, 900, 700),
            mapping,
            bands,
            block_size,
            overviews_min_size: -1,
            interlacing_pattern: "R>Z>T>B".to_owned(),
            resampling: Resampling::Near,
            overview_resampling: kernel,
            creation_params: params
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect(),
            zstd_level: 1,
            limits: Limits::default(),
        };
        consolidate(&spec, scene.folder(), &out, 1, &|| false).unwrap();
        let told = run(&rio, &["cogeo", "validate", "--strict", &text(&out)]);
        let what = format!("{dtype} {bands} {block_size:?} {params:?}: {told}");
        assert!(
            told.contains("is a valid cloud optimized GeoTIFF"),
            "{what}"
        );
        assert!(!told.contains("warnings"), "{what}");
    }
}
