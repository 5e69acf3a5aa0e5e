//! Answers that are longer than what is held in memory.

use crate::{Error, Result};
use futures::stream::{self, Stream, StreamExt, TryStreamExt};

/// The items of a list that is read piece by piece. The first piece is read before this returns, so
/// that a failure shows before any item; the others are read as the reader comes to them.
pub(super) async fn items<T: Send + 'static>(
    pieces: impl Stream<Item = database::Result<Vec<T>>> + Send + 'static,
) -> Result<impl Stream<Item = Result<T>> + Send + 'static> {
    let mut pieces = pieces.boxed();
    let first = pieces.try_next().await?.unwrap_or_default();
    let rest = pieces.map_err(Error::from);
    let pieces = stream::iter([Ok(first)]).chain(rest);
    Ok(pieces
        .map_ok(|piece| stream::iter(piece).map(Ok))
        .try_flatten())
}
