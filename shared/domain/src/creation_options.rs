//! Creation options of consolidated files: which ones there are, and what they make of the pixels.

mod codec;
mod file_options;
#[cfg(test)]
mod tests;
mod validity;

use crate::{DType, DataFormat, Error, Result};
use codec::Codec;
pub use file_options::FileOptions;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
pub use validity::Validity;

type Options = BTreeMap<String, String>;

/// What the options of overviews end with.
const OVERVIEW: &str = "_OVERVIEW";

const OPTIONS: [&str; 7] = [
    "PHOTOMETRIC",
    "COMPRESS",
    "JPEG_QUALITY",
    "PREDICTOR",
    "ZLEVEL",
    "ZSTD_LEVEL",
    "MAX_Z_ERROR",
];

/// Colour spaces that files may have. GDAL knows others (`CMYK` and those that end with `LAB`), but reads
/// their bands as red, green, blue and alpha.
const PHOTOMETRICS: [&str; 4] = ["MINISBLACK", "MINISWHITE", "RGB", "YCBCR"];

/// What files and their overviews share: these options have no variant for overviews.
const OF_WHOLE_FILES: [&str; 2] = ["INTERLEAVE", "JPEGTABLESMODE"];

/// How the bands of a pixel are stored: side by side, or each band in tiles of its own.
const INTERLEAVES: [&str; 2] = ["PIXEL", BAND];
const BAND: &str = "BAND";

/// Checks the name and the value of every option: the writer of files would ignore what it does not know.
pub(crate) fn check_each(options: &Options) -> Result<()> {
    if let Some(unknown) = options.keys().find(|key| !is_allowed(key)) {
        return Err(Error::invalid(format!("unknown creationParams {unknown}")));
    }
    options
        .iter()
        .try_for_each(|(key, value)| check_value(key, value))
}

/// Checks that files of some bands can be written with the options, whose values are fine.
pub(crate) fn check_together(options: &Options, format: &DataFormat, bands: usize) -> Result<()> {
    for key in ["COMPRESS", "COMPRESS_OVERVIEW"] {
        let Some((value, codec)) = codec_of(options, key) else {
            continue;
        };
        if !codec.takes(format.dtype) {
            let dtype = format.dtype;
            return Err(Error::invalid(format!(
                "compressionOption {value} not supported for data type {dtype}"
            )));
        }
        // signed samples are compressed without loss in place of JPEG
        let takes = codec.bands();
        if format.dtype == DType::UInt8 && !takes.contains(&bands) {
            let (fewest, most) = takes.into_inner();
            let range = if fewest == most {
                most.to_string()
            } else {
                format!("{fewest} to {most}")
            };
            let expected = format!("{range} bands with {value}, found {bands}");
            return refuse(key, value, &expected);
        }
    }
    for key in ["PREDICTOR", "PREDICTOR_OVERVIEW"] {
        if let Some("3") = text(options, key)
            && !matches!(format.dtype, DType::Float32 | DType::Float64)
        {
            return refuse(key, "3", &format!("1 or 2 for data type {}", format.dtype));
        }
    }
    for key in ["PHOTOMETRIC", "PHOTOMETRIC_OVERVIEW"] {
        let value = text(options, key).unwrap_or_default();
        if value.eq_ignore_ascii_case("YCBCR") && !takes_ycbcr(options, key, bands) {
            return refuse(key, value, "YCBCR with COMPRESS=JPEG and 3 bands only");
        }
    }
    check_interleave(options, bands)
}

/// Some pictures cannot be taken apart into bands.
fn check_interleave(options: &Options, bands: usize) -> Result<()> {
    if !is_by_band(options) {
        return Ok(());
    }
    let value = text(options, "INTERLEAVE").unwrap_or_default();
    for key in ["COMPRESS", "COMPRESS_OVERVIEW"] {
        if let Some((name, Codec::Webp)) = codec_of(options, key) {
            return refuse("INTERLEAVE", value, &format!("PIXEL with {key}={name}"));
        }
    }
    for key in ["PHOTOMETRIC", "PHOTOMETRIC_OVERVIEW"] {
        let colours = text(options, key).unwrap_or_default();
        if colours.eq_ignore_ascii_case("YCBCR") && takes_ycbcr(options, key, bands) {
            return refuse("INTERLEAVE", value, &format!("PIXEL with {key}={colours}"));
        }
    }
    Ok(())
}

fn is_allowed(key: &str) -> bool {
    OF_WHOLE_FILES.contains(&key) || OPTIONS.contains(&plain(key))
}

/// Whether each band is stored in tiles of its own.
fn is_by_band(options: &Options) -> bool {
    text(options, "INTERLEAVE").is_some_and(|value| value.eq_ignore_ascii_case(BAND))
}

fn check_value(key: &str, value: &str) -> Result<()> {
    let number =
        |range: RangeInclusive<f64>| value.parse().is_ok_and(|number| range.contains(&number));
    let whole =
        |range: RangeInclusive<u32>| value.parse().is_ok_and(|number| range.contains(&number));
    let named = |names: &[&str]| names.iter().any(|name| name.eq_ignore_ascii_case(value));
    let (fits, expected) = match plain(key) {
        "COMPRESS" => (Codec::parse(value).is_some(), Codec::names().join(", ")),
        "PHOTOMETRIC" => (named(&PHOTOMETRICS), PHOTOMETRICS.join(", ")),
        "INTERLEAVE" => (named(&INTERLEAVES), INTERLEAVES.join(" or ")),
        "JPEG_QUALITY" => (whole(1..=100), "1 to 100".to_owned()),
        "PREDICTOR" => (whole(1..=3), "1 to 3".to_owned()),
        "ZLEVEL" => (whole(1..=12), "1 to 12".to_owned()),
        "ZSTD_LEVEL" => (
            number(f64::MIN_POSITIVE..=22.0),
            "a number up to 22".to_owned(),
        ),
        "MAX_Z_ERROR" => (number(0.0..=f64::MAX), "0 or a positive number".to_owned()),
        _ => (whole(0..=3), "0 to 3".to_owned()),
    };
    if fits {
        return Ok(());
    }
    refuse(key, value, &expected)
}

fn refuse(key: &str, value: &str, expected: &str) -> Result<()> {
    Err(Error::invalid(format!(
        "creationParams {key}: {value:?}, expected {expected}"
    )))
}

/// Whether the colour space of `key`, that of the full resolution or that of the overviews, may be `YCbCr`.
fn takes_ycbcr(options: &Options, key: &str, bands: usize) -> bool {
    let own = if key.ends_with(OVERVIEW) {
        codec_of(options, "COMPRESS_OVERVIEW")
    } else {
        None
    };
    let codec = own.or_else(|| codec_of(options, "COMPRESS"));
    bands == 3 && codec.is_some_and(|(_, codec)| codec == Codec::Jpeg)
}

/// The option that an option of overviews is named after.
fn plain(key: &str) -> &str {
    key.strip_suffix(OVERVIEW).unwrap_or(key)
}

fn text<'a>(options: &'a Options, key: &str) -> Option<&'a str> {
    options.get(key).map(String::as_str)
}

fn codec_of<'a>(options: &'a Options, key: &str) -> Option<(&'a str, Codec)> {
    let value = text(options, key)?;
    Some((value, Codec::parse(value)?))
}
