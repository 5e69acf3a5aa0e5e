//! Requests of our own, with signatures of the library: those that it does not make, or not with all that is needed.

use std::time::Duration;

use ::http::{HeaderMap, HeaderName, HeaderValue, Method};
use bytes::Bytes;
use domain::{Scheme, Uri};
use object_store::{
    aws::AmazonS3,
    path::Path as Key,
    signer::{SignedUrlOptions, Signer},
};
use reqwest::{Client, Response};
use url::Url;

use super::errors;
use crate::{ConfigError, Error, Result, http};

/// Longest text that is kept of a refusal, in characters.
const LONGEST: usize = 2000;

/// One request for an object.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) query: Vec<(&'static str, String)>,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) limit: Duration,
}

impl Call {
    pub(super) fn new(method: Method) -> Self {
        Self {
            method,
            query: Vec::new(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            limit: http::CALL_LIMIT,
        }
    }

    /// Adds a header; a value that is none is left out, and the store says what is missing.
    pub(super) fn header(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(HeaderName::from_static(name), value);
        }
        self
    }
}

#[derive(Clone, Debug)]
pub(super) struct Caller {
    client: Client,
    /// Public buckets are asked without.
    signs: bool,
}

impl Caller {
    pub(super) fn new(signs: bool) -> Result<Self, ConfigError> {
        let client = http::client().map_err(|source| ConfigError {
            scheme: Scheme::S3,
            source: source.into(),
        })?;
        Ok(Self { client, signs })
    }

    /// Sends a request; an answer that is no success is an error.
    pub(super) async fn send(
        &self,
        uri: &Uri,
        operation: &'static str,
        store: &AmazonS3,
        key: &Key,
        call: Call,
    ) -> Result<Response> {
        let mut options = SignedUrlOptions::new().with_query(pairs(&call));
        options.signed_headers.clone_from(&call.headers);
        let mut url = store
            .signed_url_opts(call.method.clone(), key, http::CALL_LIMIT, &options)
            .await
            .map_err(|error| errors::sort(uri, operation, error))?;
        if !self.signs {
            unsign(&mut url, &call);
        }
        let request = self
            .client
            .request(call.method, url)
            .headers(call.headers)
            .timeout(call.limit)
            .body(call.body);
        // the address is signed: it does not belong into a message
        let answer = request
            .send()
            .await
            .map_err(|source| Error::unavailable(uri, source.without_url()))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let region = answer.headers().get("x-amz-bucket-region");
        let region = region.and_then(|region| region.to_str().ok());
        if matches!(status.as_u16(), 301 | 307 | 400) && region.is_some() {
            return Err(errors::elsewhere(uri, region));
        }
        let text = text(uri, answer).await.unwrap_or_default();
        let text: String = text.chars().take(LONGEST).collect();
        let source = format!("the store answers {status}: {text}");
        Err(errors::of_status(uri, operation, status.as_u16(), source))
    }

    /// Sends a request whose answer says in its content whether it was done.
    pub(super) async fn told(
        &self,
        uri: &Uri,
        operation: &'static str,
        store: &AmazonS3,
        key: &Key,
        call: Call,
    ) -> Result<String> {
        let answer = self.send(uri, operation, store, key, call).await?;
        let text = text(uri, answer).await?;
        // a success that failed on the way
        if text.contains("<Error>") {
            return Err(errors::of_status(uri, operation, 400, text));
        }
        Ok(text)
    }
}

async fn text(uri: &Uri, answer: Response) -> Result<String> {
    answer
        .text()
        .await
        .map_err(|source| Error::unavailable(uri, source.without_url()))
}

fn pairs(call: &Call) -> Vec<(String, String)> {
    let pair = |(name, value): &(&str, String)| ((*name).to_owned(), value.clone());
    call.query.iter().map(pair).collect()
}

/// Leaves of the query what was asked for.
fn unsign(url: &mut Url, call: &Call) {
    url.set_query(None);
    if !call.query.is_empty() {
        url.query_pairs_mut().extend_pairs(pairs(call));
    }
}

/// The text of an element of an answer.
pub(super) fn element(text: &str, name: &str) -> Option<String> {
    let (_, behind) = text.split_once(&format!("<{name}>"))?;
    let (inside, _) = behind.split_once(&format!("</{name}>"))?;
    Some(inside.replace("&quot;", "\"").replace("&#34;", "\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_found_in_answers() {
        let text = "<CopyPartResult><LastModified>x</LastModified><ETag>&quot;12&quot;</ETag></CopyPartResult>";
        assert_eq!(element(text, "ETag").as_deref(), Some("\"12\""));
        assert_eq!(element(text, "UploadId"), None);
    }

    #[test]
    fn nothing_is_left_of_a_signature() {
        let mut call = Call::new(Method::PUT);
        call.query.push(("uploadId", "a b".to_owned()));
        let signed = "http://h/b/k?uploadId=a%20b&X-Amz-Signature=1&X-Amz-Credential=dummy";
        let mut url = Url::parse(signed).unwrap();
        unsign(&mut url, &call);
        assert_eq!(url.as_str(), "http://h/b/k?uploadId=a+b");
        let mut url = Url::parse(signed).unwrap();
        unsign(&mut url, &Call::new(Method::HEAD));
        assert_eq!(url.as_str(), "http://h/b/k");
    }
}
