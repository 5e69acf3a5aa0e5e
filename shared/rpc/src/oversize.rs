//! Messages that are refused before a handler sees them: above the limit, where clients parse the text
//! of the refusal to send smaller ones, or no message of the contract.

use http::{HeaderValue, Request, Response};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use tonic::{Code, Status};
use tower::{Layer, Service};

/// Rewrites the refusal of an oversized message to `RESOURCE_EXHAUSTED` and the text of the
/// contract, `grpc: received message larger than max (<size> vs. <limit>)`, and that of bytes that
/// cannot be read to `INVALID_ARGUMENT`: both are the caller's mistake.
#[derive(Clone, Copy, Debug, Default)]
pub struct OversizeLayer;

/// Service made by [`OversizeLayer`].
#[derive(Clone, Copy, Debug)]
pub struct Oversize<S>(S);

impl<S> Layer<S> for OversizeLayer {
    type Service = Oversize<S>;

    fn layer(&self, inner: S) -> Oversize<S> {
        Oversize(inner)
    }
}

impl<S, B, R> Service<Request<B>> for Oversize<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Future: Send + 'static,
    S::Error: 'static,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<R>, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let response = self.0.call(request);
        Box::pin(async move { response.await.map(rewrite) })
    }
}

fn rewrite<R>(mut response: Response<R>) -> Response<R> {
    let refused = Status::from_header_map(response.headers());
    let Some(status) = refused.as_ref().and_then(rewritten) else {
        return response;
    };
    let headers = response.headers_mut();
    headers.insert(Status::GRPC_STATUS, HeaderValue::from(status.code() as i32));
    // both texts are short, and in ASCII
    if let Ok(message) = HeaderValue::from_str(status.message()) {
        headers.insert(Status::GRPC_MESSAGE, message);
    }
    response
}

/// The status of the contract where `status` refuses a message that was not read; else `status`
/// itself. Handlers of client streams pass what their stream answers.
pub fn unread(status: Status) -> Status {
    rewritten(&status).unwrap_or(status)
}

fn rewritten(status: &Status) -> Option<Status> {
    if let Some((size, limit)) = sizes(status) {
        return Some(Status::resource_exhausted(format!(
            "grpc: received message larger than max ({size} vs. {limit})"
        )));
    }
    let unreadable = status.code() == Code::Internal
        && status.message().starts_with("failed to decode Protobuf");
    unreadable
        .then(|| Status::invalid_argument("the bytes of the request are no message of this method"))
}

/// Sizes within tonic's refusal: `decoded message length too large: found 5 bytes, the limit is: 4 bytes`.
fn sizes(status: &Status) -> Option<(u64, u64)> {
    if status.code() != Code::OutOfRange || !status.message().contains("message length too large") {
        return None;
    }
    let mut numbers = status
        .message()
        .split(|character: char| !character.is_ascii_digit())
        .filter_map(|digits| digits.parse().ok());
    Some((numbers.next()?, numbers.next()?))
}

#[cfg(test)]
mod tests {
    use super::unread;
    use tonic::{Code, Status};

    #[test]
    fn the_refusal_has_the_sizes_that_clients_parse() {
        let text = "Error, decoded message length too large: found 5000050 bytes, the limit is: 4194304 bytes";
        let status = unread(Status::out_of_range(text));
        assert_eq!(status.code(), Code::ResourceExhausted);
        assert_eq!(
            status.message(),
            "grpc: received message larger than max (5000050 vs. 4194304)"
        );
    }

    #[test]
    fn other_refusals_stay_as_they_are() {
        for given in [
            Status::out_of_range("page 7"),
            Status::internal("the database request failed (error id 1)"),
        ] {
            let status = unread(given.clone());
            assert_eq!(
                (status.code(), status.message()),
                (given.code(), given.message())
            );
        }
    }

    #[test]
    fn bytes_that_are_no_message_are_the_callers_mistake() {
        let text = "failed to decode Protobuf message: invalid tag value: 0";
        assert_eq!(unread(Status::internal(text)).code(), Code::InvalidArgument);
    }
}
