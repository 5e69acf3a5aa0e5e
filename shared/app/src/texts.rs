//! Texts that published clients compare or cut up: they are part of the contract, to the byte.
//!
//! The lines of job logs are in `domain::job::messages`.

use crate::Error;

/// Description of an image without any valid pixel.
pub const NOT_ENOUGH_VALID_PIXELS: &str = "Not enough valid pixels (skipped)";

/// Error of one image, as its header carries it. The Python client compares the one for
/// [`NOT_ENOUGH_VALID_PIXELS`] literally to skip the image.
pub fn image_error(error: &Error) -> String {
    match error {
        Error::Domain(error) => status_text(domain_code(error), &error.to_string()),
        Error::Unavailable { .. } => {
            let text = match error.outline() {
                Some(cause) => format!("{error}: {cause}"),
                None => error.to_string(),
            };
            status_text("Unavailable", &text)
        }
        Error::DeadlineExceeded(text) => status_text("DeadlineExceeded", text),
        Error::Cancelled(text) => status_text("Canceled", text),
        Error::Internal { .. } => error.to_string(),
    }
}

/// `code` is the camel-case name of a gRPC code.
fn status_text(code: &str, description: &str) -> String {
    format!("rpc error: code = {code} desc = {description}")
}

fn domain_code(error: &domain::Error) -> &'static str {
    match error {
        domain::Error::Invalid(_) => "InvalidArgument",
        domain::Error::NotFound { .. } => "NotFound",
        domain::Error::AlreadyExists { .. } => "AlreadyExists",
        domain::Error::InUse { .. } | domain::Error::Precondition(_) => "FailedPrecondition",
        domain::Error::LimitExceeded(_) => "ResourceExhausted",
    }
}

/// The error of an image, or of a tile, without any valid pixel.
pub fn not_enough_valid_pixels() -> domain::Error {
    domain::Error::NotFound {
        entity: domain::Entity::Nothing,
        id: String::new(),
        text: NOT_ENOUGH_VALID_PIXELS.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{image_error, not_enough_valid_pixels};

    #[test]
    fn an_empty_image_has_the_text_that_the_python_client_compares() {
        assert_eq!(
            image_error(&not_enough_valid_pixels().into()),
            "rpc error: code = NotFound desc = Not enough valid pixels (skipped)"
        );
    }
}
