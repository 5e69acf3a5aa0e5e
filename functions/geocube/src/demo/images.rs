//! Images of the user.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, bail};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use domain::{Bands, DType, Uri};
use imaging::inspect;

use super::scene::Scene;
use crate::screen;

/// The `GeoTIFF` files of a folder; those that cannot take part are named and left out.
///
/// # Errors
/// When the folder cannot be read or nothing is left.
pub fn scenes_of(folder: &Path) -> anyhow::Result<Vec<Scene>> {
    let folder = fs::canonicalize(folder)
        .with_context(|| format!("--images {}: cannot be reached", folder.display()))?;
    let entries = fs::read_dir(&folder)
        .with_context(|| format!("--images {}: not a folder", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| is_tiff(path))
        .collect();
    paths.sort();
    let mut scenes = Vec::new();
    for path in paths {
        let shown = path.display().to_string();
        match scene_of(path) {
            Ok(scene) => scenes.push(scene),
            Err(error) => screen::note(&format!("left out: {shown}: {error:#}")),
        }
    }
    if scenes.is_empty() {
        bail!(
            "--images {}: no GeoTIFF (*.tif, *.tiff) that can be used",
            folder.display()
        );
    }
    Ok(scenes)
}

fn is_tiff(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| {
        extension.eq_ignore_ascii_case("tif") || extension.eq_ignore_ascii_case("tiff")
    })
}

fn scene_of(path: PathBuf) -> anyhow::Result<Scene> {
    let text = path.to_str().context("its name is not UTF-8")?;
    let uri = Uri::parse(text)?;
    let found = inspect(&uri, "", &Bands::first(1))?;
    // colours when there are enough bands for them
    let bands = if found.bands >= 3 { 3 } else { 1 };
    let found = inspect(&uri, "", &Bands::first(bands))?;
    if found.dtype == DType::Complex64 {
        bail!("its samples are complex, which this demo does not draw");
    }
    let stem = path
        .file_stem()
        .and_then(|stem| stem.to_str())
        .unwrap_or("image");
    let time = match date_in(stem) {
        Some(date) => date.and_time(NaiveTime::MIN).and_utc(),
        None => fs::metadata(&path)?.modified().map(second)?,
    };
    let scene = Scene {
        name: name_of(stem),
        time,
        crs: found.crs,
        transform: found.transform,
        size: found.size,
        bands,
        dtype: found.dtype,
        no_data: found
            .no_data
            .filter(|marker| can_hold(found.dtype, *marker)),
        path,
    };
    // an area of the catalogue needs them
    scene
        .corners()
        .context("its corners have no longitude and latitude")?;
    Ok(scene)
}

/// Some files declare a marker that their samples cannot hold: it marks nothing.
fn can_hold(dtype: DType, marker: f64) -> bool {
    let (low, high) = dtype.bounds();
    (low..=high).contains(&marker) || (marker.is_nan() && dtype.is_float())
}

/// Records keep microseconds; nobody reads more than seconds from a file.
fn second(time: SystemTime) -> DateTime<Utc> {
    let time = DateTime::<Utc>::from(time);
    DateTime::from_timestamp(time.timestamp(), 0).unwrap_or(time)
}

/// The first `YYYYMMDD` that stands alone or goes on with a time.
fn date_in(name: &str) -> Option<NaiveDate> {
    name.split(|letter: char| !letter.is_ascii_digit())
        .filter(|digits| matches!(digits.len(), 8 | 12 | 14))
        .filter_map(|digits| NaiveDate::parse_from_str(&digits[..8], "%Y%m%d").ok())
        .find(|date| (1900..=2200).contains(&chrono::Datelike::year(date)))
}

/// The name with what names of records may not have replaced.
fn name_of(stem: &str) -> String {
    let plain = |letter: char| {
        let kept = letter.is_ascii_alphanumeric() || matches!(letter, '-' | ':' | '_');
        if kept { letter } else { '_' }
    };
    stem.chars().map(plain).take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_is_read_from_the_name() {
        for (name, date) in [
            (
                "S2B_MSIL1C_20190405T103029_N0207_20190406T124330",
                Some((2019, 4, 5)),
            ),
            ("scene-20240229", Some((2024, 2, 29))),
            ("id_99999999_20200101", Some((2020, 1, 1))),
            ("at-20200101235959", Some((2020, 1, 1))),
            ("20230229", None),
            ("120240101", None),
            ("image", None),
        ] {
            let expected = date.and_then(|(y, m, d)| NaiveDate::from_ymd_opt(y, m, d));
            assert_eq!(date_in(name), expected, "{name}");
        }
    }

    #[test]
    fn names_become_names_of_records() {
        assert_eq!(name_of("a b.c/é-1:2_3"), "a_b_c__-1:2_3");
        assert_eq!(name_of(&"x".repeat(500)).len(), 200);
    }

    #[test]
    fn a_folder_without_images_is_named() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.txt"), "x").unwrap();
        fs::write(folder.path().join("broken.tif"), "x").unwrap();
        let error = format!("{:#}", scenes_of(folder.path()).unwrap_err());
        assert!(error.contains("no GeoTIFF"), "{error}");
    }
}
