//! What the ground looks like: hills with forest and snow, fields in the plains, a lake.

use chrono::{Datelike, NaiveDate};
use domain::Point;

use super::noise::{chance, layers, mix, step};

/// Reflectance of 100% as a sample.
const FULL: f64 = 10_000.0;

/// A place on the ground.
#[derive(Debug, Clone, Copy)]
pub struct Ground {
    height: f64,
    /// Light on the slope, around 1.
    light: f64,
    /// Which crop grows there, 0 to 1.
    crop: f64,
    grain: f64,
}

type Colour = [f64; 3];

const WATER: Colour = [0.02, 0.05, 0.07];
const SHALLOWS: Colour = [0.06, 0.11, 0.12];
const SOIL: Colour = [0.19, 0.14, 0.10];
const CROP: Colour = [0.07, 0.13, 0.05];
const STRAW: Colour = [0.26, 0.22, 0.12];
const FOREST: Colour = [0.03, 0.065, 0.035];
const AUTUMN: Colour = [0.11, 0.075, 0.035];
const ROCK: Colour = [0.17, 0.16, 0.15];
const SNOW: Colour = [0.72, 0.74, 0.78];

impl Ground {
    /// The ground at a place, in metres.
    pub fn at(place: Point) -> Self {
        let height_at = |x: f64, y: f64| layers(x / 5200.0, y / 5200.0, 7, 6);
        let (x, y) = (place.x, place.y);
        let height = height_at(x, y);
        let slope = height_at(x - 60.0, y + 60.0) - height;
        // fields lie a little askew, and each has its crop
        let (along, across) = (x * 0.94 + y * 0.34, y * 0.94 - x * 0.34);
        let crop = chance(
            (along / 420.0).floor() as i32,
            (across / 260.0).floor() as i32,
            3,
        );
        Self {
            height,
            light: (1.0 - slope * 14.0).clamp(0.45, 1.6),
            crop,
            grain: chance((x / 20.0) as i32, (y / 20.0) as i32, 11) - 0.5,
        }
    }

    /// Red, green and blue on a day, as samples from 1 on.
    pub fn colour(&self, date: NaiveDate) -> [u16; 3] {
        // 1 at midsummer, 0 at midwinter
        let turn = (f64::from(date.ordinal()) - 196.0) / 365.0 * std::f64::consts::TAU;
        let summer = f64::midpoint(turn.cos(), 1.0);
        let late = step(230.0, 280.0, f64::from(date.ordinal()))
            - step(320.0, 350.0, f64::from(date.ordinal()));

        let field = self.field(summer);
        let forest = blend(FOREST, AUTUMN, late * (0.3 + 0.5 * self.crop));
        let land = blend(field, forest, step(0.50, 0.56, self.height));
        let land = blend(land, ROCK, step(0.64, 0.69, self.height));
        let snow_line = mix(0.56, 0.80, summer);
        let land = blend(land, SNOW, step(snow_line, snow_line + 0.05, self.height));
        let lit = land.map(|band| band * self.light * (1.0 + 0.12 * self.grain));
        let water = blend(WATER, SHALLOWS, step(0.30, 0.36, self.height));
        let colour = blend(water, lit, step(0.355, 0.362, self.height));
        colour.map(|band| (band * FULL).clamp(1.0, FULL) as u16)
    }

    /// A field: bare, green or ripe, each crop in its own time.
    fn field(&self, summer: f64) -> Colour {
        let green = step(0.1 + 0.5 * self.crop, 0.4 + 0.5 * self.crop, summer);
        let ripe = if self.crop < 0.35 {
            step(0.75, 0.95, summer)
        } else {
            0.0
        };
        blend(blend(SOIL, CROP, green), STRAW, ripe)
    }
}

fn blend(from: Colour, to: Colour, share: f64) -> Colour {
    std::array::from_fn(|band| mix(from[band], to[band], share))
}
