use std::{fmt, path::PathBuf, sync::Arc};

use domain::Scheme;
use object_store::{
    StaticCredentialProvider,
    aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey, AwsCredential},
};

use quick_cache::sync::Cache;

use super::environment::{Environment, file_keys};
use crate::ConfigError;

/// Clients that are kept, those that are used most; callers name buckets, so that their number has a bound.
const MOST: usize = 64;

/// How to reach S3. What is not given comes from the variables `AWS_…`, keys also from the shared credentials file of the
/// user or the metadata service of the machine, the rest from the defaults of AWS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct S3Options {
    /// Region of the buckets.
    pub region: Option<String>,
    /// URL of a compatible store, addressed by path (`http://host:9000`), whatever the variables name.
    pub endpoint: Option<String>,
    /// Shared credentials file, whose keys count and no others: those of the section of `AWS_PROFILE` or `default`, read
    /// again when the file changes.
    pub credentials_file: Option<PathBuf>,
}

/// One client per bucket.
pub(super) struct Buckets {
    builder: AmazonS3Builder,
    clients: Cache<String, Arc<AmazonS3>>,
    signs: bool,
    names_keys: bool,
    encryption: Vec<(&'static str, String)>,
}

impl fmt::Debug for Buckets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buckets").finish_non_exhaustive()
    }
}

impl Buckets {
    pub(super) fn new(options: &S3Options) -> Result<Self, ConfigError> {
        let texts = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self::in_environment(
            options,
            &Environment(std::env::vars_os().filter_map(texts).collect()),
        )
    }

    pub(super) fn in_environment(
        options: &S3Options,
        environment: &Environment,
    ) -> Result<Self, ConfigError> {
        let signs = !environment.is_true("AWS_SKIP_SIGNATURE");
        let mut builder = environment.builder();
        if let Some(region) = &options.region {
            builder = builder.with_region(region);
        }
        if let Some(endpoint) = &options.endpoint {
            let endpoint = endpoint.trim_end_matches('/');
            builder = builder
                .with_endpoint(endpoint)
                // which a variable may have set, and which counts more
                .with_config(AmazonS3ConfigKey::S3Endpoint, endpoint)
                .with_virtual_hosted_style_request(false)
                .with_allow_http(endpoint.starts_with("http://"));
        }
        if signs {
            let keys = file_keys(options, environment).map_err(|error| failed(error.into()))?;
            if let Some(keys) = keys {
                builder = builder.with_credentials(Arc::new(keys));
            }
        } else {
            // nobody is asked for keys that are not used
            let keys = StaticCredentialProvider::new(AwsCredential {
                key_id: "unsigned".to_owned(),
                secret_key: String::new(),
                token: None,
            });
            builder = builder.with_credentials(Arc::new(keys));
        }
        let buckets = Self {
            builder,
            clients: Cache::new(MOST),
            signs,
            names_keys: environment.names_keys(),
            encryption: environment.encryption(),
        };
        buckets
            .build("geocube")
            .map_err(|error| failed(error.into()))?;
        Ok(buckets)
    }

    /// Whether requests carry a signature.
    pub(super) fn signs(&self) -> bool {
        self.signs
    }

    /// Whether a variable names the service that gives keys, so that there are some when it answers.
    pub(super) fn names_keys(&self) -> bool {
        self.names_keys
    }

    /// Headers of what is written, as the library itself gives them.
    pub(super) fn encryption(&self) -> &[(&'static str, String)] {
        &self.encryption
    }

    pub(super) fn client(&self, bucket: &str) -> object_store::Result<Arc<AmazonS3>> {
        self.clients
            .get_or_insert_with(bucket, || self.build(bucket).map(Arc::new))
    }

    fn build(&self, bucket: &str) -> object_store::Result<AmazonS3> {
        self.builder.clone().with_bucket_name(bucket).build()
    }
}

fn failed(source: Box<dyn std::error::Error + Send + Sync>) -> ConfigError {
    ConfigError {
        scheme: Scheme::S3,
        source,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use object_store::{path::Path as Key, signer::Signer};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::s3::{call::Caller, stat};

    fn environment(pairs: &[(&str, &str)]) -> Environment {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Environment(pairs.iter().map(owned).collect())
    }

    /// The address of an object, with what its signature names.
    async fn address(options: &S3Options, variables: &[(&str, &str)]) -> String {
        crate::http::ensure_provider();
        let buckets = Buckets::in_environment(options, &environment(variables)).unwrap();
        let client = buckets.client("b").unwrap();
        let (key, minute) = (Key::from("a"), Duration::from_mins(1));
        let url = client.signed_url(::http::Method::GET, &key, minute);
        url.await.unwrap().to_string()
    }

    #[tokio::test]
    async fn an_endpoint_of_the_flag_counts_more_than_those_of_the_variables() {
        let options = S3Options {
            endpoint: Some("http://flag:9000/".to_owned()),
            ..S3Options::default()
        };
        let variables = [
            ("AWS_ACCESS_KEY_ID", "id"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_ENDPOINT_URL", "http://variable:1"),
            ("AWS_ENDPOINT_URL_S3", "http://variable:2"),
        ];
        let url = address(&options, &variables).await;
        assert!(url.starts_with("http://flag:9000/b/a?"), "{url}");
        let without = S3Options::default();
        let allowed = [&variables[..], &[("AWS_ALLOW_HTTP", "true")]].concat();
        let url = address(&without, &allowed).await;
        assert!(url.starts_with("http://variable:2/b/a?"), "{url}");
    }

    #[tokio::test]
    async fn keys_come_from_one_place() {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join(".aws")).unwrap();
        let write = |name: &str, profile: &str, id: &str| {
            let path = home.path().join(name);
            let text = format!("[{profile}]\naws_access_key_id={id}\naws_secret_access_key=s\n");
            std::fs::write(&path, text).unwrap();
            path
        };
        write(".aws/credentials", "default", "of-home");
        let named = write("named", "default", "of-variable");
        let flag = write("flag", "other", "of-flag");
        let folder = home.path().to_str().unwrap();
        let keys = [
            ("AWS_ACCESS_KEY_ID", "of-keys"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_SESSION_TOKEN", "token"),
        ];
        let file = ("AWS_SHARED_CREDENTIALS_FILE", named.to_str().unwrap());
        let by_flag = S3Options {
            credentials_file: Some(flag),
            ..S3Options::default()
        };
        let none = S3Options::default();
        let other = ("AWS_PROFILE", "other");
        // (flags, variables, whose keys, with the token of the variables)
        let cases: [(&S3Options, Vec<_>, &str, bool); 4] = [
            (&none, vec![("HOME", folder)], "of-home", false),
            (&none, vec![("HOME", folder), file], "of-variable", false),
            (
                &none,
                [&keys[..], &[("HOME", folder), file]].concat(),
                "of-keys",
                true,
            ),
            (&by_flag, [&keys[..], &[other]].concat(), "of-flag", false),
        ];
        for (options, variables, id, token) in cases {
            let url = address(options, &variables).await;
            assert!(url.contains(&format!("Credential={id}%2F")), "{id}: {url}");
            assert_eq!(url.contains("X-Amz-Security-Token"), token, "{url}");
        }
        let missing = Buckets::in_environment(&none, &environment(&[("HOME", folder), other]));
        assert!(missing.is_err(), "a profile that is named is there");
        let elsewhere = Buckets::in_environment(&none, &environment(&[("HOME", "/nowhere")]));
        assert!(elsewhere.is_ok(), "the machine may have keys");
    }

    #[test]
    fn a_bucket_in_use_keeps_its_client_whatever_others_are_named() {
        crate::http::ensure_provider();
        let variables = [
            ("AWS_ACCESS_KEY_ID", "id"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
        ];
        let buckets =
            Buckets::in_environment(&S3Options::default(), &environment(&variables)).unwrap();
        let used = buckets.client("used").unwrap();
        for number in 0..2 * MOST {
            buckets.client(&format!("named-once-{number}")).unwrap();
            let again = buckets.client("used").unwrap();
            assert!(Arc::ptr_eq(&used, &again), "{number}");
        }
        assert!(buckets.clients.len() <= MOST);
    }

    /// The head of the request for the attributes of an object, and what comes of an answer to it.
    async fn asked(signs: bool, answer: &str) -> (String, crate::Result<crate::Attributes>) {
        crate::http::ensure_provider();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let options = S3Options {
            endpoint: Some(format!("http://{}", listener.local_addr().unwrap())),
            ..S3Options::default()
        };
        let skip = if signs { "false" } else { "true" };
        let variables = [
            ("AWS_ACCESS_KEY_ID", "id"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_SKIP_SIGNATURE", skip),
        ];
        let buckets = Buckets::in_environment(&options, &environment(&variables)).unwrap();
        let caller = Caller::new(buckets.signs()).unwrap();
        let uri = domain::Uri::parse("s3://b/a").unwrap();
        let (client, key) = (buckets.client("b").unwrap(), Key::from("a"));
        let served = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = vec![0; 4096];
            let length = stream.read(&mut head).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8_lossy(&head[..length]).into_owned()
        };
        tokio::join!(served, stat::stat(&uri, &caller, &client, &key))
    }

    #[tokio::test]
    async fn a_public_bucket_is_asked_without_a_signature() {
        let found = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nETag: \"x\"\r\n\r\n";
        let (head, found_without) = asked(false, found).await;
        assert!(head.starts_with("HEAD /b/a HTTP/1.1\r\n"), "{head}");
        assert!(!head.to_lowercase().contains("authorization"), "{head}");
        assert_eq!(found_without.unwrap().size, 10);
        let (head, _) = asked(true, found).await;
        assert!(head.contains("X-Amz-Signature="), "{head}");
    }

    #[tokio::test]
    async fn the_region_of_a_bucket_that_lies_elsewhere_is_told() {
        let answer =
            "HTTP/1.1 301 Moved\r\nContent-Length: 0\r\nx-amz-bucket-region: eu-west-1\r\n\r\n";
        let (_, found) = asked(true, answer).await;
        let error = found.unwrap_err();
        assert!(!error.is_retryable());
        let text = error.to_string();
        assert!(
            text.contains("the region eu-west-1") && text.contains("aws-region"),
            "{text}"
        );
    }
}
