//! Connections that are opened by certificates in place of a password.

use crate::{Result, connect_options};
use sqlx::postgres::{PgConnectOptions, PgSslMode};

/// A client's certificate and key, and the authority of the server; all in PEM.
#[derive(Clone, Copy)]
pub struct ClientCertificates<'a> {
    /// Chain of the client's certificate.
    pub certificate: &'a str,
    /// Private key of the client.
    pub key: &'a str,
    /// Certificates of the authority that signed the server's certificate.
    pub root: &'a str,
}

/// Options of connections that present a certificate. Nothing is written to files.
///
/// The server must present a certificate of the authority, whatever host it names: managed databases
/// name their instance there. The driver also accepts one that any public authority signed, and has
/// no setting against it; the network must see to it that nobody else answers under the address.
///
/// # Errors
/// [`domain::Error::Invalid`] when the URL is malformed.
pub fn connect_with_certificates(
    url: &str,
    certificates: ClientCertificates<'_>,
) -> Result<PgConnectOptions> {
    let ClientCertificates {
        certificate,
        key,
        root,
    } = certificates;
    Ok(connect_options(url)?
        .ssl_mode(PgSslMode::VerifyCa)
        .ssl_client_cert_from_pem(certificate)
        .ssl_client_key_from_pem(key)
        .ssl_root_cert_from_pem(root.as_bytes().to_vec()))
}
