//! Mosaics of files that tell their holes in different ways.

use crate::scene::{Look, Scene, plain, render, source, target, values};
use crate::tools::{available, run, text, words};
use domain::{DType, DatasetSource, Resampling};
use std::path::PathBuf;

const SIDE: usize = 24;
const GRID: [f64; 6] = [500_000.0, 10.0, 0.0, 5_000_000.0, 0.0, -10.0];

/// How a file tells its holes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Marker,
    Opacity,
    Mask,
}

/// Holes that differ from layer to layer.
fn is_hole(layer: usize, x: usize, y: usize) -> bool {
    (x / (2 + layer) + y / 3 + layer).is_multiple_of(2)
}

fn sample(layer: usize, band: usize, x: usize, y: usize) -> f64 {
    (1 + 60 * layer + 20 * band + (x + y) % 17) as f64
}

/// A file of two bands whose holes are told in one way; below them lie samples that must not be seen.
fn file(scene: &Scene, layer: usize, way: Way) -> PathBuf {
    let bands = if way == Way::Marker { 2 } else { 3 };
    let look = Look {
        bands,
        size: (SIDE, SIDE),
        transform: GRID,
        no_data: None,
        ..Look::default()
    };
    let plain = scene.raster(&format!("{layer}-plain.tif"), look, |band, x, y| {
        match (band, is_hole(layer, x, y)) {
            (2, hole) => f64::from(255 * u8::from(!hole)),
            (_, true) if way == Way::Marker => 0.0,
            (_, true) => 250.0,
            (band, false) => sample(layer, band, x, y),
        }
    });
    let told = scene.path(&format!("{layer}.tif"));
    let how = match way {
        Way::Marker => return plain,
        Way::Opacity => "-colorinterp_3 alpha -b 1 -b 2 -b 3",
        Way::Mask => "-b 1 -b 2 -mask 3 --config GDAL_TIFF_INTERNAL_MASK YES",
    };
    let line = format!("-q {how} {} {}", text(&plain), text(&told));
    run("gdal_translate", &words(&line));
    told
}

/// The sample of the last layer that has one, and the marker where none has.
fn expected(layers: usize, band: usize, x: usize, y: usize) -> f64 {
    let seen = (0..layers).rev().find(|layer| !is_hole(*layer, x, y));
    seen.map_or(0.0, |layer| sample(layer, band, x, y))
}

#[test]
fn the_last_layer_with_data_is_seen_however_holes_are_told() {
    if !available("gdal_translate") {
        return;
    }
    for ways in [
        [Way::Marker, Way::Opacity, Way::Mask],
        [Way::Mask, Way::Marker, Way::Opacity],
        [Way::Opacity, Way::Mask, Way::Marker],
    ] {
        let scene = Scene::new();
        let mapping = plain(DType::UInt8, 0.0);
        let sources: Vec<DatasetSource> = ways
            .iter()
            .enumerate()
            .map(|(layer, way)| source(&file(&scene, layer, *way), &[1, 2], mapping))
            .collect();
        // copied, and warped by a fraction of a pixel
        for shift in [0.0, 3.0] {
            let mut transform = GRID;
            transform[0] += shift;
            let grid = target(32632, transform, SIDE as u32 - 1, SIDE as u32);
            for count in 1..=3 {
                let image = render(&sources[..count], &grid, &mapping, Resampling::Near);
                let again = render(&sources[..count], &grid, &mapping, Resampling::Near);
                let found = values(&image);
                assert_eq!(found, values(&again), "the order is the one given");
                let width = SIDE - 1;
                for (index, value) in found.iter().enumerate() {
                    let (band, pixel) = (index / (width * SIDE), index % (width * SIDE));
                    let (x, y) = (pixel % width, pixel / width);
                    let wanted = expected(count, band, x, y);
                    assert_eq!(*value, wanted, "{ways:?} {count} {shift}: {band} {x},{y}");
                }
            }
        }
    }
}

#[test]
fn layers_that_cover_a_part_leave_the_rest_to_those_below() {
    let scene = Scene::new();
    let look = |transform, size| Look {
        size,
        transform,
        ..Look::default()
    };
    let [x, y] = [GRID[0], GRID[3]];
    let at = |column: f64, row: f64| [x + 10.0 * column, 10.0, 0.0, y - 10.0 * row, 0.0, -10.0];
    let whole = scene.raster("whole.tif", look(GRID, (8, 8)), |_, _, _| 1.0);
    let corner = scene.raster("corner.tif", look(at(5.0, 5.0), (9, 9)), |_, _, _| 2.0);
    let outside = scene.raster("outside.tif", look(at(50.0, 5.0), (9, 9)), |_, _, _| 3.0);
    let mapping = plain(DType::UInt8, 0.0);
    let sources = [&whole, &corner, &outside].map(|file| source(file, &[1], mapping));
    let grid = target(32632, at(-1.0, 0.0), 10, 8);
    for kernel in Resampling::ALL {
        let found = values(&render(&sources, &grid, &mapping, kernel));
        for (index, value) in found.iter().enumerate() {
            let (column, row) = (index % 10, index / 10);
            let wanted = match (column, row) {
                (6.., 5..) => 2.0,
                (1..9, _) => 1.0,
                _ => 0.0,
            };
            // The smoothing kernel is no copy: it reaches a little over the edge of its file.
            let edge = kernel == Resampling::CubicSpline;
            assert!(
                *value == wanted || edge && *value <= 2.0,
                "{kernel} {column},{row}: {value}"
            );
        }
    }
    let reversed = [&sources[1], &sources[0]].map(Clone::clone);
    let found = values(&render(&reversed, &grid, &mapping, Resampling::Near));
    assert_eq!(found[7 * 10 + 8], 1.0, "the later one is on top");
    assert_eq!(found[7 * 10 + 9], 2.0);
}
