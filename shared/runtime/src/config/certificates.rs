//! Client certificates of the database.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use crate::ConfigError;
use crate::secret::Secret;

/// What opens the database: a URL and, where the secret `dbSecretName` holds them, certificates.
#[derive(Debug, Clone)]
pub struct Login {
    /// The URL.
    pub url: SecretString,
    /// Certificates in place of a password.
    pub certificates: Option<ClientCertificates>,
}

/// A client's certificate and key, and the authority that signed the server's certificate; all in PEM.
#[derive(Clone)]
pub struct ClientCertificates {
    /// Chain of the client's certificate.
    pub certificate: String,
    /// Private key of the client.
    pub key: SecretString,
    /// Certificates of the authority.
    pub root: String,
}

impl fmt::Debug for ClientCertificates {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ClientCertificates(…)")
    }
}

impl ClientCertificates {
    /// Reads a JSON object with exactly the keys `apiserver.crt`, `apiserver.key` and `root.crt`.
    ///
    /// # Errors
    /// When the secret holds anything else; the flag and the secret are named, its value is not shown.
    pub fn from_secret(secret: &Secret) -> Result<Self, ConfigError> {
        let invalid = || ConfigError::InvalidSecret {
            secret: secret.name.clone(),
            expected: "a JSON object with exactly the keys apiserver.crt, apiserver.key and root.crt, each a text in PEM",
        };
        let mut object: Map<String, Value> =
            serde_json::from_str(secret.value.expose_secret()).map_err(|_| invalid())?;
        let mut pem = |key: &str| match object.remove(key) {
            Some(Value::String(text)) if text.contains("-----BEGIN ") => Ok(text),
            Some(_) | None => Err(invalid()),
        };
        let certificates = Self {
            certificate: pem("apiserver.crt")?,
            key: SecretString::from(pem("apiserver.key")?),
            root: pem("root.crt")?,
        };
        if object.is_empty() {
            Ok(certificates)
        } else {
            Err(invalid())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ClientCertificates;
    use crate::ExposeSecret;
    use crate::secret::{Secret, SecretName};

    fn secret(value: &str) -> Secret {
        Secret {
            name: SecretName::try_new("--dbSecretName", "p", "certs").unwrap(),
            value: value.into(),
        }
    }

    #[test]
    fn the_three_keys_are_read_and_never_shown() {
        let json = r#"{"apiserver.crt": "-----BEGIN C\n1", "apiserver.key": "-----BEGIN K\n2", "root.crt": "-----BEGIN R\n3"}"#;
        let read = ClientCertificates::from_secret(&secret(json)).unwrap();
        assert!(read.certificate.ends_with('1') && read.root.ends_with('3'));
        assert!(read.key.expose_secret().ends_with('2'));
        assert!(!format!("{read:?} {:?}", secret(json)).contains("BEGIN"));
    }

    #[test]
    fn anything_else_is_refused_with_the_names_of_flag_and_secret() {
        let pem = r#""-----BEGIN hidden""#;
        for json in [
            "hidden".to_owned(),
            "[]".to_owned(),
            format!(r#"{{"apiserver.crt": {pem}, "apiserver.key": {pem}}}"#),
            format!(r#"{{"apiserver.crt": {pem}, "apiserver.key": {pem}, "root.crt": "hidden"}}"#),
            format!(r#"{{"apiserver.crt": {pem}, "apiserver.key": {pem}, "root.crt": 1}}"#),
            format!(
                r#"{{"apiserver.crt": {pem}, "apiserver.key": {pem}, "root.crt": {pem}, "more": {pem}}}"#
            ),
        ] {
            let error = ClientCertificates::from_secret(&secret(&json)).unwrap_err();
            let text = error.to_string();
            assert!(
                text.starts_with("--dbSecretName: secret certs of project p: expected "),
                "{text}"
            );
            assert!(!format!("{text} {error:?}").contains("hidden"), "{text}");
        }
    }
}
