use super::scene::{LIMIT, Look, by_library, file, folder, format, source, whole};
use crate::source::Source;
use domain::{DType, DatasetSource};
use std::fs;

/// The error of a reader, or what it read.
fn outcome(opened: crate::Result<Source>) -> Result<Vec<u8>, String> {
    let source = opened.map_err(|error| error.to_string())?;
    let size = source.info.size;
    let window = whole((size.width as usize, size.height as usize));
    source
        .read_window(None, window, LIMIT)
        .map(|raster| raster.samples)
        .map_err(|error| error.to_string())
}

fn both(source: &DatasetSource) -> [Result<Vec<u8>, String>; 2] {
    [outcome(Source::open(source)), outcome(by_library(source))]
}

#[test]
fn damaged_files_have_the_errors_of_gdal() {
    let folder = folder();
    for options in [
        &[
            "COMPRESS=ZSTD",
            "TILED=YES",
            "BLOCKXSIZE=64",
            "BLOCKYSIZE=64",
        ][..],
        &["COMPRESS=DEFLATE"],
        &[],
    ] {
        let look = Look {
            options,
            ..Look::default()
        };
        let path = file(folder.path(), "a.tif", look);
        let bytes = fs::read(&path).unwrap();
        let source = source(&path, "", &[1], format(DType::UInt16, 7.0));
        let [ours, expected] = both(&source);
        assert!(ours.is_ok() && ours == expected);
        for cut in (0..bytes.len()).step_by(bytes.len() / 30) {
            fs::write(&path, &bytes[..cut]).unwrap();
            let [ours, expected] = both(&source);
            assert_eq!(ours, expected, "{options:?} cut at {cut}");
        }
        let mut state = 99_u32;
        let mut failed = 0;
        for _ in 0..60 {
            let mut scrambled = bytes.clone();
            for _ in 0..3 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let at = (state >> 4) as usize % scrambled.len();
                scrambled[at] ^= 0x5a;
            }
            fs::write(&path, &scrambled).unwrap();
            let [ours, expected] = both(&source);
            failed += usize::from(ours.is_err());
            if let (Err(ours), Err(expected)) = (&ours, &expected) {
                assert_eq!(ours, expected);
            }
        }
        assert!(failed > 0 || options.is_empty(), "{options:?}");
    }
}
