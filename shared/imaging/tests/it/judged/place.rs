//! Where on the globe, and in which reference systems.

use crate::random::Random;
use domain::{Point, footprint::Project};
use gdal::spatial_ref::SpatialRef;
use imaging::Crs;

/// A part of the globe and the systems in use there: EPSG codes and PROJ texts.
#[derive(Clone, Copy)]
pub struct Place {
    /// West, east, south, north of the centres of sources.
    pub centres: [f64; 4],
    pub systems: &'static [&'static str],
}

const SINUSOIDAL: &str = "+proj=sinu +lon_0=0 +x_0=0 +y_0=0 +R=6371007.181 +units=m +no_defs";
const ALBERS: &str =
    "+proj=aea +lat_1=43 +lat_2=62 +lat_0=30 +lon_0=10 +datum=WGS84 +units=m +no_defs";

pub const LANDS: &[Place] = &[
    Place {
        centres: [6.5, 11.5, 40.0, 50.0],
        systems: &[
            "32632", "32631", "4326", "4258", "3857", "3035", "2154", ALBERS, SINUSOIDAL,
        ],
    },
    Place {
        centres: [-74.0, -70.0, -8.0, 8.0],
        systems: &["32618", "32718", "32619", "4326", "3857", SINUSOIDAL],
    },
    Place {
        centres: [18.0, 24.0, 62.0, 74.0],
        systems: &["32634", "32633", "4326", "3857", "3035", ALBERS],
    },
];

pub const POLES: &[Place] = &[
    Place {
        centres: [-180.0, 180.0, 84.0, 90.0],
        systems: &["3413", "32661", "3995", "3413"],
    },
    Place {
        centres: [-180.0, 180.0, -90.0, -84.0],
        systems: &["3031", "32761", "3976"],
    },
    Place {
        centres: [-170.0, 170.0, 78.0, 83.0],
        systems: &["3413", "4326", "3857", "3995"],
    },
    Place {
        centres: [-170.0, 170.0, -83.0, -75.0],
        systems: &["3031", "4326", "3857", "32761"],
    },
];

pub const DATELINE: &[Place] = &[
    Place {
        centres: [179.6, 180.4, 5.0, 60.0],
        systems: &["32601", "32660", "4326", "4269", "3832"],
    },
    Place {
        centres: [179.6, 180.4, -60.0, -5.0],
        systems: &["32701", "32760", "4326", "4167", "3832"],
    },
];

const MOLLWEIDE: &str = "+proj=moll +lon_0=0 +datum=WGS84 +units=m +no_defs";
const ROBINSON: &str = "+proj=robin +lon_0=0 +datum=WGS84 +units=m +no_defs";

pub const WORLD: &[Place] = &[Place {
    centres: [-60.0, 60.0, -30.0, 30.0],
    systems: &[
        "4326", "4326", "3857", "6933", SINUSOIDAL, MOLLWEIDE, ROBINSON,
    ],
}];

impl Place {
    /// A centre in longitude and latitude.
    pub fn centre(&self, random: &mut Random) -> Point {
        let [west, east, south, north] = self.centres;
        Point::new(random.between(west, east), random.between(south, north))
    }

    /// One of the systems, written in any of the accepted ways.
    pub fn system(&self, random: &mut Random) -> String {
        written(random.pick(self.systems), random)
    }
}

/// A system as EPSG code, PROJ text or WKT.
pub fn written(system: &str, random: &mut Random) -> String {
    let Ok(code) = system.parse() else {
        return system.to_owned();
    };
    match random.count(0, 5) {
        0 => SpatialRef::from_epsg(code).unwrap().to_wkt().unwrap(),
        1 if (32601..=32760).contains(&code) && code % 100 != 61 => {
            let south = if code > 32700 { " +south" } else { "" };
            format!(
                "+proj=utm +zone={}{south} +datum=WGS84 +units=m +no_defs",
                code % 100
            )
        }
        1 if code == 4326 => "+proj=longlat +datum=WGS84 +no_defs".to_owned(),
        _ => format!("EPSG:{code}"),
    }
}

/// Coordinates of a place in a system, near its longitude where that is counted in degrees.
pub fn located(crs: &Crs, lonlat: Point) -> Option<Point> {
    if crs.is_geographic() {
        return Some(lonlat);
    }
    crs.from_lonlat(&[lonlat]).ok()?.first().copied()
}
