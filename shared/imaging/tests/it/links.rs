//! Local files under the rules for them: where a path leads when it is opened counts, for whoever reads, and nothing
//! before or after.

use crate::scene::{Look, Scene, pattern, plain, render, source, target, values};
use domain::{DType, DatasetSource, Resampling};
use imaging::{Error, Limits, inspect, merge, set_local_files};
use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    sync::OnceLock,
};
use storage::{AllowedRoots, LocalFiles, ReadCounts};

const GRID: [f64; 6] = [500_000.0, 10.0, 0.0, 5_000_000.0, 0.0, -10.0];

/// One that is read without GDAL, and one that is not.
const LOOKS: [(&str, &[&str]); 2] = [("direct", &["TILED=YES"]), ("library", &["COMPRESS=LZMA"])];

/// Rules for the whole process under which all tests go on: they read temporary files, their own and the samples.
fn rules() -> &'static ReadCounts {
    static COUNTS: OnceLock<ReadCounts> = OnceLock::new();
    COUNTS.get_or_init(|| {
        let counts = ReadCounts::default();
        let mut roots = vec![std::env::temp_dir(), env!("CARGO_MANIFEST_DIR").into()];
        roots.extend(std::env::var_os("GEOCUBE_SAMPLES").map(PathBuf::from));
        let readable = AllowedRoots::Below(roots);
        set_local_files(LocalFiles::new(readable, Some(counts.clone())));
        counts
    })
}

/// A folder that the rules do not open.
fn outside() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

fn merged(file: &DatasetSource) -> imaging::Result<imaging::Image> {
    let (sources, grid) = (std::slice::from_ref(file), target(32632, GRID, 64, 64));
    let (limits, kernel) = (Limits::default(), Resampling::Near);
    merge(sources, &grid, &file.mapping, kernel, &limits, &|| false)
}

fn assert_denied(file: &DatasetSource) {
    let denied = |error: Error| {
        let text = error.to_string();
        assert!(text.contains("allowedPaths"), "{text}");
        assert!(error.as_domain().is_some(), "{text}");
    };
    denied(inspect(&file.uri, "", &file.bands).unwrap_err());
    denied(merged(file).err().unwrap());
}

fn move_all(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
    fs::remove_dir_all(from).unwrap();
}

#[test]
fn a_file_that_became_a_link_out_of_the_roots_is_not_read() {
    rules();
    for (name, options) in LOOKS {
        let (scene, outside) = (Scene::new(), outside());
        let look = Look {
            options,
            ..Look::default()
        };
        fs::create_dir(scene.path("data")).unwrap();
        let path = scene.raster("data/a.tif", look, pattern);
        let file = source(&path, &[1], plain(DType::UInt8, 0.0));
        inspect(&file.uri, "", &file.bands).unwrap();
        assert!(merged(&file).unwrap().any_valid(), "{name}");

        let moved = outside.path().join("a.tif");
        fs::rename(&path, &moved)
            .or_else(|_| fs::copy(&path, &moved).and_then(|_| fs::remove_file(&path)))
            .unwrap();
        symlink(&moved, &path).unwrap();
        assert_denied(&file);

        fs::remove_file(&path).unwrap();
        move_all(&scene.path("data"), outside.path());
        symlink(outside.path(), scene.path("data")).unwrap();
        assert_denied(&file);
    }
}

#[test]
fn a_link_within_the_roots_is_followed() {
    rules();
    let scene = Scene::new();
    let path = scene.raster("a.tif", Look::default(), pattern);
    let link = scene.path("link.tif");
    symlink(&path, &link).unwrap();
    let file = source(&link, &[1], plain(DType::UInt8, 0.0));
    inspect(&file.uri, "", &file.bands).unwrap();
    assert!(merged(&file).unwrap().any_valid());
}

#[test]
fn the_reads_of_a_local_file_are_counted_whoever_reads_it() {
    let counts = rules();
    for (name, options) in LOOKS {
        let scene = Scene::new();
        let look = Look {
            options,
            ..Look::default()
        };
        let path = scene.raster("a.tif", look, |_, x, y| ((x * 7) ^ (y * 3)) as f64 % 251.0);
        let file = source(&path, &[1], plain(DType::UInt8, 255.0));
        let grid = target(32632, GRID, 64, 64);
        let image = render(
            std::slice::from_ref(&file),
            &grid,
            &file.mapping,
            Resampling::Near,
        );
        assert_eq!(image.reads().library > 0, name == "library", "{name}");
        assert!(values(&image).iter().any(|value| *value > 200.0));
        let count = counts.take().remove(&file.uri).unwrap();
        let size = fs::metadata(&path).unwrap().len();
        assert!(
            count.calls > 0 && count.bytes > size / 2,
            "{name}: {count:?}"
        );
    }
}
