//! Which operation leads from the reference system of a source to that of a target.

use crate::{
    Crs, Error, Result,
    ffi::{Operation, Scope},
    lru::Lru,
    source::Source,
};
use domain::{Point, footprint::Project};
use std::{cell::RefCell, rc::Rc};

/// Operations kept by each thread, each of some 10 kB: asking PROJ for one costs more than warping a tile by it.
const KEPT: usize = 64;

/// Both systems, and the numbers of the scope by their bits.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    systems: (u64, u64),
    area: Option<[u64; 4]>,
    middle: Option<u64>,
}

thread_local! {
    static OPERATIONS: RefCell<Lru<Key, Rc<Operation>>> = RefCell::new(Lru::new(KEPT));
}

/// The operation for the area of a source; `None` when both systems are the same. Coordinates are the same numbers
/// then, longitudes beyond a revolution included, for which GDAL would find no operation.
pub(super) fn between(source: &Source, target: &Crs) -> Result<Option<Rc<Operation>>> {
    let own = source.crs();
    if own.is_same(target) {
        return Ok(None);
    }
    let scope = Scope {
        area: area_of(source),
        middle: middle_of(source),
    };
    let key = Key {
        systems: (own.id(), target.id()),
        area: scope.area.map(|degrees| degrees.map(f64::to_bits)),
        middle: scope.middle.map(f64::to_bits),
    };
    OPERATIONS.with_borrow_mut(|operations| {
        if let Some(operation) = operations.get(&key) {
            return Ok(Some(Rc::clone(operation)));
        }
        let made = Operation::new(&own.spatial_ref()?, &target.spatial_ref()?, scope);
        let made = made.map_err(|reason| Error::gdal("transforming coordinates", reason))?;
        let operation = Rc::new(made);
        operations.insert(key, Rc::clone(&operation));
        Ok(Some(operation))
    })
}

/// The middle of the longitudes of a geographic source, if it lies within one revolution.
fn middle_of(source: &Source) -> Option<f64> {
    /// Pixels that a revolution may be exceeded by.
    const SLACK: f64 = 1.05;
    if !source.crs().is_geographic() {
        return None;
    }
    let (transform, size) = source.grid(None);
    let extent = transform.extent(size);
    let pixel = transform.0[1].abs().max(transform.0[2].abs());
    let inside = extent.max.x - extent.min.x <= 360.0 + SLACK * pixel;
    inside.then_some(extent.min.x.midpoint(extent.max.x))
}

/// West, south, east, north of the whole source in degrees, if it lies within one revolution.
fn area_of(source: &Source) -> Option<[f64; 4]> {
    const STEPS: u32 = 8;
    let (transform, size) = source.grid(None);
    let mut edge = Vec::with_capacity(4 * STEPS as usize);
    for step in 0..=STEPS {
        let share = f64::from(step) / f64::from(STEPS);
        let (x, y) = (
            f64::from(size.width) * share,
            f64::from(size.height) * share,
        );
        edge.push(transform.apply(x, 0.0));
        edge.push(transform.apply(x, f64::from(size.height)));
        edge.push(transform.apply(0.0, y));
        edge.push(transform.apply(f64::from(size.width), y));
    }
    let points: Vec<Point> = source.crs().to_lonlat(&edge).ok()?;
    let mut area = [f64::MAX, f64::MAX, f64::MIN, f64::MIN];
    for point in points {
        area[0] = area[0].min(point.x);
        area[1] = area[1].min(point.y);
        area[2] = area[2].max(point.x);
        area[3] = area[3].max(point.y);
    }
    let inside = area[0] >= -180.0 && area[2] <= 180.0 && area[1] >= -90.0 && area[3] <= 90.0;
    inside.then_some(area)
}
