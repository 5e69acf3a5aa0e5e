#[cfg(any(feature = "gcs", feature = "s3"))]
use std::iter::successors;
use std::{error::Error as StdError, fmt, io, sync::Arc, time::Duration};

use domain::{Scheme, Uri};

/// Result of an operation on a storage.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The stores that flags open.
const FLAGS: [(Scheme, &str); 2] = [
    (Scheme::Gs, ", flag with-gcs"),
    (Scheme::S3, ", flag with-s3"),
];

/// What would open a store.
fn flag_of(scheme: Scheme) -> &'static str {
    let flag = FLAGS.into_iter().find(|(of, _)| *of == scheme);
    flag.map_or("", |(_, flag)| flag)
}

/// Why an operation on a file failed. Every variant names the file; the source gives the cause.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such file.
    #[error("{uri} does not exist")]
    NotFound {
        /// The missing file.
        uri: Uri,
    },
    /// The file may not be read or written by this service.
    #[error("access to {uri} is denied: {reason}")]
    PermissionDenied {
        /// The protected file.
        uri: Uri,
        /// What forbids it, and what would allow it.
        reason: String,
    },
    /// The store does not answer at present; the same operation may succeed later.
    #[error("the storage of {uri} is not available")]
    Unavailable {
        /// The file that was asked for.
        uri: Uri,
        /// Cause.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// No backend serves this kind of address.
    #[error("no storage backend is configured for the scheme {scheme} ({uri}{})", flag_of(*scheme))]
    Unsupported {
        /// The file that was asked for.
        uri: Uri,
        /// Its scheme.
        scheme: Scheme,
    },
    /// The request makes no sense for this file.
    #[error("{uri}: {reason}")]
    Invalid {
        /// The file that was asked for.
        uri: Uri,
        /// What is wrong and what was expected.
        reason: String,
    },
    /// The file is not the one that the caller has seen before.
    #[error("{uri} has changed since it was opened")]
    Changed {
        /// The replaced file.
        uri: Uri,
    },
    /// The file is there already, and was to be created.
    #[error("{uri} exists already")]
    AlreadyExists {
        /// The file of before.
        uri: Uri,
    },
    /// The file is larger than the caller is ready to hold.
    #[error("{uri} has {size} bytes, more than the limit of {limit}")]
    TooLarge {
        /// The large file.
        uri: Uri,
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// The operation failed for good.
    #[error("cannot {operation} {uri}")]
    Failed {
        /// The file that was asked for.
        uri: Uri,
        /// Verb of the operation.
        operation: &'static str,
        /// Cause.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
}

/// A refusal of a store, of which nothing but the number is told to callers.
#[cfg(any(feature = "gcs", feature = "s3"))]
#[derive(Debug, thiserror::Error)]
#[error("the store answers {status}")]
struct Refusal {
    status: u16,
    #[source]
    source: Box<dyn StdError + Send + Sync>,
}

/// Nothing came, or nothing moved.
#[derive(Debug, thiserror::Error)]
#[error("the store gives no answer within {0:?}")]
struct Late(Duration);

/// A failure of which nothing tells whether it is that of the file.
#[derive(Debug, thiserror::Error)]
#[error("no request to its bucket succeeded meanwhile")]
struct OfBucket(#[source] Box<dyn StdError + Send + Sync>);

/// The cause of a failure that several are told of.
#[derive(Debug)]
struct Shared(Arc<Error>);

impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match StdError::source(&*self.0) {
            Some(cause) => fmt::Display::fmt(cause, f),
            None => fmt::Display::fmt(&self.0, f),
        }
    }
}

impl StdError for Shared {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        StdError::source(&*self.0)?.source()
    }
}

/// A request that cannot be signed.
#[cfg(any(feature = "gcs", feature = "s3"))]
#[derive(Debug, thiserror::Error)]
#[error("there are no usable credentials of {owner} at present")]
struct WithoutCredentials {
    owner: &'static str,
    #[source]
    source: Box<dyn StdError + Send + Sync>,
}

/// A failure after all tries of a backend: another round would end the same way.
#[cfg(any(feature = "gcs", feature = "s3"))]
#[derive(Debug, thiserror::Error)]
#[error("given up after several tries")]
struct GivenUp(#[source] Box<dyn StdError + Send + Sync>);

/// A backend that cannot be set up.
#[derive(Debug, thiserror::Error)]
#[error("the storage of {scheme}:// cannot be configured")]
pub struct ConfigError {
    /// Scheme of the backend.
    pub scheme: Scheme,
    /// Cause.
    #[source]
    pub source: Box<dyn StdError + Send + Sync>,
}

impl Error {
    /// Whether trying again later may succeed.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unavailable { .. } => true,
            Self::NotFound { .. }
            | Self::PermissionDenied { .. }
            | Self::Unsupported { .. }
            | Self::Invalid { .. }
            | Self::Changed { .. }
            | Self::AlreadyExists { .. }
            | Self::TooLarge { .. }
            | Self::Failed { .. } => false,
        }
    }

    /// Whether the file is simply not there.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }

    /// Why a store is not available, in few words that name neither addresses nor credentials: for those who called. The
    /// log has the sources.
    pub fn outline(&self) -> Option<String> {
        let Self::Unavailable { source, .. } = self else {
            return None;
        };
        let mut cause: Option<&(dyn StdError + 'static)> = Some(&**source);
        while let Some(error) = cause {
            if let Some(Shared(failure)) = error.downcast_ref::<Shared>() {
                return failure.outline();
            }
            #[cfg(any(feature = "gcs", feature = "s3"))]
            if error.is::<Refusal>() || error.is::<WithoutCredentials>() {
                return Some(error.to_string());
            }
            if error.is::<Late>() {
                return Some(error.to_string());
            }
            cause = error.source();
        }
        Some("the store cannot be reached".to_owned())
    }

    /// Whether all of the bucket gave no answer while this was tried, so that other files of it would fail for the
    /// same reason.
    pub fn is_of_bucket(&self) -> bool {
        let Self::Unavailable { source, .. } = self else {
            return false;
        };
        match source.downcast_ref::<Shared>() {
            Some(Shared(failure)) => failure.is_of_bucket(),
            None => source.is::<OfBucket>(),
        }
    }

    /// A failure that [is of a bucket](Self::is_of_bucket), as that of another file of it.
    #[must_use]
    pub fn of_another_file(failure: &Arc<Self>, uri: &Uri) -> Self {
        Self::Unavailable {
            uri: uri.clone(),
            source: Box::new(Shared(Arc::clone(failure))),
        }
    }

    /// As it is when no request to the bucket succeeded meanwhile.
    pub(crate) fn of_bucket(self) -> Self {
        match self {
            Self::Unavailable { uri, source } => Self::Unavailable {
                uri,
                source: Box::new(OfBucket(source)),
            },
            other => other,
        }
    }

    /// The same failure, for each of those who are told of it.
    pub(crate) fn shared(failure: &Arc<Self>) -> Self {
        let cause = || Box::new(Shared(Arc::clone(failure)));
        match &**failure {
            Self::NotFound { uri } => Self::NotFound { uri: uri.clone() },
            Self::PermissionDenied { uri, reason } => Self::PermissionDenied {
                uri: uri.clone(),
                reason: reason.clone(),
            },
            Self::Unavailable { uri, .. } => Self::Unavailable {
                uri: uri.clone(),
                source: cause(),
            },
            Self::Unsupported { uri, scheme } => Self::Unsupported {
                uri: uri.clone(),
                scheme: *scheme,
            },
            Self::Invalid { uri, reason } => Self::invalid(uri, reason),
            Self::Changed { uri } => Self::Changed { uri: uri.clone() },
            Self::AlreadyExists { uri } => Self::AlreadyExists { uri: uri.clone() },
            Self::TooLarge { uri, size, limit } => Self::TooLarge {
                uri: uri.clone(),
                size: *size,
                limit: *limit,
            },
            Self::Failed { uri, operation, .. } => Self::Failed {
                uri: uri.clone(),
                operation,
                source: cause(),
            },
        }
    }

    /// Whether the same operation may succeed at once where it failed for now.
    pub(crate) fn is_worth_another_try(&self) -> bool {
        match self {
            #[cfg(any(feature = "gcs", feature = "s3"))]
            Self::Unavailable { source, .. } => !source.is::<GivenUp>(),
            other => other.is_retryable(),
        }
    }

    /// As it is after the last try.
    #[cfg(any(feature = "gcs", feature = "s3"))]
    pub(crate) fn given_up(self) -> Self {
        match self {
            Self::Unavailable { uri, source } => Self::Unavailable {
                uri,
                source: Box::new(GivenUp(source)),
            },
            other => other,
        }
    }

    /// Nothing came, or nothing moved, within a time.
    pub(crate) fn late(uri: &Uri, limit: Duration) -> Self {
        Self::Unavailable {
            uri: uri.clone(),
            source: Box::new(Late(limit)),
        }
    }

    pub(crate) fn invalid(uri: &Uri, reason: impl Into<String>) -> Self {
        Self::Invalid {
            uri: uri.clone(),
            reason: reason.into(),
        }
    }

    /// The local file to upload cannot be read.
    pub(crate) fn unreadable_source(uri: &Uri, source: io::Error) -> Self {
        Self::Failed {
            uri: uri.clone(),
            operation: "upload",
            source: source.into(),
        }
    }

    /// An answer that is worth another try.
    #[cfg(any(feature = "gcs", feature = "s3"))]
    pub(crate) fn unavailable(
        uri: &Uri,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self::Unavailable {
            uri: uri.clone(),
            source: source.into(),
        }
    }

    /// Credentials that cannot be had for now.
    #[cfg(any(feature = "gcs", feature = "s3"))]
    pub(crate) fn without_credentials(
        uri: &Uri,
        owner: &'static str,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        let source = source.into();
        Self::unavailable(uri, WithoutCredentials { owner, source })
    }

    /// Sorts the HTTP status of a refused request.
    #[cfg(any(feature = "gcs", feature = "s3"))]
    pub(crate) fn from_status(
        uri: &Uri,
        operation: &'static str,
        status: u16,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        let (uri, source) = (uri.clone(), source.into());
        match status {
            404 => Self::NotFound { uri },
            401 | 403 => Self::PermissionDenied {
                uri,
                reason: format!(
                    "the store answers {status} to the request to {operation} it: {}",
                    told(&source.to_string())
                ),
            },
            304 | 412 => Self::Changed { uri },
            408 | 425 | 429 | 500..=599 => Self::Unavailable {
                uri,
                source: Box::new(Refusal { status, source }),
            },
            _ => Self::Failed {
                uri,
                operation,
                source,
            },
        }
    }

    /// Sorts a failure of the operating system into missing, forbidden, temporary and permanent ones.
    pub(crate) fn from_io(uri: &Uri, operation: &'static str, source: io::Error) -> Self {
        use io::ErrorKind as Kind;
        let uri = uri.clone();
        match source.kind() {
            // a file where a folder was expected: nothing can be below it
            Kind::NotFound | Kind::NotADirectory => Self::NotFound { uri },
            Kind::PermissionDenied => Self::PermissionDenied {
                uri,
                reason: format!("the operating system refuses to {operation} it"),
            },
            Kind::IsADirectory => Self::Invalid {
                uri,
                reason: "is a folder, expected a file".into(),
            },
            Kind::InvalidFilename => Self::Invalid {
                uri,
                reason: "its name is too long or malformed".into(),
            },
            Kind::Interrupted
            | Kind::TimedOut
            | Kind::ConnectionReset
            | Kind::ConnectionAborted
            | Kind::BrokenPipe
            | Kind::OutOfMemory
            | Kind::ResourceBusy
            | Kind::StaleNetworkFileHandle => Self::Unavailable {
                uri,
                source: source.into(),
            },
            _ if is_temporary(&source) => Self::Unavailable {
                uri,
                source: source.into(),
            },
            _ => Self::Failed {
                uri,
                operation,
                source: source.into(),
            },
        }
    }
}

/// The first cause of an error that is of some type.
#[cfg(any(feature = "gcs", feature = "s3"))]
pub(crate) fn cause<E: StdError + 'static>(error: &dyn StdError) -> Option<&E> {
    successors(error.source(), |&cause| cause.source()).find_map(|cause| cause.downcast_ref())
}

/// What an answer of S3 says to its reader: code and message, without the keys and addresses that stand beside them;
/// other texts as they are.
#[cfg(any(feature = "gcs", feature = "s3"))]
fn told(text: &str) -> String {
    let element = |name: &str| {
        let (_, behind) = text.split_once(&format!("<{name}>"))?;
        let (inside, _) = behind.split_once(&format!("</{name}>"))?;
        Some(inside.trim())
    };
    match (element("Code"), element("Message")) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code.to_owned(),
        (None, _) => text.to_owned(),
    }
}

/// Linux error numbers that have no stable [`io::ErrorKind`].
fn is_temporary(error: &io::Error) -> bool {
    const EIO: i32 = 5;
    const EAGAIN: i32 = 11;
    const ENFILE: i32 = 23;
    const EMFILE: i32 = 24;
    const ECANCELED: i32 = 125;
    matches!(
        error.raw_os_error(),
        Some(EIO | EAGAIN | ENFILE | EMFILE | ECANCELED)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "s3")]
    #[test]
    fn what_a_store_says_of_keys_and_addresses_is_not_told() {
        let uri = Uri::parse("s3://b/a.tif").unwrap();
        let answer = "Error performing GET http://inside:9000/b/a.tif in 2ms - Server returned non-2xx status code: 403 \
            Forbidden: <?xml version=\"1.0\"?><Error><Code>InvalidAccessKeyId</Code><Message>The key does not exist.\
            </Message><AWSAccessKeyId>AKIA123</AWSAccessKeyId></Error>";
        assert_eq!(
            Error::from_status(&uri, "read", 403, answer).to_string(),
            "access to s3://b/a.tif is denied: the store answers 403 to the request to read it: InvalidAccessKeyId: \
             The key does not exist."
        );
        let busy = Error::from_status(&uri, "read", 503, answer);
        assert_eq!(busy.outline().unwrap(), "the store answers 503");
        assert!(busy.is_worth_another_try());
        let given_up = busy.given_up();
        assert_eq!(given_up.outline().unwrap(), "the store answers 503");
        assert!(given_up.is_retryable() && !given_up.is_worth_another_try());
        let lost = Error::unavailable(&uri, answer);
        assert_eq!(lost.outline().unwrap(), "the store cannot be reached");
        let late = Error::late(&uri, Duration::from_secs(20));
        assert_eq!(
            late.outline().unwrap(),
            "the store gives no answer within 20s"
        );
        assert_eq!(Error::NotFound { uri }.outline(), None);
    }

    #[test]
    fn a_failure_that_is_shared_says_the_same_of_each_file() {
        let [one, other] = ["gs://b/1", "gs://b/2"].map(|text| Uri::parse(text).unwrap());
        let late = Error::late(&one, Duration::from_secs(20));
        assert!(!late.is_of_bucket());
        let late = Arc::new(late.of_bucket());
        let same = Arc::new(Error::shared(&late));
        let told = Error::of_another_file(&same, &other);
        for (error, uri) in [(&*late, &one), (&*same, &one), (&told, &other)] {
            assert!(error.is_of_bucket() && error.is_retryable());
            assert_eq!(
                error.to_string(),
                format!("the storage of {uri} is not available")
            );
            let causes = successors_of(error);
            assert_eq!(
                causes,
                [
                    "no request to its bucket succeeded meanwhile",
                    "the store gives no answer within 20s"
                ]
            );
            assert_eq!(error.outline().unwrap(), causes[1]);
        }
        let missing = Arc::new(Error::NotFound { uri: one });
        assert!(Error::shared(&missing).is_not_found());
    }

    fn successors_of(error: &Error) -> Vec<String> {
        let mut cause = StdError::source(error);
        let mut texts = Vec::new();
        while let Some(error) = cause {
            texts.push(error.to_string());
            cause = error.source();
        }
        texts
    }

    #[test]
    fn failures_of_the_system_are_sorted() {
        let uri = Uri::parse("/a.tif").unwrap();
        // (error number, retryable, text)
        let cases = [
            (2, false, "/a.tif does not exist"),
            (20, false, "/a.tif does not exist"),
            (
                13,
                false,
                "access to /a.tif is denied: the operating system refuses to read it",
            ),
            (21, false, "/a.tif: is a folder, expected a file"),
            (36, false, "/a.tif: its name is too long or malformed"),
            (5, true, "the storage of /a.tif is not available"),
            (12, true, "the storage of /a.tif is not available"),
            (16, true, "the storage of /a.tif is not available"),
            (24, true, "the storage of /a.tif is not available"),
            (32, true, "the storage of /a.tif is not available"),
            (103, true, "the storage of /a.tif is not available"),
            (104, true, "the storage of /a.tif is not available"),
            (110, true, "the storage of /a.tif is not available"),
            (125, true, "the storage of /a.tif is not available"),
            (28, false, "cannot read /a.tif"),
        ];
        for (number, retryable, text) in cases {
            let error = Error::from_io(&uri, "read", io::Error::from_raw_os_error(number));
            assert_eq!(
                (error.is_retryable(), error.to_string().as_str()),
                (retryable, text),
                "{number}"
            );
        }
    }

    #[cfg(any(feature = "gcs", feature = "s3"))]
    #[test]
    fn answers_of_stores_are_sorted() {
        let uri = Uri::parse("gs://b/a.tif").unwrap();
        let for_good = [304, 400, 401, 403, 409, 412].map(|status| (status, false));
        let for_now = [408, 425, 429, 500, 502, 503, 504].map(|status| (status, true));
        for (status, retryable) in for_good.into_iter().chain(for_now) {
            let error = Error::from_status(&uri, "read", status, "the answer");
            assert_eq!(error.is_retryable(), retryable, "{status}");
            assert!(!error.is_not_found(), "{status}");
        }
        let missing = Error::from_status(&uri, "read", 404, "the answer");
        assert!(missing.is_not_found() && !missing.is_retryable());
    }
}
