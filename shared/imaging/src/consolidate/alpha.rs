use domain::DataFormat;
use std::collections::BTreeMap;

/// Whether an alpha band replaces the hole marker, which a lossy encoding would blur.
pub fn needs_alpha(creation_params: &BTreeMap<String, String>, format: &DataFormat) -> bool {
    format.no_data_defined() && is_lossy(creation_params)
}

fn is_lossy(params: &BTreeMap<String, String>) -> bool {
    let value = |key: &str| params.get(key).map(String::as_str);
    let either = |key: &str, test: &dyn Fn(&str) -> bool| {
        [key.to_owned(), format!("{key}_OVERVIEW")]
            .iter()
            .any(|key| value(key).is_some_and(test))
    };
    let full_quality = either("JPEG_QUALITY", &|quality| quality == "100");
    either("JPEG_QUALITY", &|quality| quality != "100")
        || either("COMPRESS", &|codec| codec.eq_ignore_ascii_case("JPEG")) && !full_quality
        || either("COMPRESS", &|codec| codec.eq_ignore_ascii_case("WEBP"))
            && value("WEBP_LOSSLESS") != Some("TRUE")
        || either("MAX_Z_ERROR", &|error| error.parse() != Ok(0.0))
        || value("JXL_LOSSLESS").is_some_and(|lossless| lossless != "TRUE")
}
