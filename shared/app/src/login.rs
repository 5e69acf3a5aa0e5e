//! How programs open the database.

use crate::Result;
use database::{ClientCertificates, PgConnectOptions};
use runtime::ExposeSecret;
use runtime::config::Login;

/// Options of the connections that a login opens, for the catalogue and for the queue beside it.
///
/// # Errors
/// [`domain::Error::Invalid`] when the URL is malformed; it is not shown.
pub fn connect_options(login: &Login) -> Result<PgConnectOptions> {
    let url = login.url.expose_secret();
    Ok(match &login.certificates {
        None => database::connect_options(url)?,
        Some(held) => {
            let certificates = ClientCertificates {
                certificate: &held.certificate,
                key: held.key.expose_secret(),
                root: &held.root,
            };
            database::connect_with_certificates(url, certificates)?
        }
    })
}
