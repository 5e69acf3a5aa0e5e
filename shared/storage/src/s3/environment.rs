//! What the variables of the process say of S3, as the library and the tools of AWS read them.

use std::{io, path::Path, time::Duration};

use object_store::{
    ClientOptions, RetryConfig,
    aws::{AmazonS3Builder, AmazonS3ConfigKey},
};

use super::{S3Options, credentials::FileKeys};
use crate::http::CONNECT_LIMIT;

/// Time for one request with its content, which is a piece of a file.
const REQUEST_LIMIT: Duration = Duration::from_mins(5);

/// The variables of the process.
pub(super) struct Environment(pub(super) Vec<(String, String)>);

impl Environment {
    fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    pub(super) fn is_true(&self, name: &str) -> bool {
        let value = self.get(name).unwrap_or_default().to_ascii_lowercase();
        ["1", "true", "on", "yes", "y"].contains(&value.as_str())
    }

    /// Whether keys come from a service that a variable names: web identity, or a container's.
    pub(super) fn names_keys(&self) -> bool {
        [
            ["AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"].as_slice(),
            &["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"],
            &[
                "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
            ],
        ]
        .iter()
        .any(|names| names.iter().all(|name| self.get(name).is_some()))
    }

    /// Headers that ask the store to encrypt, unless by a key of the caller.
    pub(super) fn encryption(&self) -> Vec<(&'static str, String)> {
        let wanted = self.get("AWS_SERVER_SIDE_ENCRYPTION");
        if wanted.is_none_or(|kind| kind == "sse-c") {
            return Vec::new();
        }
        let enabled = self
            .get("AWS_SSE_BUCKET_KEY_ENABLED")
            .map(|_| self.is_true("AWS_SSE_BUCKET_KEY_ENABLED").to_string());
        let key = self.get("AWS_SSE_KMS_KEY_ID").map(str::to_owned);
        let headers = [
            ("x-amz-server-side-encryption", wanted.map(str::to_owned)),
            ("x-amz-server-side-encryption-aws-kms-key-id", key),
            ("x-amz-server-side-encryption-bucket-key-enabled", enabled),
        ];
        let given = headers.into_iter();
        given
            .filter_map(|(name, value)| Some((name, value?)))
            .collect()
    }

    /// As the library itself reads them.
    pub(super) fn builder(&self) -> AmazonS3Builder {
        let client = ClientOptions::new()
            .with_timeout(REQUEST_LIMIT)
            .with_connect_timeout(CONNECT_LIMIT);
        let retry = RetryConfig {
            max_retries: 0,
            ..RetryConfig::default()
        };
        let mut builder = AmazonS3Builder::new();
        for (name, value) in self.0.iter().filter(|(name, _)| name.starts_with("AWS_")) {
            if let Ok(key) = name.to_ascii_lowercase().parse::<AmazonS3ConfigKey>() {
                builder = builder.with_config(key, value);
            }
        }
        builder.with_client_options(client).with_retry(retry)
    }
}

/// Keys of a shared credentials file: of the one that is named, else that of the user unless the variables hold keys.
pub(super) fn file_keys(
    options: &S3Options,
    environment: &Environment,
) -> io::Result<Option<FileKeys>> {
    let named = environment.get("AWS_PROFILE");
    let profile = named.unwrap_or("default");
    if let Some(file) = &options.credentials_file {
        return FileKeys::open(file, profile).map(Some);
    }
    if environment.get("AWS_ACCESS_KEY_ID").is_some() {
        return Ok(None);
    }
    if let Some(file) = environment.get("AWS_SHARED_CREDENTIALS_FILE") {
        return FileKeys::open(Path::new(file), profile).map(Some);
    }
    let Some(home) = environment.get("HOME") else {
        return Ok(None);
    };
    match FileKeys::open(&Path::new(home).join(".aws/credentials"), profile) {
        Ok(keys) => Ok(Some(keys)),
        Err(error) if named.is_some() => Err(error),
        // there are other places for keys
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => {
            tracing::warn!(%error, "the credentials file of the user gives no keys: they are looked for elsewhere");
            Ok(None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_encrypted_as_uploads_are() {
        let variables = [
            ("AWS_SERVER_SIDE_ENCRYPTION", "aws:kms"),
            ("AWS_SSE_KMS_KEY_ID", "key"),
            ("AWS_SSE_BUCKET_KEY_ENABLED", "true"),
        ];
        let environment = |pairs: &[(&str, &str)]| {
            let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            Environment(pairs.iter().map(owned).collect())
        };
        let headers = environment(&variables).encryption();
        let prefix = "x-amz-server-side-encryption";
        let expected = [
            (prefix.to_owned(), "aws:kms"),
            (format!("{prefix}-aws-kms-key-id"), "key"),
            (format!("{prefix}-bucket-key-enabled"), "true"),
        ];
        assert_eq!(headers.len(), 3);
        for ((name, value), (expected, text)) in headers.iter().zip(&expected) {
            assert_eq!((*name, value.as_str()), (expected.as_str(), *text));
        }
        assert!(environment(&variables[1..]).encryption().is_empty());
    }
}
