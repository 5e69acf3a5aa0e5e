//! Errors as texts of logs, events and reasons.

use domain::job::Failure;
use std::error::Error;
use std::fmt::Write;

/// Longest text, in characters: it travels in events and is kept in logs.
const MAX_CHARS: usize = 2000;

/// An error with its causes.
pub(crate) fn text(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let own = error.to_string();
        // transparent errors repeat the text of their cause
        if !text.ends_with(&own) {
            let _ = write!(text, ": {own}");
        }
        cause = error.source();
    }
    shortened(text)
}

/// An error as the failure of a job.
pub(super) fn failure(error: &(dyn Error + 'static)) -> Failure {
    Failure::new(text(error))
}

fn shortened(text: String) -> String {
    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_CHARS, text};
    use crate::Error;

    #[test]
    fn causes_follow_the_error() {
        let cause = std::io::Error::other("connection refused");
        let error = Error::unavailable("the store", cause);
        assert_eq!(
            text(&error),
            "the store is not available for now: connection refused"
        );
        let domain = Error::invalid("Invalid name");
        assert_eq!(text(&domain), "Invalid name");
    }

    #[test]
    fn long_texts_are_cut() {
        let long = text(&Error::invalid("é".repeat(10_000)));
        assert_eq!(long.chars().count(), MAX_CHARS + 1);
    }
}
