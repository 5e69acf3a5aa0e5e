//! Creation options of GDAL.

use super::ConsolidateSpec;
use cog::Codec;
use domain::DType;
use std::collections::BTreeMap;

const OVERVIEW: &str = "_OVERVIEW";

/// Levels of codecs where no option names one, as in GDAL.
const DEFLATE_LEVEL: u8 = 6;
const ZSTD_LEVEL: u8 = 9;

/// The creation options of an order, but for what would spoil pixels or cannot be written: JPEG has no
/// signed samples, so that such files are compressed without loss, YCbCr is for three colours in JPEG, and
/// the samples of other colour spaces are read back as others.
pub(super) fn that_gdal_can_write(spec: &ConsolidateSpec) -> BTreeMap<String, String> {
    let mut params = spec.creation_params.clone();
    let is = |value: &str, name: &str| value.eq_ignore_ascii_case(name);
    if spec.mapping.format.dtype == DType::Int8
        && params
            .iter()
            .any(|(key, value)| plain(key) == "COMPRESS" && is(value, "JPEG"))
    {
        params.retain(|key, _| {
            !matches!(
                plain(key),
                "JPEG_QUALITY" | "JPEGTABLESMODE" | "PHOTOMETRIC"
            )
        });
        for (_, value) in params
            .iter_mut()
            .filter(|(key, _)| plain(key) == "COMPRESS")
        {
            "ZSTD".clone_into(value);
        }
        params.insert("ZSTD_LEVEL".to_owned(), spec.zstd_level.to_string());
    }
    let codec = params.get("COMPRESS").map_or("", String::as_str);
    let ycbcr = is(codec, "JPEG") && spec.bands == 3;
    params.retain(|key, value| {
        let kept = ["MINISBLACK", "MINISWHITE", "RGB"]
            .iter()
            .any(|name| is(value, name));
        plain(key) != "PHOTOMETRIC" || kept || ycbcr && is(value, "YCBCR")
    });
    params
}

/// The option that an option of overviews is named after.
fn plain(key: &str) -> &str {
    key.strip_suffix(OVERVIEW).unwrap_or(key)
}

/// Options of the full resolution.
pub(super) fn creation(spec: &ConsolidateSpec) -> Vec<(String, String)> {
    let (block_width, block_height) = spec.block();
    let mut options = vec![
        ("TILED".to_owned(), "YES".to_owned()),
        ("SPARSE_OK".to_owned(), "TRUE".to_owned()),
        ("BLOCKXSIZE".to_owned(), block_width.to_string()),
        ("BLOCKYSIZE".to_owned(), block_height.to_string()),
        ("BIGTIFF".to_owned(), "IF_SAFER".to_owned()),
    ];
    if spec.mapping.format.dtype == DType::Int8 {
        options.push(("PIXELTYPE".to_owned(), "SIGNEDBYTE".to_owned()));
    }
    let given = |key: &str| spec.creation_params.contains_key(key);
    if spec.validity().alpha && !given("PHOTOMETRIC") {
        let photometric = match (spec.bands, spec.mapping.format.dtype) {
            (3, DType::UInt8) => "RGB",
            _ => "MINISBLACK",
        };
        options.push(("PHOTOMETRIC".to_owned(), photometric.to_owned()));
    }
    for (key, value) in &spec.creation_params {
        if !key.ends_with(OVERVIEW) {
            options.push((key.clone(), level(spec, key, value)));
        }
    }
    options
}

/// Options of an overview that has a file of its own: those of the full resolution where it has none.
pub(super) fn overview_file(spec: &ConsolidateSpec) -> Vec<(String, String)> {
    let mut options = creation(spec);
    for (key, value) in &spec.creation_params {
        if let Some(plain) = key.strip_suffix(OVERVIEW) {
            options.retain(|(key, _)| key != plain);
            options.push((plain.to_owned(), level(spec, key, value)));
        }
    }
    options
}

/// Configuration options of the overviews.
pub(super) fn overviews(spec: &ConsolidateSpec) -> Vec<(String, String)> {
    let mut options = vec![("SPARSE_OK_OVERVIEW".to_owned(), "ON".to_owned())];
    for (key, value) in &spec.creation_params {
        if key.ends_with(OVERVIEW) {
            options.push((key.clone(), level(spec, key, value)));
        }
    }
    options
}

/// The codec of this program that does what the options ask for, if there is one. `compression` is the code that they
/// lead to in the full resolution or the overviews.
pub(super) fn codec(spec: &ConsolidateSpec, compression: u16, overview: bool) -> Option<Codec> {
    let level = |key: &str, default: u8| {
        let own = overview.then(|| format!("{key}{OVERVIEW}"));
        let keys = own.iter().map(String::as_str).chain([key]);
        let given = keys.into_iter().find_map(|key| {
            let value = spec.creation_params.get(key)?;
            level(spec, key, value).parse::<f64>().ok()
        });
        given.map_or(default, |level| level as u8)
    };
    [
        Codec::None,
        Codec::Deflate(level("ZLEVEL", DEFLATE_LEVEL)),
        Codec::Zstd(level("ZSTD_LEVEL", ZSTD_LEVEL)),
    ]
    .into_iter()
    .find(|codec| codec.code() == compression)
}

/// A level of zstd between 0 and 1 means the fastest one, which the caller chooses.
fn level(spec: &ConsolidateSpec, key: &str, value: &str) -> String {
    let fastest = key.trim_end_matches(OVERVIEW) == "ZSTD_LEVEL"
        && value.parse::<f64>().is_ok_and(|level| level < 1.0);
    if fastest {
        spec.zstd_level.to_string()
    } else {
        value.to_owned()
    }
}
