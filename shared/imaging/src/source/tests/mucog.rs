use super::scene::{Look, assert_same, file, folder, format, read_all, source};
use crate::{ConsolidateSpec, Crs, Limits, RecordSources, Target, consolidate};
use domain::{Bands, DType, DataMapping, GeoTransform, RecordId, Resampling, Size};
use std::path::{Path, PathBuf};

const RECORDS: usize = 4;

fn mucog(
    folder: &Path,
    dtype: DType,
    pattern: &str,
    block: (u32, u32),
    params: &[(&str, &str)],
) -> PathBuf {
    let format = format(dtype, 7.0);
    let record = |index: usize| {
        let look = Look {
            dtype,
            bands: 2,
            size: (150 - 7 * index, 131 - 3 * index),
            no_data: Some(7.0),
            ..Look::default()
        };
        let path = file(folder, &format!("{index}.tif"), look);
        let mut source = source(&path, "", &[1, 2], format);
        source.bands = Bands::first(2);
        RecordSources {
            id: RecordId::new(),
            sources: vec![source],
        }
    };
    let spec = ConsolidateSpec {
        records: (0..RECORDS).map(record).collect(),
        target: Target {
            crs: Crs::parse("32632").unwrap(),
            transform: GeoTransform::try_new([500_000.0, 10.0, 0.0, 5_000_000.0, 0.0, -10.0])
                .unwrap(),
            size: Size {
                width: 192,
                height: 160,
            },
        },
        mapping: DataMapping::identity(format),
        bands: 2,
        block_size: block,
        overviews_min_size: 32,
        interlacing_pattern: pattern.to_owned(),
        resampling: Resampling::Near,
        overview_resampling: Resampling::Near,
        creation_params: params
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect(),
        zstd_level: 1,
        limits: Limits::default(),
    };
    let out = folder.join("mucog.tif");
    consolidate(&spec, folder, &out, 2, &|| false).unwrap();
    out
}

#[test]
fn records_of_a_mucog_are_those_of_gdal_whatever_its_pattern() {
    let folder = folder();
    for pattern in [
        "Z=0>T>R>B;R>Z=1:>T>B",
        "Z>T>R>B",
        "R>Z>T>B",
        "R>Z=1:>T>B;R>Z=0>T>B",
    ] {
        for (dtype, block, params) in [
            (
                DType::UInt16,
                (64, 64),
                &[("COMPRESS", "ZSTD"), ("PREDICTOR", "2")][..],
            ),
            (
                DType::Int16,
                (64, 32),
                &[("COMPRESS", "DEFLATE"), ("INTERLEAVE", "BAND")],
            ),
            (DType::UInt8, (64, 64), &[]),
        ] {
            let path = mucog(folder.path(), dtype, pattern, block, params);
            for record in 1..=RECORDS {
                let subdir = format!("GTIFF_DIR:{record}");
                let source = source(&path, &subdir, &[1, 2], format(dtype, 7.0));
                assert_same(&source, &format!("{subdir} of {pattern} {dtype}"));
            }
            assert_same(
                &source(&path, "", &[2], format(dtype, 7.0)),
                "the first record",
            );
            let none = source(&path, "GTIFF_DIR:5", &[1], format(dtype, 7.0));
            assert!(
                read_all(&none)
                    .unwrap_err()
                    .to_string()
                    .contains("GTIFF_DIR:5")
            );
        }
    }
}
