//! Clouds: holes in an image, with haze around them.

use domain::Point;

use super::noise::{layers, mix, step};

/// What is seen of a colour through the clouds of a day; nothing below a dense one.
///
/// `cover` is about the share of the sky in clouds.
pub fn over(place: Point, day: usize, cover: f64, colour: [u16; 3]) -> Option<[u16; 3]> {
    const HAZE: f64 = 3200.0;
    if cover <= 0.0 {
        return Some(colour);
    }
    let seed = 1000 + 37 * day as u32;
    let density = layers(place.x / 2600.0, place.y / 2600.0, seed, 4);
    // the layers sum up to a bell around one half
    let edge = 0.5 + 0.29 * (0.5 - cover);
    if density > edge {
        return None;
    }
    let haze = 0.6 * step(edge - 0.07, edge, density);
    Some(colour.map(|band| mix(f64::from(band), HAZE, haze) as u16))
}
