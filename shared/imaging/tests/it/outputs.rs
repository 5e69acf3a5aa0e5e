//! Tiles and `GeoTIFF`s.

use crate::scene::{
    Look, Scene, file_values, mapping, pattern, plain, render, source, target, values,
};
use domain::{ColorPoint, DType, DataMapping, GeoTransform, Palette, Resampling};
use gdal::Metadata;
use imaging::{Image, encode_gtiff, encode_png};

const GRID: [f64; 6] = [500_000.0, 10.0, 0.0, 5_000_000.0, 0.0, -10.0];

fn image(
    scene: &Scene,
    mapping: &DataMapping,
    bands: usize,
    sample: impl Fn(usize, usize, usize) -> f64,
) -> Image {
    let no_data = Some(mapping.format.no_data).filter(|value| !value.is_nan());
    let look = Look {
        dtype: mapping.format.dtype,
        bands,
        no_data,
        size: (4, 2),
        transform: GRID,
        ..Look::default()
    };
    let file = scene.raster("image.tif", look, sample);
    let numbers: Vec<i64> = (1..=bands as i64).collect();
    render(
        &[source(&file, &numbers, *mapping)],
        &target(32632, GRID, 5, 2),
        mapping,
        Resampling::Near,
    )
}

/// Red, green, blue and opacity of every pixel, as a viewer shows them.
fn shown(png: &[u8]) -> Vec<[u8; 4]> {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(png));
    decoder.set_transformations(
        png::Transformations::ALPHA | png::Transformations::normalize_to_color8(),
    );
    let mut reader = decoder.read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    let channels = info.color_type.samples();
    pixels[..info.buffer_size()]
        .chunks_exact(channels)
        .map(|pixel| match *pixel {
            [grey, alpha] => [grey, grey, grey, alpha],
            [r, g, b, a] => [r, g, b, a],
            _ => panic!("{channels} channels"),
        })
        .collect()
}

#[test]
fn values_become_grey_levels_and_holes_transparent() {
    let scene = Scene::new();
    let format = mapping(DType::Float32, f64::NAN, (-1.0, 1.0), (-1.0, 1.0), 1.0);
    let samples = [[-1.0, 0.0, 1.0, f64::NAN], [1.002, 1.005, -5.0, 9.0]];
    let tile = image(&scene, &format, 1, |_, x, y| samples[y][x]);
    let pixels = shown(&encode_png(&tile, -1.0, 1.0, None).unwrap());
    let grey = |level: u8| [level, level, level, 255];
    let expected = [
        grey(0),
        grey(127),
        grey(254),
        [255, 255, 255, 0],
        [255, 255, 255, 0],
        grey(254),
        grey(254),
        grey(0),
        grey(254),
        [255, 255, 255, 0],
    ];
    assert_eq!(pixels, expected);
}

#[test]
fn the_number_of_bands_decides_the_colours() {
    let scene = Scene::new();
    let format = plain(DType::UInt8, 0.0);
    let rgb = image(&scene, &format, 3, |band, x, _| {
        (10 + 100 * band + x) as f64
    });
    let pixels = shown(&encode_png(&rgb, 0.0, 254.0, None).unwrap());
    assert_eq!((pixels[1], pixels[4][3]), ([11, 111, 211, 255], 0));
    let with_opacity = image(&scene, &format, 2, |band, x, _| {
        [[50.0, 60.0, 70.0, 80.0], [254.0, 100.0, 0.0, 1.0]][band][x]
    });
    let pixels = shown(&encode_png(&with_opacity, 0.0, 254.0, None).unwrap());
    assert_eq!(
        (pixels[0], pixels[1][3], pixels[2][3], pixels[4][3]),
        ([50, 50, 50, 255], 100, 0, 0)
    );
    let four = image(&scene, &format, 4, |band, _, _| (50 * band + 50) as f64);
    assert_eq!(
        shown(&encode_png(&four, 0.0, 254.0, None).unwrap())[0],
        [50, 100, 150, 200]
    );
    let five = image(&scene, &format, 5, |_, _, _| 1.0);
    assert!(encode_png(&five, 0.0, 1.0, None).is_err());
}

#[test]
fn a_palette_colours_one_band() {
    let scene = Scene::new();
    let knot = |value, rgba| ColorPoint { value, rgba };
    let palette = Palette::try_new(
        "ramp".to_owned(),
        vec![knot(0.0, [0, 0, 255, 255]), knot(1.0, [255, 0, 0, 100])],
    )
    .unwrap();
    let format = plain(DType::UInt8, 0.0);
    let tile = image(&scene, &format, 1, |_, x, _| [1.0, 254.0, 0.0, 100.0][x]);
    let pixels = shown(&encode_png(&tile, 0.0, 254.0, Some(&palette)).unwrap());
    let entries = palette.render();
    assert_eq!(
        pixels[..5],
        [entries[1], entries[254], [0; 4], entries[100], [0; 4]]
    );
    let two = image(&scene, &format, 2, |_, _, _| 1.0);
    assert!(encode_png(&two, 0.0, 254.0, Some(&palette)).is_err());
}

#[test]
fn without_a_hole_marker_only_covered_pixels_are_drawn() {
    let scene = Scene::new();
    let tile = image(&scene, &plain(DType::UInt8, f64::NAN), 1, |_, _, _| 0.0);
    let opacity: Vec<u8> = shown(&encode_png(&tile, 0.0, 255.0, None).unwrap())
        .iter()
        .map(|pixel| pixel[3])
        .collect();
    assert_eq!(opacity, [255, 255, 255, 255, 0, 255, 255, 255, 255, 0]);
}

#[test]
fn a_geotiff_carries_pixels_place_marker_and_tags() {
    let scene = Scene::new();
    for (dtype, no_data) in [
        (DType::UInt8, 0.0),
        (DType::UInt16, 7.0),
        (DType::Int8, -128.0),
        (DType::Int32, -1.0),
        (DType::Float32, f64::NAN),
        (DType::Float64, -9.0),
    ] {
        let mut image = image(&scene, &plain(dtype, no_data), 2, |b, x, y| {
            if dtype == DType::Int8 {
                x as f64 - 5.0
            } else {
                pattern(b, x, y)
            }
        });
        let expected = values(&image);
        let transform = GeoTransform(GRID);
        let crs = imaging::Crs::parse("32632").unwrap();
        let tags = [
            ("sensor", "S2"),
            ("odd=key", "a=b"),
            ("nul", "x\0y"),
            ("", "empty key"),
        ];
        let bytes = encode_gtiff(&mut image, &crs, &transform, tags).unwrap();
        let path = scene.path("out.tif");
        std::fs::write(&path, bytes).unwrap();
        let found = gdal::Dataset::open(&path).unwrap();
        let text = path.to_str().unwrap();
        let same = |a: &f64, b: &f64| {
            a == b
                || a.is_nan() && b.is_nan()
                || dtype == DType::Int8 && *a as i64 as u8 == *b as u8
        };
        assert!(
            expected
                .iter()
                .zip(file_values(text))
                .all(|(a, b)| same(a, &b)),
            "{dtype}"
        );
        assert_eq!(found.geo_transform().unwrap(), GRID);
        assert_eq!(
            imaging::Crs::parse(&found.projection()).unwrap().srid(),
            32632
        );
        let marker = found.rasterband(1).unwrap().no_data_value().unwrap();
        assert!(marker == no_data || marker.is_nan() && no_data.is_nan());
        assert_eq!(found.metadata_item("sensor", "").as_deref(), Some("S2"));
        assert_eq!(found.metadata_item("odd_key", "").as_deref(), Some("a=b"));
    }
}
