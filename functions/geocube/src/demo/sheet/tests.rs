use super::*;

const FORMAT: Format = Format {
    bands: 1,
    width: 4,
    height: 2,
    dtype: DType::UInt8,
    no_data: 0.0,
};

fn pixel(canvas: &Canvas, x: usize, y: usize) -> [u8; 3] {
    let start = 3 * (y * canvas.width + x);
    canvas.rgb[start..start + 3].try_into().unwrap()
}

#[test]
fn pictures_are_stretched_alike_and_holes_are_seen() {
    let (dark, light) = ([10, 10, 10, 0, 10, 10, 10, 10], [110_u8; 8]);
    let stretch = Stretch::of(&[&dark, &light], &FORMAT);
    assert_eq!((stretch.low[0], stretch.high[0]), (10.0, 110.0));
    let pictures = [
        Picture::new("2024-01-01".to_owned(), Some(&dark)),
        Picture::new("2024-01-02".to_owned(), Some(&light)),
        Picture::new("2024-01-03".to_owned(), None),
    ];
    let canvas = draw(&pictures, &FORMAT, &stretch);
    // four pixels become two hundred: factor 50
    assert_eq!(pixel(&canvas, GAP, GAP), [0; 3]);
    assert!(HOLE.contains(&pixel(&canvas, GAP + 3 * 50, GAP)));
    let ink = canvas.rgb.chunks(3).filter(|colour| *colour == INK).count();
    assert!(ink > 300, "captions: {ink}");
    let whites = canvas
        .rgb
        .chunks(3)
        .filter(|colour| *colour == [255; 3])
        .count();
    assert_eq!(whites, 200 * 100);
}

#[test]
fn large_images_are_averaged_without_their_holes() {
    let format = Format {
        width: 720,
        height: 2,
        ..FORMAT
    };
    let pixels: Vec<u8> = (0..1440)
        .map(|index| if index % 2 == 0 { 100 } else { 0 })
        .collect();
    let stretch = Stretch {
        low: [0.0; 3],
        high: [100.0; 3],
    };
    assert_eq!(
        average(&pixels, &format, &stretch, (0, 0), 1, 2),
        Some([255; 3])
    );
    assert_eq!(average(&[0; 1440], &format, &stretch, (5, 0), 1, 2), None);
}

#[test]
fn colours_take_three_bands() {
    let format = Format {
        bands: 4,
        width: 1,
        height: 1,
        ..FORMAT
    };
    let stretch = Stretch {
        low: [0.0; 3],
        high: [255.0; 3],
    };
    let colour = average(&[255, 1, 255, 9], &format, &stretch, (0, 0), 1, 1).unwrap();
    assert!(
        colour[0] == 255 && colour[1] < 10 && colour[2] == 255,
        "{colour:?}"
    );
}

#[test]
fn an_empty_series_is_drawn_too() {
    let stretch = Stretch::of(&[], &FORMAT);
    let canvas = draw(&[Picture::new("2024".to_owned(), None)], &FORMAT, &stretch);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sheet.png");
    canvas.save(&path).unwrap();
    let decoder = png::Decoder::new(std::io::BufReader::new(File::open(&path).unwrap()));
    let reader = decoder.read_info().unwrap();
    assert_eq!(
        reader.info().size(),
        (canvas.width as u32, canvas.height as u32)
    );
}

#[test]
fn the_columns_suit_a_screen() {
    for (count, width, height, expected) in [
        (1, 300, 300, 1),
        (8, 320, 200, 4),
        (10, 256, 256, 5),
        (4, 300, 300, 2),
    ] {
        let found = columns(count, width, height);
        assert!(found.abs_diff(expected) <= 1, "{count}: {found}");
    }
}
