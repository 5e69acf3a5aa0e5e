//! Sizes in bytes.

use super::ValueError;
use super::duration::scaled;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// The size of a cached block: bytes, or a number with unit `B`, `K`, `KB`, `KiB`, `M`, `MB` or `MiB` in any case, all
/// of them powers of 1024.
///
/// # Errors
/// When the text is no such size, is zero, or uses a larger unit, which no block may have.
pub fn block_size(text: &str) -> Result<u64, ValueError> {
    parse(text, MIB)
        .ok_or_else(|| ValueError::new("a size above zero such as 1048576, 512K or 1.5MiB"))
}

/// As [`block_size`], with `G`, `GB` and `GiB` too.
///
/// # Errors
/// When the text is no such size or is zero.
pub fn byte_size(text: &str) -> Result<u64, ValueError> {
    parse(text, GIB)
        .ok_or_else(|| ValueError::new("a size above zero such as 1048576, 512M or 1.5GiB"))
}

fn parse(text: &str, largest_unit: u64) -> Option<u64> {
    let unit_start = text
        .find(|letter: char| letter.is_ascii_alphabetic())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_start);
    let number = number.trim_end();
    let bytes_per_unit = match unit.to_ascii_uppercase().as_str() {
        "" => return number.parse().ok().filter(|bytes| *bytes > 0),
        "B" => 1,
        "K" | "KB" | "KIB" => KIB,
        "M" | "MB" | "MIB" => MIB,
        "G" | "GB" | "GIB" => GIB,
        _ => return None,
    };
    if bytes_per_unit > largest_unit {
        return None;
    }
    scaled(number, bytes_per_unit).filter(|bytes| *bytes > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_sized_in_bytes_kib_or_mib() {
        for (text, bytes) in [
            ("1Mb", Some(1_048_576)),
            ("512k", Some(524_288)),
            ("1048576", Some(1_048_576)),
            ("1.5MiB", Some(1_572_864)),
            ("10B", Some(10)),
            ("2 KiB", Some(2048)),
            ("1Gb", None),
            ("0", None),
            ("0k", None),
            ("-1", None),
            ("", None),
            ("M", None),
            ("1.5", None),
            ("1e3", None),
            ("99999999999999999999M", None),
        ] {
            assert_eq!(block_size(text).ok(), bytes, "{text:?}");
        }
    }

    #[test]
    fn budgets_may_be_sized_in_gib() {
        assert_eq!(byte_size("2GiB"), Ok(2 << 30));
        assert!(byte_size("1T").is_err());
    }
}
