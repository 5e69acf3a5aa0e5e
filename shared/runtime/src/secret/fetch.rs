//! What programs keep in secrets.

use super::{Secret, SecretError, SecretManager, SecretName};
use crate::config::{ClientCertificates, Connection, Login, TokenFlags, Tokens};

/// The tokens in force, those of the secret of `project` included where the flags name one.
///
/// # Errors
/// When the secret cannot be had, or the tokens cannot be used; flag and secret are named.
pub async fn tokens(flags: &TokenFlags, project: Option<&str>) -> Result<Tokens, SecretError> {
    let secret = match flags.secret(project)? {
        None => None,
        Some(name) => Some(fetch(&name).await?),
    };
    Ok(flags.load(secret.as_ref())?)
}

/// What opens the database, with the certificates of its secret.
///
/// # Errors
/// When the secret cannot be had, or holds something else than certificates; flag and secret are named.
pub async fn login(connection: Connection) -> Result<Login, SecretError> {
    match connection {
        Connection::Url(url) => Ok(Login {
            url,
            certificates: None,
        }),
        Connection::Certificates { url, secret } => {
            let secret = fetch(&secret).await?;
            let certificates = Some(ClientCertificates::from_secret(&secret)?);
            Ok(Login { url, certificates })
        }
    }
}

async fn fetch(name: &SecretName) -> Result<Secret, SecretError> {
    SecretManager::from_environment(name)?.fetch(name).await
}
