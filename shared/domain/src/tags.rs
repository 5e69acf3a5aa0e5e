//! Tags of records and their filters.

use crate::{Error, Pattern, Result};
use std::collections::BTreeMap;

/// Largest sum of the bytes of all keys and values of one record: a unique index holds them.
pub const MAX_TAGS_BYTES: usize = 2048;

/// User tags of a record, by key.
///
/// Invariants: no `*`, `?` or NUL in keys and values, at most 2048 bytes in total.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tags(BTreeMap<String, String>);

impl Tags {
    /// Builds checked tags.
    ///
    /// # Errors
    /// [`Error::Invalid`] that names the offending tag.
    pub fn try_new(tags: BTreeMap<String, String>) -> Result<Self> {
        let bytes: usize = tags
            .iter()
            .map(|(key, value)| key.len() + value.len())
            .sum();
        if bytes > MAX_TAGS_BYTES {
            return Err(Error::invalid(format!(
                "Invalid tags: {bytes} bytes, expected at most {MAX_TAGS_BYTES}"
            )));
        }
        for (key, value) in &tags {
            if key.contains(['*', '?', '\0']) || value.contains(['*', '?', '\0']) {
                return Err(Error::invalid(format!(
                    "Invalid tag {key:?}: {value:?}, expected neither '*' nor '?' nor NUL in key and value"
                )));
            }
        }
        Ok(Self(tags))
    }

    /// Tags that the database holds already.
    pub fn from_stored(tags: BTreeMap<String, String>) -> Self {
        Self(tags)
    }

    /// The tags by key.
    pub fn as_map(&self) -> &BTreeMap<String, String> {
        &self.0
    }

    /// Gives the map away.
    pub fn into_map(self) -> BTreeMap<String, String> {
        self.0
    }
}

/// Filters on tags, combined with AND: the key must exist and, where a pattern is given, its value
/// must match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TagFilters(pub BTreeMap<String, Option<Pattern>>);

impl TagFilters {
    /// Reads filters: an empty value asks for the key alone.
    ///
    /// # Errors
    /// [`Error::Invalid`] when a key or value holds NUL.
    pub fn parse(tags: BTreeMap<String, String>) -> Result<Self> {
        let parse = |(key, value): (String, String)| {
            if key.contains('\0') || value.contains('\0') {
                return Err(Error::invalid(format!(
                    "Invalid tag filter {key:?}: expected no NUL character"
                )));
            }
            Ok((key, Pattern::parse(&value)))
        };
        tags.into_iter().map(parse).collect::<Result<_>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::Tags;
    use std::collections::BTreeMap;

    fn tags(key: &str, value: &str) -> crate::Result<Tags> {
        Tags::try_new(BTreeMap::from([(key.to_owned(), value.to_owned())]))
    }

    #[test]
    fn wildcards_and_nul_are_refused_and_the_rest_is_kept() {
        for (key, value) in [("a", "v*"), ("k?", "b"), ("a", "\0"), ("\0", "")] {
            assert!(tags(key, value).is_err(), "{key:?} {value:?}");
        }
        for (key, value) in [
            ("a", "b"),
            ("", ""),
            (r#"q"'\,=>"#, r#"=>,\'""#),
            ("é", "日本"),
        ] {
            assert_eq!(tags(key, value).unwrap().as_map()[key], value);
        }
        assert!(tags("k", &"x".repeat(2048)).is_err());
    }
}
