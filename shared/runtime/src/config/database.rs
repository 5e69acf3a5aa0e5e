//! Where the database is, and as whom to connect.

use clap::Args;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::ConfigError;
use crate::secret::SecretName;

/// Flags of the database connection: one URL, or parts with a password, or parts with a secret.
#[derive(Debug, Clone, Default, Args)]
#[group(skip)]
#[command(rename_all = "camelCase")]
pub struct DatabaseFlags {
    /// Database as one URL, postgresql://user:password@host:port/name
    #[arg(long, value_name = "URL")]
    pub db_connection: Option<SecretString>,
    /// Name of the database
    #[arg(long)]
    pub db_name: Option<String>,
    /// User of the database
    #[arg(long)]
    pub db_user: Option<String>,
    /// Host of the database, with :port when it is not 5432, or the folder of its socket
    #[arg(long)]
    pub db_host: Option<String>,
    /// Password of the database user
    #[arg(long)]
    pub db_password: Option<SecretString>,
    /// Name of the secret that holds the client certificates of the database user
    #[arg(long)]
    pub db_secret_name: Option<String>,
}

/// How to reach the database.
#[derive(Debug, Clone)]
pub enum Connection {
    /// A complete URL of scheme `postgres` or `postgresql`.
    Url(SecretString),
    /// A URL without password, to be used with the certificates of a secret.
    Certificates {
        /// The URL, with `sslmode=require`.
        url: SecretString,
        /// The secret that holds them.
        secret: SecretName,
    },
}

impl DatabaseFlags {
    /// Whether any flag of the group is given.
    pub fn is_given(&self) -> bool {
        let Self {
            db_connection,
            db_name,
            db_user,
            db_host,
            db_password,
            db_secret_name,
        } = self;
        db_connection.is_some()
            || db_password.is_some()
            || [db_name, db_user, db_host, db_secret_name]
                .iter()
                .any(|part| part.is_some())
    }

    /// The connection: that of `dbConnection`, else of the parts with `dbPassword`, else with `dbSecretName` in `project`.
    ///
    /// # Errors
    /// When none of the three is complete, or a part cannot stand in a URL; the flags are named.
    pub fn connection(&self, project: Option<&str>) -> Result<Connection, ConfigError> {
        if let Some(url) = &self.db_connection {
            return postgres_url("--dbConnection", url).map(Connection::Url);
        }
        if let Some(password) = &self.db_password {
            return self
                .url_of_parts(Some(password))
                .map(|url| Connection::Url(to_secret(&url)));
        }
        let Some(secret) = &self.db_secret_name else {
            return Err(ConfigError::Missing {
                flags: "--dbConnection",
                reason: "the database needs --dbConnection, or --dbName, --dbUser, --dbHost with --dbPassword or --dbSecretName",
            });
        };
        let Some(project) = project else {
            return Err(ConfigError::Missing {
                flags: "project",
                reason: "--dbSecretName names a secret of a project",
            });
        };
        let secret = SecretName::try_new("--dbSecretName", project, secret)?;
        let mut url = self.url_of_parts(None)?;
        url.query_pairs_mut().append_pair("sslmode", "require");
        Ok(Connection::Certificates {
            url: to_secret(&url),
            secret,
        })
    }

    fn url_of_parts(&self, password: Option<&SecretString>) -> Result<Url, ConfigError> {
        let reason = "--dbPassword and --dbSecretName need --dbName, --dbUser and --dbHost";
        let part = |value: &Option<String>, flags| {
            value.clone().ok_or(ConfigError::Missing { flags, reason })
        };
        let name = part(&self.db_name, "--dbName")?;
        let user = part(&self.db_user, "--dbUser")?;
        let host = part(&self.db_host, "--dbHost")?;
        let invalid_host = || ConfigError::Invalid {
            flag: "--dbHost",
            expected: "host, host:port or the folder of a socket",
        };

        let is_socket = host.starts_with('/');
        let authority = if is_socket { "localhost" } else { &host };
        let mut url =
            Url::parse(&format!("postgresql://{authority}/")).map_err(|_| invalid_host())?;
        let only_host = url.has_host()
            && url.username().is_empty()
            && url.path() == "/"
            && url.query().or(url.fragment()).is_none();
        if !only_host {
            return Err(invalid_host());
        }
        url.set_username(&user).map_err(|()| invalid_host())?;
        url.set_password(password.map(ExposeSecret::expose_secret))
            .map_err(|()| invalid_host())?;
        url.path_segments_mut()
            .map_err(|()| invalid_host())?
            .clear()
            .push(&name);
        if is_socket {
            url.query_pairs_mut().append_pair("host", &host);
        }
        Ok(url)
    }
}

/// Checks the scheme and removes `binary_parameters`, which is a word of the Go driver that others refuse.
pub(super) fn postgres_url(
    flag: &'static str,
    text: &SecretString,
) -> Result<SecretString, ConfigError> {
    let invalid = ConfigError::Invalid {
        flag,
        expected: "a URL of the form postgresql://user:password@host:port/name",
    };
    let Ok(mut url) = Url::parse(text.expose_secret()) else {
        return Err(invalid);
    };
    if !matches!(url.scheme(), "postgres" | "postgresql") {
        return Err(invalid);
    }
    let is_foreign = |name: &str| name == "binary_parameters";
    if !url.query_pairs().any(|(name, _)| is_foreign(&name)) {
        return Ok(text.clone());
    }
    let kept: Vec<(String, String)> = url
        .query_pairs()
        .into_owned()
        .filter(|(name, _)| !is_foreign(name))
        .collect();
    url.set_query(None);
    if !kept.is_empty() {
        url.query_pairs_mut().extend_pairs(kept);
    }
    Ok(to_secret(&url))
}

fn to_secret(url: &Url) -> SecretString {
    SecretString::from(url.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(host: &str, password: Option<&str>) -> DatabaseFlags {
        DatabaseFlags {
            db_name: Some("geo cube".into()),
            db_user: Some("me@here".into()),
            db_host: Some(host.into()),
            db_password: password.map(SecretString::from),
            ..DatabaseFlags::default()
        }
    }

    fn url(flags: &DatabaseFlags) -> Result<SecretString, ConfigError> {
        match flags.connection(None)? {
            Connection::Url(url) => Ok(url),
            Connection::Certificates { secret, .. } => panic!("a URL expected, not {secret}"),
        }
    }

    #[test]
    fn parts_are_escaped() {
        for (host, password, expected) in [
            ("db", "p", "postgresql://me%40here:p@db/geo%20cube"),
            (
                "db:5433",
                "p/w@x:y#?%",
                "postgresql://me%40here:p%2Fw%40x%3Ay%23%3F%@db:5433/geo%20cube",
            ),
            (
                "[::1]:5432",
                "p",
                "postgresql://me%40here:p@[::1]:5432/geo%20cube",
            ),
            (
                "/cloudsql/p:r:i",
                "p",
                "postgresql://me%40here:p@localhost/geo%20cube?host=%2Fcloudsql%2Fp%3Ar%3Ai",
            ),
        ] {
            let url = url(&parts(host, Some(password))).unwrap();
            assert_eq!(url.expose_secret(), expected);
        }
    }

    #[test]
    fn a_host_that_is_more_than_a_host_is_refused() {
        for host in [
            "other@db",
            "db/name",
            "db?sslmode=disable",
            "db#x",
            "db:port",
            "d b",
        ] {
            let error = url(&parts(host, Some("p"))).unwrap_err();
            assert!(error.to_string().contains("--dbHost"), "{host}: {error}");
        }
    }

    #[test]
    fn the_go_drivers_parameter_is_removed() {
        for (given, expected) in [
            (
                "postgres://u:p@h/n?binary_parameters=yes",
                "postgres://u:p@h/n",
            ),
            (
                "postgres://u:p@h/n?binary_parameters=yes&sslmode=disable",
                "postgres://u:p@h/n?sslmode=disable",
            ),
            (
                "postgresql://u:p%20w@h:1/n?a=b",
                "postgresql://u:p%20w@h:1/n?a=b",
            ),
        ] {
            let flags = DatabaseFlags {
                db_connection: Some(given.into()),
                ..DatabaseFlags::default()
            };
            assert_eq!(url(&flags).unwrap().expose_secret(), expected);
        }
    }

    #[test]
    fn errors_name_the_flags_and_hide_the_secret() {
        let foreign = DatabaseFlags {
            db_connection: Some("mysql://u:hidden@h/n".into()),
            ..DatabaseFlags::default()
        };
        let no_user = DatabaseFlags {
            db_user: None,
            ..parts("h", Some("hidden"))
        };
        for (flags, name) in [
            (foreign, "--dbConnection"),
            (no_user, "--dbUser"),
            (DatabaseFlags::default(), "--dbSecretName"),
        ] {
            let error = url(&flags).unwrap_err().to_string();
            assert!(error.contains(name) && !error.contains("hidden"), "{error}");
        }
        let debug = format!("{:?}", parts("h", Some("hidden")));
        assert!(!debug.contains("hidden"), "{debug}");
    }

    #[test]
    fn a_secret_needs_its_project() {
        let flags = DatabaseFlags {
            db_secret_name: Some("certs".into()),
            ..parts("h", None)
        };
        assert!(flags.connection(None).is_err());
        let Connection::Certificates { url, secret } = flags.connection(Some("p")).unwrap() else {
            panic!("certificates expected")
        };
        assert_eq!(
            url.expose_secret(),
            "postgresql://me%40here@h/geo%20cube?sslmode=require"
        );
        assert_eq!((secret.project(), secret.id()), ("p", "certs"));
        assert!(flags.connection(Some("p/q")).is_err());
    }
}
