//! Uploads in pieces, taken up again where they broke: the resumable uploads of the JSON interface.
//!
//! The client library sends all that is left by one request and does not see one in which nothing moves; here a piece is
//! a request with a time of its own, and only pieces are in memory.

use std::time::{Duration, Instant};

use ::http::{
    Method, StatusCode,
    header::{CONTENT_RANGE, LOCATION, RANGE},
};
use domain::Uri;
use reqwest::Response;
use url::Url;

use super::{
    class,
    rest::{Described, Rest, refused},
};
use crate::{
    Error, Result, RetryBudget, UploadOptions,
    content::Content,
    retry::{Tries, repeat, within},
};

/// Size of a piece: a multiple of the 256 KiB that the service asks for.
const PIECE: u64 = 16 << 20;

/// What a session holds.
#[derive(Debug, PartialEq, Eq)]
enum Reached {
    /// The first bytes, so many.
    Bytes(u64),
    /// The object is there.
    All,
    /// Nothing any more: it is over.
    Nothing,
}

struct Session<'a> {
    rest: &'a Rest,
    uri: &'a Uri,
    url: Url,
    size: u64,
    if_absent: bool,
}

/// Writes content of some size, piece by piece.
pub(super) async fn write(
    rest: &Rest,
    uri: &Uri,
    content: &Content,
    options: &UploadOptions,
    budget: RetryBudget,
) -> Result<()> {
    for _ in 0..budget.tries {
        let begin = || {
            let begin = Session::begin(rest, uri, content.size(), options);
            within(budget.limit(0), uri, begin)
        };
        let session = repeat(budget, begin).await.map_err(Error::given_up)?;
        let sent = session.send(content, budget).await;
        if sent.map_err(Error::given_up)? {
            return Ok(());
        }
    }
    Err(Error::unavailable(uri, "no session of the upload lasts").given_up())
}

impl<'a> Session<'a> {
    async fn begin(
        rest: &'a Rest,
        uri: &'a Uri,
        size: u64,
        options: &UploadOptions,
    ) -> Result<Self> {
        let mut url = rest.upload_url(uri)?;
        if options.if_absent {
            url.query_pairs_mut().append_pair("ifGenerationMatch", "0");
        }
        let described = Described {
            content_type: options.content_type.as_deref(),
            storage_class: options.storage_class.map(class::name),
        };
        let request = rest.client().request(Method::POST, url).json(&described);
        let request = request.header("x-upload-content-length", size);
        let answer = rest
            .send(uri, "write", request)
            .await
            .map_err(|error| created(error, options.if_absent))?;
        let place = answer.headers().get(LOCATION);
        let place = place.and_then(|place| Url::parse(place.to_str().ok()?).ok());
        let url = place.ok_or_else(|| Error::Failed {
            uri: uri.clone(),
            operation: "write",
            source: "the store names no session to send to".into(),
        })?;
        Ok(Self {
            rest,
            uri,
            url,
            size,
            if_absent: options.if_absent,
        })
    }

    /// Sends what the session lacks; each piece has all of the budget. False when the session is over before its time.
    async fn send(&self, content: &Content, budget: RetryBudget) -> Result<bool> {
        let (mut tries, mut at) = (Tries::of(budget), 0);
        // after a break the session alone knows what it holds
        let mut known = true;
        loop {
            let (began, end) = (Instant::now(), self.size.min(at + PIECE));
            let reached = if known {
                let piece = content.part(self.uri, at..end).await?;
                let range = format!("bytes {at}-{}/{}", end - 1, self.size);
                self.put(range, piece.into(), budget.limit(end - at)).await
            } else {
                let range = format!("bytes */{}", self.size);
                self.put(range, Vec::new().into(), budget.limit(0)).await
            };
            let failure = match reached {
                Ok(Reached::All) => return Ok(true),
                Ok(Reached::Nothing) => return Ok(false),
                Ok(Reached::Bytes(bytes)) if bytes > at && bytes < self.size => {
                    (at, known, tries) = (bytes, true, Tries::of(budget));
                    continue;
                }
                // nothing of the piece came, as after a break before it
                Ok(Reached::Bytes(bytes)) if bytes == at && !known => {
                    known = true;
                    continue;
                }
                Ok(Reached::Bytes(bytes)) => Error::unavailable(
                    self.uri,
                    format!("the store holds {bytes} of {} bytes", self.size),
                ),
                Err(failure) => failure,
            };
            known = false;
            tries.pause(began, failure).await?;
        }
    }

    async fn put(&self, range: String, piece: reqwest::Body, limit: Duration) -> Result<Reached> {
        let request = self
            .rest
            .client()
            .request(Method::PUT, self.url.clone())
            .header(CONTENT_RANGE, range)
            .timeout(limit)
            .body(piece);
        let put = async {
            let answer = self.rest.answer(self.uri, request).await?;
            self.reached(answer).await
        };
        within(limit, self.uri, put).await
    }

    async fn reached(&self, answer: Response) -> Result<Reached> {
        match answer.status() {
            status if status.is_success() => Ok(Reached::All),
            StatusCode::PERMANENT_REDIRECT => {
                let held = answer.headers().get(RANGE);
                Ok(Reached::Bytes(
                    held.and_then(|held| bytes(held.to_str().ok()?))
                        .unwrap_or(0),
                ))
            }
            StatusCode::NOT_FOUND | StatusCode::GONE => Ok(Reached::Nothing),
            _ => {
                let error = refused(self.uri, "write", answer).await;
                Err(created(error, self.if_absent))
            }
        }
    }
}

/// A condition that does not hold is that of a creation.
fn created(error: Error, if_absent: bool) -> Error {
    match error {
        Error::Changed { uri } if if_absent => Error::AlreadyExists { uri },
        other => other,
    }
}

/// Number of the bytes that a session holds: `bytes=0-99` are a hundred.
fn bytes(range: &str) -> Option<u64> {
    let (_, last) = range.split_once('-')?;
    Some(last.trim().parse::<u64>().ok()? + 1)
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn a_session_says_how_much_it_holds() {
        for (range, expected) in [
            ("bytes=0-99", Some(100)),
            ("bytes=0-0", Some(1)),
            ("nothing", None),
        ] {
            assert_eq!(bytes(range), expected);
        }
    }
}
