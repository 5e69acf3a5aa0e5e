//! The calls that the client library makes by gRPC only: attributes, delete and rewrite of the JSON interface.

use std::time::SystemTime;

use ::http::{Extensions, HeaderMap, Method};
use domain::Uri;
use google_cloud_auth::credentials::{CacheableResource, Credentials};
use reqwest::{Client, RequestBuilder, Response};
use serde::{Deserialize, Serialize};
use url::Url;

use super::{class, connection::Access, errors};
use crate::{Attributes, Error, RenameOptions, Result, RetryBudget, http, retry::repeat};

#[derive(Debug)]
pub(super) struct Rest {
    client: Client,
    root: Url,
    credentials: Credentials,
}

/// What the service tells of an object. Numbers are texts there.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Resource {
    size: String,
    generation: String,
    content_type: Option<String>,
    storage_class: Option<String>,
    updated: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rewritten {
    #[serde(default)]
    done: bool,
    rewrite_token: Option<String>,
}

/// What an object is to be besides its content.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Described<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) storage_class: Option<&'a str>,
}

impl Rest {
    pub(super) fn new(access: &Access) -> reqwest::Result<Self> {
        Ok(Self {
            client: http::client()?,
            root: access.root.clone(),
            credentials: access.credentials.clone(),
        })
    }

    pub(super) async fn head(&self, uri: &Uri) -> Result<Attributes> {
        let resource = self.resource(uri, "stat").await?;
        let size = resource
            .size
            .parse()
            .map_err(|source: std::num::ParseIntError| Error::Failed {
                uri: uri.clone(),
                operation: "stat",
                source: source.into(),
            })?;
        Ok(Attributes {
            size,
            version: resource.generation,
            content_type: resource.content_type,
            storage_class: resource.storage_class.as_deref().and_then(class::parse),
            unknown_class: resource
                .storage_class
                .filter(|name| class::is_unknown(name)),
            last_modified: resource.updated.as_deref().and_then(time),
        })
    }

    pub(super) async fn delete(&self, uri: &Uri, generation: Option<&str>) -> Result<()> {
        let mut url = self.url(uri, &[])?;
        if let Some(generation) = generation {
            url.query_pairs_mut()
                .append_pair("ifGenerationMatch", generation);
        }
        let request = self.client.request(Method::DELETE, url);
        self.send(uri, "delete", request).await.map(drop)
    }

    /// Copy within the service, of any size, then delete. What is copied is not copied again when a call breaks.
    pub(super) async fn rename(
        &self,
        from: &Uri,
        to: &Uri,
        options: &RenameOptions,
        budget: RetryBudget,
    ) -> Result<()> {
        let source = self.resource(from, "move").await?;
        if from.canonical() == to.canonical() {
            return Ok(());
        }
        let kept = Described {
            content_type: source.content_type.as_deref(),
            storage_class: options
                .storage_class
                .map(class::name)
                .or(source.storage_class.as_deref()),
        };
        let mut token = None;
        loop {
            let rewrite = || self.rewrite(from, to, &source.generation, token.as_deref(), &kept);
            let rewritten = repeat(budget, rewrite).await.map_err(Error::given_up)?;
            match rewritten.rewrite_token {
                Some(next) if !rewritten.done => token = Some(next),
                Some(_) | None => break,
            }
        }
        let delete = || self.delete(from, Some(&source.generation));
        match repeat(budget, delete).await {
            // the copy is made, and nothing is left
            Err(error) if error.is_not_found() => Ok(()),
            deleted => deleted.map_err(Error::given_up),
        }
    }

    /// Copies a part, all of a small object.
    async fn rewrite(
        &self,
        from: &Uri,
        to: &Uri,
        generation: &str,
        token: Option<&str>,
        kept: &Described<'_>,
    ) -> Result<Rewritten> {
        let (bucket, name) = super::object(to)?;
        let mut url = self.url(from, &["rewriteTo", "b", bucket, "o", name])?;
        url.query_pairs_mut()
            .append_pair("ifSourceGenerationMatch", generation)
            .extend_pairs(token.iter().map(|token| ("rewriteToken", token)));
        let request = self.client.request(Method::POST, url).json(kept);
        let answer = self.send(from, "move", request).await?;
        body(from, answer).await
    }

    async fn resource(&self, uri: &Uri, operation: &'static str) -> Result<Resource> {
        let request = self.client.request(Method::GET, self.url(uri, &[])?);
        let answer = self.send(uri, operation, request).await?;
        body(uri, answer).await
    }

    /// Each segment is encoded, the slashes in the name of an object too.
    fn url(&self, uri: &Uri, behind: &[&str]) -> Result<Url> {
        let (bucket, name) = super::object(uri)?;
        let mut url = self.root.clone();
        url.path_segments_mut()
            .map_err(|()| no_root(uri))?
            .pop_if_empty()
            .extend(["storage", "v1", "b", bucket, "o", name])
            .extend(behind);
        Ok(url)
    }

    pub(super) async fn send(
        &self,
        uri: &Uri,
        operation: &'static str,
        request: RequestBuilder,
    ) -> Result<Response> {
        let answer = self.answer(uri, request).await?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        Err(refused(uri, operation, answer).await)
    }

    /// The answer to a request, whatever it is.
    pub(super) async fn answer(&self, uri: &Uri, request: RequestBuilder) -> Result<Response> {
        let request = request.headers(self.headers(uri).await?);
        request
            .send()
            .await
            .map_err(|source| Error::unavailable(uri, source.without_url()))
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Where content is sent to.
    pub(super) fn upload_url(&self, uri: &Uri) -> Result<Url> {
        let (bucket, name) = super::object(uri)?;
        let mut url = self.root.clone();
        url.path_segments_mut()
            .map_err(|()| no_root(uri))?
            .pop_if_empty()
            .extend(["upload", "storage", "v1", "b", bucket, "o"]);
        url.query_pairs_mut()
            .append_pair("uploadType", "resumable")
            .append_pair("name", name);
        Ok(url)
    }

    async fn headers(&self, uri: &Uri) -> Result<HeaderMap> {
        match self.credentials.headers(Extensions::new()).await {
            Ok(CacheableResource::New { data, .. }) => Ok(data),
            // only answered to those who say what they know already
            Ok(CacheableResource::NotModified) => Ok(HeaderMap::new()),
            Err(error) => Err(errors::without_token(uri, error)),
        }
    }
}

/// Why a request was refused.
pub(super) async fn refused(uri: &Uri, operation: &'static str, answer: Response) -> Error {
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap_or_default();
    let text: String = text.chars().take(300).collect();
    Error::from_status(uri, operation, status, text)
}

fn no_root(uri: &Uri) -> Error {
    Error::invalid(uri, "has no usable root of the service")
}

async fn body<T: for<'a> Deserialize<'a>>(uri: &Uri, answer: Response) -> Result<T> {
    answer
        .json()
        .await
        .map_err(|source| Error::unavailable(uri, source.without_url()))
}

fn time(text: &str) -> Option<SystemTime> {
    chrono::DateTime::parse_from_rfc3339(text)
        .ok()
        .map(SystemTime::from)
}
