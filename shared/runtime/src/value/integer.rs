//! Integers and booleans as Go's flag package reads them.

use super::ValueError;

/// An integer in decimal, `0x`, `0b`, `0o` or leading-`0` octal notation, with `_` between digits.
///
/// # Errors
/// When the text is no such integer or does not fit `T`.
pub fn integer<T: TryFrom<i128>>(text: &str) -> Result<T, ValueError> {
    let value = parse(text).ok_or_else(|| ValueError::new("a whole number"))?;
    T::try_from(value).map_err(|_| {
        let negative_to_unsigned = value < 0 && T::try_from(-1).is_err();
        ValueError::new(if negative_to_unsigned {
            "a whole number of at least 0"
        } else {
            "a number closer to 0"
        })
    })
}

/// `1`, `t`, `T`, `true`, `TRUE`, `True`, and the like for false.
///
/// # Errors
/// On any other text.
pub fn boolean(text: &str) -> Result<bool, ValueError> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(ValueError::new("true or false")),
    }
}

fn parse(text: &str) -> Option<i128> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    let (radix, digits, after_prefix) = split_prefix(digits);
    let digits = without_underscores(digits, after_prefix)?;
    if !digits.bytes().all(|digit| digit.is_ascii_alphanumeric()) {
        return None;
    }
    i128::from_str_radix(&digits, radix)
        .ok()
        .map(|value| sign * value)
}

fn split_prefix(digits: &str) -> (u32, &str, bool) {
    for (prefixes, radix) in [(["0x", "0X"], 16), (["0b", "0B"], 2), (["0o", "0O"], 8)] {
        for prefix in prefixes {
            if let Some(rest) = digits.strip_prefix(prefix) {
                return (radix, rest, true);
            }
        }
    }
    match digits.strip_prefix('0') {
        Some(rest) if !rest.is_empty() => (8, rest, true),
        _ => (10, digits, false),
    }
}

/// An underscore must stand between two digits; the prefix of the base counts as one.
fn without_underscores(digits: &str, after_prefix: bool) -> Option<String> {
    let mut previous = if after_prefix { '0' } else { '_' };
    let mut kept = String::with_capacity(digits.len());
    for letter in digits.chars() {
        if letter == '_' && previous == '_' {
            return None;
        }
        if letter != '_' {
            kept.push(letter);
        }
        previous = letter;
    }
    (previous != '_' && !kept.is_empty()).then_some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_follow_go() {
        for (text, value) in [
            ("16", Some(16)),
            ("0x10", Some(16)),
            ("0X1f", Some(31)),
            ("0o17", Some(15)),
            ("017", Some(15)),
            ("0b101", Some(5)),
            ("1_000", Some(1000)),
            ("0x_ff", Some(255)),
            ("0_7", Some(7)),
            ("-1", Some(-1)),
            ("+5", Some(5)),
            ("0", Some(0)),
            ("-0x10", Some(-16)),
            ("", None),
            ("-", None),
            ("1.5", None),
            ("0x", None),
            ("09", None),
            ("_1", None),
            ("1_", None),
            ("1__0", None),
            ("--1", None),
            ("0x-1", None),
            ("1e3", None),
            (" 1", None),
            ("9223372036854775807", Some(i64::MAX)),
            ("9223372036854775808", None),
            ("999999999999999999999999999999999999999999999", None),
        ] {
            assert_eq!(integer::<i64>(text).ok(), value, "{text:?}");
        }
    }

    #[test]
    fn unsigned_integers_refuse_a_sign() {
        assert!(integer::<u32>("-1").is_err());
        assert_eq!(integer::<u8>("255"), Ok(255));
        assert!(integer::<u8>("256").is_err());
    }

    #[test]
    fn booleans_have_twelve_spellings() {
        for text in ["1", "t", "T", "true", "TRUE", "True"] {
            assert_eq!(boolean(text), Ok(true));
        }
        for text in ["0", "f", "F", "false", "FALSE", "False"] {
            assert_eq!(boolean(text), Ok(false));
        }
        for text in ["", "yes", "tRUE", "2"] {
            assert!(boolean(text).is_err(), "{text:?}");
        }
    }
}
