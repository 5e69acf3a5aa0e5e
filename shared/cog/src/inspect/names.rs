//! Names of codes.

use crate::ImageTags;

/// Name of the type of the first sample, as GDAL has it.
pub(super) fn sample_type(tags: &ImageTags) -> String {
    let bits = tags.bits_per_sample.first().copied().unwrap_or(1);
    match (tags.sample_format.first(), bits) {
        (Some(1), 8) => "Byte".to_owned(),
        (Some(1), _) => format!("UInt{bits}"),
        (Some(2), _) => format!("Int{bits}"),
        (Some(3), _) => format!("Float{bits}"),
        (Some(5), _) => format!("CInt{}", bits / 2),
        (Some(6), _) => format!("CFloat{}", bits / 2),
        _ => format!("{bits} bits of an unknown kind"),
    }
}

/// Name of a compression.
pub(super) fn compression(code: u16) -> String {
    let name = match code {
        1 => "NONE",
        5 => "LZW",
        6 => "OLD JPEG",
        7 => "JPEG",
        8 | 32946 => "DEFLATE",
        32773 => "PACKBITS",
        34887 => "LERC",
        34925 => "LZMA",
        50000 => "ZSTD",
        50001 => "WEBP",
        50002 => "JXL",
        _ => return format!("code {code}"),
    };
    name.to_owned()
}
