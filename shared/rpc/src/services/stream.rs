//! Server streams.

use futures::stream::{BoxStream, Stream, StreamExt};
use tonic::{Response, Status};

/// A boxed server stream of `T`.
pub(super) type Items<T> = BoxStream<'static, Result<T, Status>>;

/// Answers items as they come.
pub(super) fn items<T, U>(
    source: impl Stream<Item = app::Result<T>> + Send + 'static,
    convert: impl Fn(T) -> U + Send + 'static,
) -> Response<Items<U>>
where
    T: Send + 'static,
    U: Send + 'static,
{
    Response::new(
        source
            .map(move |item| item.map(&convert).map_err(crate::status))
            .boxed(),
    )
}
