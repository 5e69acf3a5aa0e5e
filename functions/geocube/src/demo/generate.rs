//! Imagery made up here: one landscape, seen through clouds on several days.

mod clouds;
mod geotiff;
mod landscape;
mod noise;

use std::fs;
use std::path::Path;

use anyhow::Context;
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use domain::footprint::Project;
use domain::{DType, GeoTransform, Point, Size};
use imaging::Crs;

use super::scene::Scene;
use landscape::Ground;

/// Width and height of a scene.
const SIDE: u32 = 384;
/// Metres per pixel.
const RESOLUTION: f64 = 20.0;
/// Hole marker: what clouds hide.
const NO_DATA: u16 = 0;
/// Days and the share of the sky in clouds.
const DAYS: [(i32, u32, u32, f64); 8] = [
    (2024, 1, 18, 0.25),
    (2024, 3, 3, 0.0),
    (2024, 4, 12, 0.35),
    (2024, 5, 27, 0.1),
    (2024, 7, 6, 0.0),
    (2024, 8, 20, 0.2),
    (2024, 10, 4, 0.45),
    (2024, 12, 13, 0.05),
];

/// Where a scene lies: its name, the code of its reference system and its top-left corner.
///
/// The first two overlap on one grid. The third one is in the next zone, across 6° E, and overlaps the second one.
const PLACES: [(&str, i32, f64, f64); 3] = [
    ("A", 32631, 728_000.0, 4_840_000.0),
    ("B", 32631, 733_000.0, 4_837_000.0),
    ("C", 32632, 255_500.0, 4_838_500.0),
];

/// Writes the images to a folder: three scenes a day, three bands of 16 bits each.
///
/// # Errors
/// When the folder cannot be written.
pub fn scenes_in(folder: &Path) -> anyhow::Result<Vec<Scene>> {
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let folder = fs::canonicalize(folder)?;
    let made = std::thread::scope(|scope| {
        let places: Vec<_> = PLACES
            .iter()
            .map(|place| {
                let folder = &folder;
                scope.spawn(move || scenes_of(place, folder))
            })
            .collect();
        places
            .into_iter()
            .map(|place| {
                place
                    .join()
                    .map_err(|_| anyhow::anyhow!("a generator broke"))?
            })
            .collect::<anyhow::Result<Vec<_>>>()
    })?;
    Ok(made.into_iter().flatten().collect())
}

fn scenes_of(
    &(place, srid, left, top): &(&str, i32, f64, f64),
    folder: &Path,
) -> anyhow::Result<Vec<Scene>> {
    let crs = Crs::parse(&format!("EPSG:{srid}"))?;
    let transform = GeoTransform::north_up(left, top, RESOLUTION);
    let size = Size {
        width: SIDE,
        height: SIDE,
    };
    let pixels = centres(&crs, &transform)?;
    let ground: Vec<Ground> = pixels.iter().map(|at| Ground::at(*at)).collect();
    let mut scenes = Vec::new();
    for (number, (year, month, day, cover)) in DAYS.into_iter().enumerate() {
        let date = NaiveDate::from_ymd_opt(year, month, day).context("no such day")?;
        let mut samples = Vec::with_capacity(pixels.len() * 3);
        for (at, ground) in pixels.iter().zip(&ground) {
            let colour = ground.colour(date);
            let seen = clouds::over(*at, number, cover, colour);
            samples.extend(seen.unwrap_or([NO_DATA; 3]));
        }
        let name = format!("{place}-{}", date.format("%Y%m%d"));
        let path = folder.join(format!("{name}.tif"));
        geotiff::write(&path, &samples, SIDE, &transform, srid, NO_DATA)
            .with_context(|| format!("cannot write {}", path.display()))?;
        scenes.push(Scene {
            path,
            name,
            time: time(date, place),
            crs: crs.clone(),
            transform,
            size,
            bands: 3,
            dtype: DType::UInt16,
            no_data: Some(f64::from(NO_DATA)),
        });
    }
    Ok(scenes)
}

/// The scenes of a day follow each other within seconds, as those of one orbit do.
fn time(date: NaiveDate, place: &str) -> DateTime<Utc> {
    let order = place
        .bytes()
        .next()
        .map_or(0, |letter| u32::from(letter - b'A'));
    let time = NaiveTime::from_hms_opt(10, 40, 12 * order).unwrap_or(NaiveTime::MIN);
    date.and_time(time).and_utc()
}

/// Positions of the centres of all pixels on the ground, in metres from a point of the area, so that one place looks
/// the same in every scene that shows it.
fn centres(crs: &Crs, transform: &GeoTransform) -> anyhow::Result<Vec<Point>> {
    const ORIGIN: Point = Point::new(5.9, 43.6);
    const METRES_PER_DEGREE: f64 = 111_320.0;
    let rows = (0..SIDE).flat_map(|row| (0..SIDE).map(move |column| (column, row)));
    let projected: Vec<Point> = rows
        .map(|(column, row)| transform.apply(f64::from(column) + 0.5, f64::from(row) + 0.5))
        .collect();
    let east = METRES_PER_DEGREE * ORIGIN.y.to_radians().cos();
    let points = crs.to_lonlat(&projected)?;
    Ok(points
        .into_iter()
        .map(|point| {
            Point::new(
                (point.x - ORIGIN.x) * east,
                (point.y - ORIGIN.y) * METRES_PER_DEGREE,
            )
        })
        .collect())
}

#[cfg(test)]
mod tests;
