//! Comma-separated lists.

use std::ops::Deref;

/// A comma-separated list of texts; spaces around an entry and empty entries are dropped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct List(Vec<String>);

impl From<&str> for List {
    fn from(text: &str) -> Self {
        let entries = text
            .split(',')
            .map(str::trim)
            .filter(|entry| !entry.is_empty());
        Self(entries.map(str::to_owned).collect())
    }
}

impl Deref for List {
    type Target = [String];

    fn deref(&self) -> &[String] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_trimmed_and_empty_ones_dropped() {
        assert_eq!(*List::from("/a, /b ,,/c"), ["/a", "/b", "/c"]);
        assert!(List::from("").is_empty());
    }
}
