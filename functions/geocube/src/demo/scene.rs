//! Images on disk and what the catalogue has to know of them.

use std::path::PathBuf;

use chrono::{DateTime, NaiveDate, Utc};
use domain::footprint::Project;
use domain::{DType, GeoTransform, Point, Size};
use imaging::Crs;

/// One image file: one record, one dataset.
#[derive(Debug, Clone)]
pub struct Scene {
    /// Absolute path.
    pub path: PathBuf,
    /// Name of its record, to which the demo adds a prefix.
    pub name: String,
    /// When it was taken.
    pub time: DateTime<Utc>,
    /// Its reference system.
    pub crs: Crs,
    /// From pixels to coordinates.
    pub transform: GeoTransform,
    /// Pixels.
    pub size: Size,
    /// How many of its bands take part, from the first one on.
    pub bands: usize,
    /// Type of its samples.
    pub dtype: DType,
    /// Its hole marker.
    pub no_data: Option<f64>,
}

impl Scene {
    /// The day it was taken.
    pub fn day(&self) -> NaiveDate {
        self.time.date_naive()
    }

    /// Longitude and latitude of its corners, counter-clockwise and closed.
    ///
    /// # Errors
    /// When a corner has none.
    pub fn corners(&self) -> anyhow::Result<Vec<Point>> {
        let mut corners = self.transform.corners(self.size).to_vec();
        corners.push(corners[0]);
        Ok(self.crs.to_lonlat(&corners)?)
    }
}

/// Images of one kind: one variable holds them all.
#[derive(Debug, Clone)]
pub struct Kind {
    /// Number of bands.
    pub bands: usize,
    /// Type of the samples.
    pub dtype: DType,
    /// The images, oldest first.
    pub scenes: Vec<Scene>,
}

impl Kind {
    /// Sorts images by kind, the most frequent kind first.
    pub fn group(scenes: Vec<Scene>) -> Vec<Self> {
        let mut kinds: Vec<Self> = Vec::new();
        for scene in scenes {
            let same = kinds
                .iter_mut()
                .find(|kind| (kind.bands, kind.dtype) == (scene.bands, scene.dtype));
            match same {
                Some(kind) => kind.scenes.push(scene),
                None => kinds.push(Self {
                    bands: scene.bands,
                    dtype: scene.dtype,
                    scenes: vec![scene],
                }),
            }
        }
        for kind in &mut kinds {
            kind.scenes
                .sort_by(|a, b| (a.time, &a.name).cmp(&(b.time, &b.name)));
        }
        kinds.sort_by_key(|kind| std::cmp::Reverse(kind.scenes.len()));
        kinds
    }

    /// The hole marker of cubes: that of the images, or a value that images rarely hold.
    pub fn no_data(&self) -> f64 {
        let declared = self.scenes.iter().find_map(|scene| scene.no_data);
        declared.unwrap_or(if self.dtype.is_float() {
            f64::NAN
        } else {
            // 0 of unsigned types
            self.dtype.bounds().0
        })
    }
}
