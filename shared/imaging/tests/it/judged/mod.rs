//! Random requests, each of them judged by `gdalwarp`: nearest neighbours are the same, 99.9 % of the samples of other
//! kernels at most one count apart.

mod contents;
mod judge;
mod place;
mod request;

use crate::random::Random;
use crate::tools::available;
use contents::Contents;
use judge::Court;
use place::{DATELINE, LANDS, POLES, Place, WORLD};
use request::{Request, Traits};

const PLAIN: Traits = Traits {
    layers: 1,
    overviews: 0,
    rotated: 0.0,
    zoom: (0.4, 2.5),
    metres: (8.0, 400.0),
    side: 80,
    target: (20, 70),
    seen: 0.75,
    float_error: 1e-4,
    contents: Contents::Band,
};

/// Judges `count` requests at some places.
fn judge(seed: u64, count: usize, places: &[Place], traits: Traits) {
    if !available("gdalwarp") {
        return;
    }
    let mut random = Random::new(seed);
    let mut court = Court::new();
    while court.heard() < count {
        let place = random.pick(places);
        if let Some(request) = Request::random(&mut random, place, traits) {
            court.hear(&request);
        }
    }
    court.close(traits.seen);
}

#[test]
fn requests_on_land_are_answered_as_gdalwarp_does() {
    judge(1, 80, LANDS, PLAIN);
}

#[test]
fn requests_of_rotated_grids_are_answered_as_gdalwarp_does() {
    let traits = Traits {
        rotated: 0.6,
        ..PLAIN
    };
    judge(2, 70, LANDS, traits);
}

#[test]
fn requests_of_mosaics_are_answered_as_gdalwarp_does() {
    let traits = Traits {
        layers: 3,
        rotated: 0.1,
        ..PLAIN
    };
    judge(3, 70, LANDS, traits);
}

#[test]
fn requests_of_overviews_are_answered_as_gdalwarp_does() {
    let traits = Traits {
        overviews: 3,
        zoom: (0.1, 1.0),
        side: 300,
        ..PLAIN
    };
    judge(4, 60, LANDS, traits);
}

#[test]
fn requests_near_the_poles_are_answered_as_gdalwarp_does() {
    let traits = Traits {
        layers: 2,
        metres: (500.0, 8_000.0),
        ..PLAIN
    };
    judge(5, 75, POLES, traits);
}

#[test]
fn requests_at_the_dateline_are_answered_as_gdalwarp_does() {
    let traits = Traits {
        layers: 2,
        metres: (100.0, 1_500.0),
        ..PLAIN
    };
    judge(6, 75, DATELINE, traits);
}

#[test]
fn requests_wider_than_half_the_globe_are_answered_as_gdalwarp_does() {
    let traits = Traits {
        layers: 2,
        metres: (60_000.0, 400_000.0),
        ..PLAIN
    };
    judge(7, 70, WORLD, traits);
}

#[test]
fn requests_of_several_parts_are_answered_as_gdalwarp_does() {
    let traits = Traits {
        layers: 2,
        side: 400,
        target: (256, 700),
        rotated: 0.2,
        ..PLAIN
    };
    judge(8, 40, LANDS, traits);
}

#[test]
fn requests_from_far_away_are_answered_as_gdalwarp_does() {
    let traits = Traits {
        layers: 2,
        side: 600,
        zoom: (0.001, 0.1),
        // others are smaller than a pixel
        seen: 0.5,
        // a position that is approximated otherwise moves a kernel of many pixels
        float_error: 1e-2,
        ..PLAIN
    };
    judge(9, 60, LANDS, traits);
}

#[test]
fn requests_of_several_bands_are_answered_as_gdalwarp_does() {
    let traits = Traits {
        contents: Contents::Bands(3),
        layers: 2,
        rotated: 0.2,
        ..PLAIN
    };
    judge(10, 40, LANDS, traits);
}

#[test]
fn requests_of_complex_samples_are_answered_as_gdalwarp_does() {
    let traits = Traits {
        contents: Contents::Complex,
        layers: 2,
        ..PLAIN
    };
    judge(11, 40, LANDS, traits);
}

#[test]
fn requests_of_bands_with_opacity_are_answered_as_gdalwarp_does() {
    let traits = Traits {
        contents: Contents::Opacity(2),
        layers: 2,
        rotated: 0.2,
        ..PLAIN
    };
    judge(12, 40, LANDS, traits);
}

#[test]
fn requests_of_bands_with_a_mask_are_answered_as_gdalwarp_does() {
    let traits = Traits {
        contents: Contents::Mask(2),
        layers: 2,
        rotated: 0.2,
        ..PLAIN
    };
    judge(13, 40, LANDS, traits);
}
