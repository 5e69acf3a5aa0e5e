use domain::{Bands, Uri};
use imaging::inspect;

use super::*;

#[test]
fn the_images_are_what_they_say() {
    imaging::init(&imaging::Options::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let scenes = scenes_in(folder.path()).unwrap();
    assert_eq!(scenes.len(), DAYS.len() * PLACES.len());
    for scene in &scenes {
        let uri = Uri::parse(scene.path.to_str().unwrap()).unwrap();
        let found = inspect(&uri, "", &Bands::first(3)).unwrap();
        assert_eq!(found.bands, 3);
        assert_eq!(found.dtype, DType::UInt16);
        assert_eq!(found.no_data, Some(0.0));
        assert_eq!(found.size, scene.size);
        assert_eq!(found.transform, scene.transform);
        assert_eq!(found.crs.srid(), scene.crs.srid());
    }
}

#[test]
fn scenes_overlap_across_the_zones() {
    imaging::init(&imaging::Options::default()).unwrap();
    let corners = |index: usize| {
        let (_, srid, left, top) = PLACES[index];
        let crs = Crs::parse(&srid.to_string()).unwrap();
        let size = Size {
            width: SIDE,
            height: SIDE,
        };
        crs.to_lonlat(&GeoTransform::north_up(left, top, RESOLUTION).corners(size))
            .unwrap()
    };
    let east = |index| corners(index).iter().map(|p| p.x).fold(f64::MIN, f64::max);
    let west = |index| corners(index).iter().map(|p| p.x).fold(f64::MAX, f64::min);
    assert!(west(1) < east(0), "A and B overlap");
    assert!(west(2) < east(1), "B and C overlap");
    assert!(
        east(2) > 6.0 && west(0) < 6.0,
        "they lie on both sides of 6° E"
    );
}

#[test]
fn a_place_looks_the_same_in_both_zones() {
    imaging::init(&imaging::Options::default()).unwrap();
    let place = |srid: i32, x: f64, y: f64| {
        let crs = Crs::parse(&srid.to_string()).unwrap();
        let half = RESOLUTION / 2.0;
        centres(
            &crs,
            &GeoTransform::north_up(x - half, y + half, RESOLUTION),
        )
        .unwrap()[0]
    };
    let there = Crs::parse("32631")
        .unwrap()
        .to_lonlat(&[Point::new(740_000.0, 4_835_000.0)])
        .unwrap();
    let across = Crs::parse("32632").unwrap().from_lonlat(&there).unwrap()[0];
    let (one, other) = (
        place(32631, 740_000.0, 4_835_000.0),
        place(32632, across.x, across.y),
    );
    assert!((one.x - other.x).abs() < 0.01 && (one.y - other.y).abs() < 0.01);
}

#[test]
fn some_days_have_holes_and_some_have_none() {
    let holes = |day: usize, cover: f64| {
        let grid =
            (0..4000).map(|i| Point::new(f64::from(i % 63) * 240.0, f64::from(i / 63) * 180.0));
        grid.filter(|at| clouds::over(*at, day, cover, [500; 3]).is_none())
            .count()
    };
    assert_eq!(holes(1, 0.0), 0);
    for (day, (_, _, _, cover)) in DAYS.into_iter().enumerate() {
        let share = holes(day, cover) as f64 / 4000.0;
        assert!(
            (share - cover).abs() < 0.25,
            "{share} of the sky, {cover} wanted"
        );
        assert!(
            cover < 0.2 || share > 0.02,
            "{share} of the sky, {cover} wanted"
        );
    }
}
