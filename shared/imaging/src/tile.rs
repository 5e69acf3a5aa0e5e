use crate::{
    Error, Image, Result,
    sample::{Sample, with_sample},
};
use domain::{
    Palette,
    tile::{NO_DATA, scale_to_byte},
};
use png::{BitDepth, ColorType, Compression, Encoder};

/// Encodes an image as PNG, its values scaled from [`lo`, `hi`] to bytes; pixels without data are transparent.
///
/// One band gives grey, or the colours of the palette; three bands give red, green and blue; the last of two or
/// four bands is the opacity of the others.
///
/// # Errors
/// [`domain::Error::Invalid`] for other numbers of bands, for a palette with more than one band, and for complex
/// samples.
pub fn encode_png(image: &Image, lo: f64, hi: f64, palette: Option<&Palette>) -> Result<Vec<u8>> {
    let bands = image.bands();
    if !(1..=4).contains(&bands) {
        return Err(domain::Error::invalid(format!(
            "bands: a tile is made of 1 to 4 bands, found {bands}"
        ))
        .into());
    }
    if palette.is_some() && bands != 1 {
        return Err(domain::Error::invalid(format!(
            "palette: expected a variable of one band, found {bands}"
        ))
        .into());
    }
    let bytes = to_bytes(image, lo, hi)?;
    match (palette, bands) {
        (Some(palette), _) => paletted(image, &bytes, palette),
        (None, 1) => keyed(image, &bytes, ColorType::Grayscale),
        (None, 3) => keyed(image, &bytes, ColorType::Rgb),
        (None, 2) => with_opacity(image, &bytes, ColorType::GrayscaleAlpha),
        (None, _) => with_opacity(image, &bytes, ColorType::Rgba),
    }
}

/// Band after band: 0 to 254, and [`NO_DATA`] where there is no data.
fn to_bytes(image: &Image, lo: f64, hi: f64) -> Result<Vec<u8>> {
    if image.dtype() == domain::DType::Complex64 {
        return Err(domain::Error::invalid("tiles of complex samples cannot be drawn").into());
    }
    let mut bytes = vec![NO_DATA; image.as_band_sequential().len() / image.dtype().size().max(1)];
    let pixels = image.size().pixels() as usize;
    with_sample!(image.dtype(), S => {
        let hole = image.no_data().map(S::from_f64);
        let byte = |sample: S| {
            if sample.is_nan() || hole == Some(sample) {
                NO_DATA
            } else {
                scale_to_byte(sample.to_f64(), lo, hi)
            }
        };
        let samples = image.as_band_sequential().chunks_exact(pixels * S::SIZE);
        for (bytes, samples) in bytes.chunks_exact_mut(pixels).zip(samples) {
            for (to, sample) in bytes.iter_mut().zip(samples.chunks_exact(S::SIZE)) {
                *to = byte(S::load(sample));
            }
            for (to, covered) in bytes.iter_mut().zip(image.coverage().unwrap_or_default()) {
                if *covered == 0 {
                    *to = NO_DATA;
                }
            }
        }
    }, undefined => ());
    Ok(bytes)
}

/// Colours with one transparent one, when it occurs.
fn keyed(image: &Image, bytes: &[u8], color: ColorType) -> Result<Vec<u8>> {
    let pixels = interleaved(bytes, image.bands());
    let key = [0, NO_DATA].repeat(image.bands());
    encode(image, color, &pixels, |encoder| encoder.set_trns(key))
}

fn paletted(image: &Image, bytes: &[u8], palette: &Palette) -> Result<Vec<u8>> {
    let entries = palette.render();
    let colors: Vec<u8> = entries
        .iter()
        .flat_map(|[r, g, b, _]| [*r, *g, *b])
        .collect();
    let opacities: Vec<u8> = entries.iter().map(|[.., a]| *a).collect();
    encode(image, ColorType::Indexed, bytes, |encoder| {
        encoder.set_palette(colors);
        encoder.set_trns(opacities);
    })
}

/// The last band is opacity, which is none where any band has no data.
fn with_opacity(image: &Image, bytes: &[u8], color: ColorType) -> Result<Vec<u8>> {
    let bands = image.bands();
    let mut pixels = interleaved(bytes, bands);
    for pixel in pixels.chunks_exact_mut(bands) {
        let empty = pixel.contains(&NO_DATA);
        let opacity = &mut pixel[bands - 1];
        // The scale ends at 254, full opacity at 255.
        *opacity = match (empty, *opacity) {
            (true, _) => 0,
            (false, 254) => 255,
            (false, opacity) => opacity,
        };
    }
    encode(image, color, &pixels, |_| ())
}

fn interleaved(bytes: &[u8], bands: usize) -> Vec<u8> {
    let pixels = bytes.len() / bands;
    let mut interleaved = vec![0; bytes.len()];
    for band in 0..bands {
        let samples = &bytes[band * pixels..(band + 1) * pixels];
        for (pixel, sample) in interleaved.chunks_exact_mut(bands).zip(samples) {
            pixel[band] = *sample;
        }
    }
    interleaved
}

fn encode(
    image: &Image,
    color: ColorType,
    pixels: &[u8],
    describe: impl FnOnce(&mut Encoder<'_, &mut Vec<u8>>),
) -> Result<Vec<u8>> {
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, image.size().width, image.size().height);
    encoder.set_color(color);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_compression(Compression::Fastest);
    describe(&mut encoder);
    let mut writer = encoder.write_header().map_err(Error::Png)?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(file)
}
