//! Rules of names.

use crate::{Error, Result};
use serde::{Deserialize, Deserializer, de};

/// Longest accepted name, in bytes: unique indexes of the database cannot hold much more.
pub const MAX_NAME_BYTES: usize = 512;

/// Checks a name made of one or more segments separated by `/`.
///
/// A segment is not empty and holds ASCII letters, digits, `-`, `:` and `_`. Used for records,
/// variables, palettes, layouts and cells.
///
/// # Errors
/// [`Error::Invalid`] that names the `field`.
pub fn check_name(field: &str, name: &str) -> Result<()> {
    check(
        field,
        name,
        name.split('/').all(is_segment),
        "segments of letters, digits, '-', ':' and '_', separated by '/'",
    )
}

/// Checks a name made of exactly one segment: instances and grids.
///
/// # Errors
/// [`Error::Invalid`] that names the `field`.
pub fn check_segment(field: &str, name: &str) -> Result<()> {
    check(
        field,
        name,
        is_segment(name),
        "letters, digits, '-', ':' and '_'",
    )
}

fn check(field: &str, name: &str, fits: bool, expected: &str) -> Result<()> {
    if name.len() > MAX_NAME_BYTES {
        let bytes = name.len();
        return Err(Error::invalid(format!(
            "Invalid {field}: {bytes} bytes, expected at most {MAX_NAME_BYTES}"
        )));
    }
    if !fits {
        return Err(Error::invalid(format!(
            "Invalid {field}: {name:?}, expected {expected}"
        )));
    }
    Ok(())
}

fn is_segment(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b':' | b'_'))
}

/// Reads an enumeration that is written by name and also accepted by number.
pub(crate) fn name_or_number<'de, D, T>(
    deserializer: D,
    expected: &'static str,
    from_name: impl Fn(&str) -> Option<T>,
    from_number: impl Fn(i32) -> Option<T>,
) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
{
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum NameOrNumber {
        Name(String),
        Number(i32),
    }
    match NameOrNumber::deserialize(deserializer)? {
        NameOrNumber::Name(name) => from_name(&name)
            .ok_or_else(|| de::Error::invalid_value(de::Unexpected::Str(&name), &expected)),
        NameOrNumber::Number(number) => from_number(number).ok_or_else(|| {
            de::Error::invalid_value(de::Unexpected::Signed(number.into()), &expected)
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::{check_name, check_segment};

    #[test]
    fn names_are_segments_separated_by_slashes() {
        for name in ["a", "a/b:c_d-e", "S2/L2A", "0"] {
            assert!(check_name("Name", name).is_ok(), "{name}");
        }
        for name in ["", "a b", "a.b", "a/", "/a", "a//b", "a\n", "é", "\0"] {
            assert!(check_name("Name", name).is_err(), "{name:?}");
        }
        assert!(check_name("Name", &"x".repeat(513)).is_err());
    }

    #[test]
    fn instances_and_grids_have_one_segment() {
        assert!(check_segment("Name", "master").is_ok());
        assert!(check_segment("Name", "a/b").is_err());
    }
}
