//! The certificate of a port.

use runtime::ConfigError;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

const CERTIFICATE_FLAG: &str = "--tlsCert";
const KEY_FLAG: &str = "--tlsKey";

/// Certificate and key of a port that speaks HTTP/1.1 and HTTP/2 over TLS 1.2 and 1.3.
#[derive(Clone)]
pub struct Tls {
    acceptor: TlsAcceptor,
}

impl fmt::Debug for Tls {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Tls(…)")
    }
}

impl Tls {
    /// Reads a chain of certificates and a private key, both in PEM.
    ///
    /// # Errors
    /// When a file cannot be read, holds something else, or when the key is not that of the
    /// certificate: the flag and the file are named. What a file holds is never shown.
    pub fn load(certificate: &Path, key: &Path) -> Result<Self, ConfigError> {
        let chain = CertificateDer::pem_file_iter(certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .and_then(|chain| {
                if chain.is_empty() {
                    Err(PemError::NoItemsFound)
                } else {
                    Ok(chain)
                }
            })
            .map_err(|error| {
                let expected = "a chain of certificates in PEM";
                unusable(CERTIFICATE_FLAG, certificate, expected, error)
            })?;
        let private = PrivateKeyDer::from_pem_file(key).map_err(|error| {
            let expected = "a private key in PEM, without a password";
            unusable(KEY_FLAG, key, expected, error)
        })?;
        let invalid = |expected| ConfigError::InvalidFile {
            flag: KEY_FLAG,
            path: key.to_owned(),
            expected,
        };
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|_| invalid("a key of a kind that TLS knows"))?
            .with_no_client_auth()
            .with_single_cert(chain, private)
            .map_err(|_| invalid("the private key of the certificate of --tlsCert"))?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self {
            acceptor: Arc::new(config).into(),
        })
    }

    /// Shakes hands.
    pub(super) async fn accept(&self, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        self.acceptor.accept(stream).await
    }
}

/// What is wrong with a file. The parser's own text may repeat a line of it.
fn unusable(
    flag: &'static str,
    path: &Path,
    expected: &'static str,
    error: PemError,
) -> ConfigError {
    let path = path.to_owned();
    match error {
        PemError::Io(source) => ConfigError::Unreadable { flag, path, source },
        _ => ConfigError::InvalidFile {
            flag,
            path,
            expected,
        },
    }
}

#[cfg(test)]
mod tests;
