//! Files that are made known while somebody may delete them.

use crate::{App, Error, Result};
use database::{PgConnection, file_lock};
use domain::Uri;
use std::time::Duration;
use tokio::time::timeout;

/// Longest look at a file: a transaction is open meanwhile.
const LONGEST_LOOK: Duration = Duration::from_secs(10);

/// Keeps a file from being deleted by the service until the end of the transaction, and looks whether it is still there. A
/// file that the service never deletes is not looked at.
///
/// # Errors
/// [`domain::Error::Invalid`] when it was deleted meanwhile.
pub(crate) async fn keep(app: &App, conn: &mut PgConnection, uri: &Uri) -> Result<()> {
    if !app.options().paths.may_manage(&uri.canonical()) {
        return Ok(());
    }
    file_lock::share(conn, uri).await?;
    match timeout(LONGEST_LOOK, app.storage().head(uri)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) if error.is_not_found() => Err(Error::invalid(format!(
            "Invalid Container.uri: {uri} was deleted while it was being indexed"
        ))),
        Ok(Err(error)) if error.is_retryable() => Err(Error::unavailable("the storage", error)),
        Ok(Err(error)) => Err(Error::internal(format!("looking for {uri}"), error)),
        Err(late) => Err(Error::unavailable("the storage", late)),
    }
}
