use domain::Uri;

use crate::{Error, Result};

/// Refuses names that mean another object on the way: what passes on an address takes `.` segments out of it.
pub(crate) fn refuse_dots(uri: &Uri) -> Result<()> {
    if uri.path().split('/').any(|name| matches!(name, "." | "..")) {
        return Err(Error::invalid(
            uri,
            "has `.` or `..` for a name between slashes, expected others",
        ));
    }
    Ok(())
}
