//! The grid that cubes and consolidated files of a kind of images share.

use domain::footprint::Project;
use domain::{Extent, GeoTransform, Point, Size};
use imaging::Crs;

use super::scene::{Kind, Scene};

/// Longest side of a cube that is asked for at full resolution, in pixels.
const LONGEST_SIDE: f64 = 1024.0;
/// How far from the grid a corner may be, in pixels.
const ON_GRID: f64 = 1e-6;

/// A pixel grid without an end, and the part of it to look at.
#[derive(Debug, Clone)]
pub struct Grid {
    /// Reference system.
    pub crs: Crs,
    /// Its text in requests.
    pub crs_text: String,
    /// Units of the reference system per pixel.
    pub resolution: f64,
    /// A corner of a pixel.
    pub origin: Point,
    /// The part to look at.
    pub transform: GeoTransform,
    /// Its pixels.
    pub size: Size,
}

impl Grid {
    /// The grid of most of the images, and as much of it as the images cover and a cube may hold.
    ///
    /// # Errors
    /// When an image cannot be placed.
    pub fn of(kind: &Kind) -> anyhow::Result<Self> {
        let reference = kind
            .scenes
            .iter()
            .max_by_key(|scene| {
                let same = |other: &&Scene| aligned(scene, other);
                (
                    is_plain(scene),
                    kind.scenes.iter().filter(same).count(),
                    // of equals, the first
                    std::cmp::Reverse(&scene.name),
                )
            })
            .ok_or_else(|| anyhow::anyhow!("no image"))?;
        let mut grid = Self::around(reference)?;
        grid.look_at(kind, reference)?;
        Ok(grid)
    }

    /// Whether the pixels of an image are pixels of the grid.
    pub fn holds(&self, scene: &Scene) -> bool {
        let [left, x_step, _, top, _, y_step] = scene.transform.0;
        !scene.transform.is_rotated()
            && scene.crs.is_same(&self.crs)
            && near(x_step, self.resolution)
            && near(-y_step, self.resolution)
            && is_whole((left - self.origin.x) / self.resolution)
            && is_whole((top - self.origin.y) / self.resolution)
    }

    /// The grid of an image; web mercator for one that a layout could not follow.
    fn around(scene: &Scene) -> anyhow::Result<Self> {
        let [left, x_step, _, top, _, _] = scene.transform.0;
        let (crs, resolution, origin) = if is_plain(scene) {
            (scene.crs.clone(), x_step, Point::new(left, top))
        } else {
            let mercator = Crs::parse("EPSG:3857")?;
            let (width, height) = (f64::from(scene.size.width), f64::from(scene.size.height));
            let middle = [
                scene.transform.apply(width / 2.0, height / 2.0),
                scene.transform.apply(width / 2.0 + 1.0, height / 2.0),
            ];
            let middle = mercator.from_lonlat(&scene.crs.to_lonlat(&middle)?)?;
            let step = (middle[1].x - middle[0].x).hypot(middle[1].y - middle[0].y);
            (mercator, step, middle[0])
        };
        let srid = crs.srid();
        Ok(Self {
            crs,
            crs_text: format!("EPSG:{srid}"),
            resolution,
            origin,
            transform: scene.transform,
            size: scene.size,
        })
    }

    /// Chooses the part to look at: all the images when they lie together, else the reference, and its middle when
    /// that is too large.
    fn look_at(&mut self, kind: &Kind, reference: &Scene) -> anyhow::Result<()> {
        let own = self.extent_of(reference)?;
        let mut all = own;
        for scene in &kind.scenes {
            // an image beyond the reach of the projection lies elsewhere
            if let Ok(extent) = self.extent_of(scene) {
                all = union(all, extent);
            }
        }
        let pixels = |extent: &Extent| {
            let width = (extent.max.x - extent.min.x) / self.resolution;
            let height = (extent.max.y - extent.min.y) / self.resolution;
            (width, height)
        };
        let fits = |extent: &Extent| {
            let (width, height) = pixels(extent);
            width <= LONGEST_SIDE && height <= LONGEST_SIDE
        };
        let chosen = if fits(&all) { all } else { own };
        let (width, height) = pixels(&chosen);
        let (width, height) = (clamp(width), clamp(height));
        let middle = Point::new(
            f64::midpoint(chosen.min.x, chosen.max.x),
            f64::midpoint(chosen.min.y, chosen.max.y),
        );
        let left = (middle.x - self.origin.x) / self.resolution - f64::from(width) / 2.0;
        let top = (self.origin.y - middle.y) / self.resolution - f64::from(height) / 2.0;
        self.transform = GeoTransform::north_up(
            self.origin.x + snap(left) * self.resolution,
            self.origin.y - snap(top) * self.resolution,
            self.resolution,
        );
        self.size = Size { width, height };
        Ok(())
    }

    fn extent_of(&self, scene: &Scene) -> anyhow::Result<Extent> {
        if scene.crs.is_same(&self.crs) {
            return Ok(scene.transform.extent(scene.size));
        }
        let corners = self
            .crs
            .from_lonlat(&scene.crs.to_lonlat(&scene.transform.corners(scene.size))?)?;
        let finite = corners
            .iter()
            .all(|at| at.x.is_finite() && at.y.is_finite());
        anyhow::ensure!(finite, "{} is out of reach", scene.name);
        let first = Extent {
            min: corners[0],
            max: corners[0],
        };
        Ok(corners
            .into_iter()
            .fold(first, |sum, at| union(sum, Extent { min: at, max: at })))
    }
}

/// Square pixels, north up, in a reference system with a code.
fn is_plain(scene: &Scene) -> bool {
    let [_, x_step, _, _, _, y_step] = scene.transform.0;
    scene.crs.srid() != 0 && !scene.transform.is_rotated() && near(x_step, -y_step) && x_step > 0.0
}

fn aligned(a: &Scene, b: &Scene) -> bool {
    is_plain(a) && Grid::around(a).is_ok_and(|grid| grid.holds(b))
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= ON_GRID * b.abs() / LONGEST_SIDE
}

fn is_whole(pixels: f64) -> bool {
    (pixels - pixels.round()).abs() <= ON_GRID * pixels.abs().max(1.0)
}

/// The whole pixel at or before a position, rounding errors aside.
fn snap(pixels: f64) -> f64 {
    (pixels + 1e-3).floor()
}

fn clamp(pixels: f64) -> u32 {
    (pixels - 1e-3).ceil().clamp(1.0, LONGEST_SIDE) as u32
}

fn union(a: Extent, b: Extent) -> Extent {
    Extent {
        min: Point::new(a.min.x.min(b.min.x), a.min.y.min(b.min.y)),
        max: Point::new(a.max.x.max(b.max.x), a.max.y.max(b.max.y)),
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use domain::DType;

    use super::*;

    fn scene(name: &str, crs: &str, transform: [f64; 6], side: u32) -> Scene {
        Scene {
            path: "/a.tif".into(),
            name: name.to_owned(),
            time: DateTime::UNIX_EPOCH,
            crs: Crs::parse(crs).unwrap(),
            transform: GeoTransform(transform),
            size: Size {
                width: side,
                height: side,
            },
            bands: 1,
            dtype: DType::UInt8,
            no_data: None,
        }
    }

    fn grid_of(scenes: Vec<Scene>) -> Grid {
        imaging::init(&imaging::Options::default()).unwrap();
        Grid::of(&Kind::group(scenes)[0]).unwrap()
    }

    #[test]
    fn the_grid_of_the_majority_wins_and_covers_all() {
        let one = scene(
            "a",
            "32631",
            [500_000.0, 10.0, 0.0, 5_000_000.0, 0.0, -10.0],
            100,
        );
        let same = scene(
            "b",
            "32631",
            [500_500.0, 10.0, 0.0, 4_999_990.0, 0.0, -10.0],
            100,
        );
        let shifted = scene(
            "0",
            "32631",
            [500_003.0, 10.0, 0.0, 5_000_000.0, 0.0, -10.0],
            100,
        );
        let grid = grid_of(vec![shifted.clone(), one.clone(), same.clone()]);
        assert!(grid.holds(&one) && grid.holds(&same) && !grid.holds(&shifted));
        assert_eq!(
            grid.transform,
            GeoTransform::north_up(500_000.0, 5_000_000.0, 10.0)
        );
        assert_eq!((grid.size.width, grid.size.height), (150, 101));
        assert_eq!(grid.crs_text, "EPSG:32631");
    }

    #[test]
    fn what_is_too_large_is_cut_on_the_grid() {
        let large = scene(
            "a",
            "32631",
            [500_000.0, 10.0, 0.0, 5_000_000.0, 0.0, -10.0],
            10_980,
        );
        let grid = grid_of(vec![large.clone()]);
        assert_eq!((grid.size.width, grid.size.height), (1024, 1024));
        let [left, _, _, top, _, _] = grid.transform.0;
        assert_eq!((left - 500_000.0) % 10.0, 0.0);
        assert_eq!((5_000_000.0 - top) % 10.0, 0.0);
        assert!(grid.holds(&large));
    }

    #[test]
    fn images_far_apart_are_not_put_together() {
        let one = scene(
            "a",
            "32631",
            [500_000.0, 10.0, 0.0, 5_000_000.0, 0.0, -10.0],
            100,
        );
        let far = scene(
            "b",
            "32631",
            [900_000.0, 10.0, 0.0, 5_000_000.0, 0.0, -10.0],
            100,
        );
        let grid = grid_of(vec![one, far]);
        assert_eq!((grid.size.width, grid.size.height), (100, 100));
    }

    #[test]
    fn an_image_that_no_layout_follows_gets_web_mercator() {
        let turned = scene(
            "a",
            "32631",
            [500_000.0, 10.0, 3.0, 5_000_000.0, 3.0, -10.0],
            100,
        );
        let grid = grid_of(vec![turned.clone()]);
        assert_eq!(grid.crs_text, "EPSG:3857");
        assert!(!grid.holds(&turned));
        assert!(
            (10.0..30.0).contains(&grid.resolution),
            "{}",
            grid.resolution
        );
        let oblong = scene("a", "4326", [5.0, 0.001, 0.0, 45.0, 0.0, -0.002], 100);
        assert_eq!(grid_of(vec![oblong]).crs_text, "EPSG:3857");
    }
}
