//! Casts of whole images, beside what `gdal_translate` makes of them.

use crate::scene::{Look, Scene, file_values, mapping, render, source, target, values};
use crate::tools::{available, run, text, words};
use domain::{DType, DataMapping, Resampling};

const NAN: f64 = f64::NAN;
const NORTH_UP: [f64; 6] = [0.0, 1.0, 0.0, 2.0, 0.0, -1.0];

#[test]
fn samples_are_cast_to_the_values_they_stand_for() {
    let scene = Scene::new();
    let look = Look {
        dtype: DType::Int16,
        size: (3, 1),
        transform: NORTH_UP,
        no_data: None,
        ..Look::default()
    };
    let file = scene.raster("i16.tif", look, |_, x, _| [6399.0, -10001.0, 10000.0][x]);
    let from = mapping(
        DType::Int16,
        -10001.0,
        (-10000.0, 10000.0),
        (-1.0, 1.0),
        1.0,
    );
    let cast = |to: &DataMapping| {
        let grid = target(32632, NORTH_UP, 3, 1);
        values(&render(
            &[source(&file, &[1], from)],
            &grid,
            to,
            Resampling::Near,
        ))
    };
    let physical = cast(&mapping(DType::Float32, NAN, (-1.0, 1.0), (-1.0, 1.0), 1.0));
    assert!((physical[0] - 0.6399).abs() < 1e-7 && physical[1].is_nan() && physical[2] == 1.0);
    assert_eq!(
        cast(&mapping(
            DType::UInt8,
            255.0,
            (0.0, 254.0),
            (-1.0, 1.0),
            1.0
        )),
        [208.0, 255.0, 254.0]
    );
    assert_eq!(
        cast(&mapping(DType::UInt8, 255.0, (0.0, 254.0), (0.0, 0.5), 1.0)),
        [254.0, 255.0, 254.0]
    );
    assert_eq!(
        cast(&mapping(
            DType::UInt8,
            255.0,
            (0.0, 254.0),
            (-1.0, 1.0),
            2.0
        )),
        [230.0, 255.0, 254.0]
    );
}

/// Samples over the range of a type and beyond the range that is scaled.
fn samples(dtype: DType) -> (f64, f64, f64) {
    match dtype {
        DType::UInt8 => (0.0, 20.0, 220.0),
        DType::UInt16 => (0.0, 1_000.0, 50_000.0),
        DType::Int16 => (-32_768.0, -10_000.0, 10_000.0),
        DType::UInt32 | DType::Int32 => (0.0, 1_000.0, 60_000.0),
        _ => (-500.25, -100.5, 64_000.5),
    }
}

/// Whether two numbers of the decimals of a single float decide which integer the exact one is stored as.
fn is_half(exact: f64) -> bool {
    let fraction = (exact - exact.floor() - 0.5).abs();
    fraction <= 1e-6 * exact.abs().max(1.0)
}

#[test]
fn scaled_images_are_those_of_gdal_translate() {
    if !available("gdal_translate") {
        return;
    }
    let scene = Scene::new();
    let types = [
        (DType::UInt8, "Byte"),
        (DType::UInt16, "UInt16"),
        (DType::Int16, "Int16"),
        (DType::UInt32, "UInt32"),
        (DType::Int32, "Int32"),
        (DType::Float32, "Float32"),
        (DType::Float64, "Float64"),
    ];
    let mut random = crate::random::Random::new(11);
    for (from, _) in types {
        let (first, min, max) = samples(from);
        let step = if from == DType::UInt8 {
            1.0 / 256.0
        } else {
            1.0
        };
        let look = Look {
            dtype: from,
            no_data: None,
            size: (256, 256),
            ..Look::default()
        };
        let value = |x: usize, y: usize| first + (step * (256 * y + x) as f64).floor();
        let file = scene.raster(&format!("{from}.tif"), look, |_, x, y| value(x, y));
        // every pair of types, each with one of the powers
        for (to, name) in types {
            let exponent = random.pick(&[1.0, 1.0, 0.5, 2.0, 1.7]);
            let (low, high) = match to {
                DType::Int16 | DType::Int32 => (-90.0, 120.0),
                _ => (5.0, 250.0),
            };
            let stored = mapping(from, NAN, (min, max), (low, high), exponent);
            let format = mapping(to, NAN, (low, high), (low, high), 1.0);
            let out = text(&scene.path("cast.tif"));
            let power = if exponent == 1.0 {
                String::new()
            } else {
                format!("-exponent {exponent}")
            };
            run(
                "gdal_translate",
                &words(&format!(
                    "-q -ot {name} -scale {min} {max} {low} {high} {power} {} {out}",
                    text(&file)
                )),
            );
            let grid = target(32632, look.transform, 256, 256);
            let image = render(
                &[source(&file, &[1], stored)],
                &grid,
                &format,
                Resampling::Near,
            );
            let pairs = values(&image)
                .into_iter()
                .zip(file_values(&out))
                .enumerate();
            for (index, (ours, theirs)) in pairs {
                let sample = value(index % 256, index / 256);
                let unit = (sample - min) / (max - min);
                let unit = if exponent == 1.0 {
                    unit
                } else {
                    unit.clamp(0.0, 1.0).powf(exponent)
                };
                let exact = low + (high - low) * unit;
                let same = if to.is_integer() {
                    // GDAL computes some pairs of types in single precision, which takes other numbers for halves.
                    ours == theirs || is_half(exact) && (ours - theirs).abs() <= 1.0
                } else {
                    (ours - theirs).abs() <= 1e-5 * exact.abs().max(1.0)
                };
                assert!(
                    same,
                    "{from} to {to}, power {exponent}: {sample} gives {ours}, by GDAL {theirs}"
                );
            }
        }
    }
}
