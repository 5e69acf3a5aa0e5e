//! Names of secrets.

use std::fmt;

use crate::ConfigError;

/// A secret of a project, as a flag names it. Shown as `--flag: secret NAME of project PROJECT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretName {
    flag: &'static str,
    project: String,
    id: String,
}

impl SecretName {
    /// The secret `id` of `project`, whose latest version is meant.
    ///
    /// # Errors
    /// When either cannot be a name: the flag is named.
    pub fn try_new(flag: &'static str, project: &str, id: &str) -> Result<Self, ConfigError> {
        let made_of = |text: &str, others: &[char]| {
            !text.is_empty()
                && text.len() <= 255
                && text
                    .chars()
                    .all(|letter| letter.is_ascii_alphanumeric() || others.contains(&letter))
        };
        if !made_of(id, &['-', '_']) {
            return Err(ConfigError::Invalid {
                flag,
                expected: "the name of a secret: letters, digits, - and _, without its project",
            });
        }
        // a project of a domain is written domain.com:name
        if !made_of(project, &['-', '.', ':']) {
            return Err(ConfigError::Invalid {
                flag: "project",
                expected: "the identifier of a project: letters, digits and -",
            });
        }
        Ok(Self {
            flag,
            project: project.to_owned(),
            id: id.to_owned(),
        })
    }

    /// The project that owns the secret.
    pub fn project(&self) -> &str {
        &self.project
    }

    /// The name of the secret within its project.
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { flag, project, id } = self;
        write!(formatter, "{flag}: secret {id} of project {project}")
    }
}

#[cfg(test)]
mod tests {
    use super::SecretName;

    #[test]
    fn names_that_would_lead_elsewhere_are_refused() {
        for (project, id, fits) in [
            ("my-project", "tokens_1", true),
            ("example.com:my-project", "T-2", true),
            ("p", "", false),
            ("p", "projects/p/secrets/tokens", false),
            ("p", "tokens/versions/1", false),
            ("p", "..", false),
            ("p", "a?b", false),
            ("", "tokens", false),
            ("p/q", "tokens", false),
        ] {
            let name = SecretName::try_new("--baSecretName", project, id);
            assert_eq!(name.is_ok(), fits, "{project:?} {id:?}");
        }
        assert!(SecretName::try_new("--baSecretName", "p", &"x".repeat(256)).is_err());
    }
}
