//! Free texts and patterns.

use domain::{Error, Pattern, Result};

/// A free text: anything but NUL, which the database cannot hold.
pub(crate) fn text(field: &str, text: String) -> Result<String> {
    if text.contains('\0') {
        return Err(Error::invalid(format!(
            "Invalid {field}: expected no NUL character"
        )));
    }
    Ok(text)
}

/// A pattern; the empty text filters nothing.
pub(crate) fn pattern(field: &str, pattern: &str) -> Result<Option<Pattern>> {
    text(field, pattern.to_owned()).map(|pattern| Pattern::parse(&pattern))
}
