use super::codec::{Codec, JPEG_BANDS};
use super::{Options, codec_of, plain, text};
use crate::DataFormat;

/// Where a consolidated file says which pixels hold data, besides the hole marker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Validity {
    /// In an alpha band behind the others, which replaces a hole marker that a lossy encoding would blur.
    pub alpha: bool,
    /// In a mask of one bit per pixel, where the encoding would blur an alpha band too, or leaves no room for one.
    pub mask: bool,
}

/// An error of samples that alpha bands bear: opaque and transparent are 127 apart at least.
const HARMLESS: f64 = 1.0;

impl Validity {
    /// What files with some creation options, samples and bands need.
    pub fn of(options: &Options, format: &DataFormat, bands: usize) -> Self {
        if !format.no_data_defined() {
            return Self::default();
        }
        let jpeg = uses_jpeg(options);
        let colours = text(options, "PHOTOMETRIC").unwrap_or_default();
        let full = bands >= JPEG_BANDS || colours.eq_ignore_ascii_case("YCBCR") && bands == 3;
        Self {
            alpha: is_lossy(options) && !(jpeg && full),
            mask: jpeg || most_error(options) > HARMLESS,
        }
    }
}

fn uses_jpeg(options: &Options) -> bool {
    ["COMPRESS", "COMPRESS_OVERVIEW"]
        .iter()
        .any(|key| codec_of(options, key).is_some_and(|(_, codec)| codec == Codec::Jpeg))
}

/// The largest error that the encoding may make on purpose.
fn most_error(options: &Options) -> f64 {
    let errors = options
        .iter()
        .filter(|(key, _)| plain(key) == "MAX_Z_ERROR");
    errors
        .filter_map(|(_, value)| value.parse::<f64>().ok())
        .fold(0.0, f64::max)
}

fn is_lossy(options: &Options) -> bool {
    let either = |key: &str, test: &dyn Fn(&str) -> bool| {
        [key.to_owned(), format!("{key}_OVERVIEW")]
            .iter()
            .any(|key| text(options, key).is_some_and(test))
    };
    let full_quality = either("JPEG_QUALITY", &|quality| quality == "100");
    either("JPEG_QUALITY", &|quality| quality != "100")
        || either("COMPRESS", &|name| Codec::parse(name) == Some(Codec::Jpeg)) && !full_quality
        || either("COMPRESS", &|name| Codec::parse(name) == Some(Codec::Webp))
            && text(options, "WEBP_LOSSLESS") != Some("TRUE")
        || either("MAX_Z_ERROR", &|error| error.parse() != Ok(0.0))
        || text(options, "JXL_LOSSLESS").is_some_and(|lossless| lossless != "TRUE")
}
