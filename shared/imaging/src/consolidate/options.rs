//! Creation options of GDAL.

use super::ConsolidateSpec;
use cog::Codec;
use domain::DType;

/// Levels of codecs where no option names one, as in GDAL.
const DEFLATE_LEVEL: u8 = 6;
const ZSTD_LEVEL: u8 = 9;

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
    let asked = spec.file_options();
    let alpha = spec.validity().alpha;
    // GDAL takes the last of four bands of bytes for alpha
    let looks_like_alpha = !alpha && spec.bands == 4;
    if (alpha || looks_like_alpha) && asked.get("PHOTOMETRIC").is_none() {
        let photometric = match (spec.bands, spec.mapping.format.dtype) {
            (3, DType::UInt8) => "RGB",
            _ => "MINISBLACK",
        };
        options.push(("PHOTOMETRIC".to_owned(), photometric.to_owned()));
    }
    if looks_like_alpha {
        options.push(("ALPHA".to_owned(), "NO".to_owned()));
    }
    let asked = asked.full();
    options.extend(asked.map(|(key, value)| (key.to_owned(), value.to_owned())));
    options
}

/// Options of an overview that has a file of its own: those of the full resolution where it has none.
pub(super) fn overview_file(spec: &ConsolidateSpec) -> Vec<(String, String)> {
    let mut options = creation(spec);
    for (key, value) in spec.file_options().overviews() {
        options.retain(|(known, _)| known != key);
        options.push((key.to_owned(), value.to_owned()));
    }
    options
}

/// Configuration options of the overviews inside a file.
pub(super) fn overviews(spec: &ConsolidateSpec) -> Vec<(String, String)> {
    let mut options = vec![("SPARSE_OK_OVERVIEW".to_owned(), "ON".to_owned())];
    for (key, value) in spec.file_options().overviews() {
        options.push((format!("{key}_OVERVIEW"), value.to_owned()));
    }
    options
}

/// The codec of this program that does what the options ask for, if there is one. `compression` is the code that they
/// lead to in the full resolution or the overviews.
pub(super) fn codec(spec: &ConsolidateSpec, compression: u16, overview: bool) -> Option<Codec> {
    let options = spec.file_options();
    let level = |key: &str, default: u8| {
        let given = if overview {
            options.of_overviews(key)
        } else {
            options.get(key)
        };
        let given = given.and_then(|value| value.parse::<f64>().ok());
        given.map_or(default, |level| level as u8)
    };
    [
        Codec::None,
        Codec::Lzw,
        Codec::Deflate(level("ZLEVEL", DEFLATE_LEVEL)),
        Codec::Zstd(level("ZSTD_LEVEL", ZSTD_LEVEL)),
    ]
    .into_iter()
    .find(|codec| codec.code() == compression)
}
