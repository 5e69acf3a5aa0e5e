//! Free texts and patterns.

use domain::{Error, MAX_NAME_BYTES, Pattern, Result};

/// A free text: anything but NUL, which the database cannot hold.
pub(crate) fn text(field: &str, text: String) -> Result<String> {
    if text.contains('\0') {
        return Err(Error::invalid(format!(
            "Invalid {field}: expected no NUL character"
        )));
    }
    Ok(text)
}

/// The name of a job: any text of a bounded length, as names are unique.
pub(crate) fn job_name(name: String) -> Result<String> {
    let bytes = name.len();
    if bytes > MAX_NAME_BYTES {
        return Err(Error::invalid(format!(
            "Invalid job_name: {bytes} bytes, expected at most {MAX_NAME_BYTES}"
        )));
    }
    text("job_name", name)
}

/// A pattern; the empty text filters nothing.
pub(crate) fn pattern(field: &str, pattern: &str) -> Result<Option<Pattern>> {
    text(field, pattern.to_owned()).map(|pattern| Pattern::parse(&pattern))
}
