//! The steps of the main job, each a few calls of the service.

mod catalogue;
mod compare;
mod consolidate;
mod cubes;
mod files;
mod index;
mod tile;

use std::time::{Duration, Instant};

use chrono::NaiveDate;
use domain::DType;
use rpc::pb::DataFormat;

use super::client::Client;
use super::grid::Grid;
use super::scene::Kind;
use crate::screen;

pub use compare::Difference;
pub use cubes::{Timed, Wanted};
pub use files::Files;

/// What the steps work on, and what they learn on their way.
pub struct Job<'a> {
    /// The service.
    pub client: Client,
    /// The images.
    pub kind: &'a Kind,
    /// The grid of cubes and consolidated files.
    pub grid: Grid,
    /// Makes the names of this run unique.
    pub suffix: String,
    /// The variable of the images.
    pub variable: String,
    /// The instance that the images are indexed under.
    pub instance: String,
    /// The layout of consolidated files.
    pub layout: String,
    /// Ids of the records, in the order of the images.
    pub records: Vec<String>,
}

/// Records of one day, merged into one slice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The day.
    pub day: NaiveDate,
    /// Ids of its records.
    pub records: Vec<String>,
}

impl<'a> Job<'a> {
    /// Nothing is created yet.
    ///
    /// # Errors
    /// When the images have no common grid.
    pub fn new(client: Client, kind: &'a Kind, suffix: String) -> anyhow::Result<Self> {
        Ok(Self {
            client,
            kind,
            grid: Grid::of(kind)?,
            layout: format!("demo-{suffix}"),
            suffix,
            variable: String::new(),
            instance: String::new(),
            records: Vec::new(),
        })
    }

    /// Format of the images and of everything made of them.
    pub fn data_format(&self, no_data: f64) -> DataFormat {
        let dtype = self.kind.dtype;
        // the interval only matters where values are mapped, and here they stay as they are
        let (min_value, max_value) = if dtype.is_float() {
            (0.0, 1.0)
        } else {
            dtype.bounds()
        };
        DataFormat {
            dtype: DType::number(dtype),
            no_data,
            min_value,
            max_value,
        }
    }

    /// Records by day; all of them, or those whose pixels lie on the grid.
    pub fn groups(&self, only_on_grid: bool) -> Vec<Group> {
        let mut groups: Vec<Group> = Vec::new();
        for (scene, record) in self.kind.scenes.iter().zip(&self.records) {
            if only_on_grid && !self.grid.holds(scene) {
                continue;
            }
            match groups.last_mut().filter(|group| group.day == scene.day()) {
                Some(group) => group.records.push(record.clone()),
                None => groups.push(Group {
                    day: scene.day(),
                    records: vec![record.clone()],
                }),
            }
        }
        groups
    }
}

/// Says what was done and how long it took.
pub fn done(started: Instant, what: &str) {
    screen::result(&format!("  {what} ({})", seconds(started.elapsed())));
}

/// A duration for people.
pub fn seconds(time: Duration) -> String {
    if time < Duration::from_secs(1) {
        format!("{} ms", time.as_millis())
    } else {
        format!("{:.2} s", time.as_secs_f64())
    }
}

/// `1 record`, `2 records`.
pub fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}
