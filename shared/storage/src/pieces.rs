//! Files read piece by piece through ranges of one version, so that each piece may be tried again.

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use domain::Uri;
use futures::{StreamExt, TryStreamExt, stream};

use crate::{ByteStream, Error, ReadOptions, Result, Storage, ranges::cut};

/// Size of the pieces of a stream.
pub(crate) const PIECE: u64 = 8 << 20;

/// Ranges of one file that are read at the same time.
const CONCURRENT: usize = 16;

/// Pieces of a stream that are under way at the same time: one is taken while the next one comes.
const AHEAD: usize = 2;

/// The content of a file, by one request per piece.
///
/// The version is that of the beginning: a file that is replaced meanwhile ends the stream with
/// [`Error::Changed`](crate::Error::Changed).
pub(crate) async fn stream<S: Storage + Clone>(store: S, uri: &Uri) -> Result<ByteStream> {
    let found = store.head(uri).await?;
    let uri = uri.clone();
    let reads = pieces(0..found.size).map(move |piece| {
        let (store, uri) = (store.clone(), uri.clone());
        let options = ReadOptions {
            range: Some(piece),
            version: Some(found.version.clone()),
        };
        async move { store.read_with(&uri, &options).await }
    });
    Ok(stream::iter(reads).buffered(AHEAD).boxed())
}

/// A range, or all, of a file, by one request per piece, some at the same time.
pub(crate) async fn joined(store: &dyn Storage, uri: &Uri, options: &ReadOptions) -> Result<Bytes> {
    let found = store.head(uri).await?;
    if let Some(version) = &options.version
        && *version != found.version
    {
        return Err(Error::Changed { uri: uri.clone() });
    }
    let all = 0..u64::MAX;
    let range = cut(uri, options.range.as_ref().unwrap_or(&all), found.size)?;
    let pieces: Vec<_> = pieces(range).collect();
    let mut parts = ranges(store, uri, &pieces, Some(&found.version)).await?;
    if parts.len() < 2 {
        return Ok(parts.pop().unwrap_or_default());
    }
    let mut data = BytesMut::with_capacity(parts.iter().map(Bytes::len).sum());
    for part in parts {
        data.extend_from_slice(&part);
    }
    Ok(data.freeze())
}

/// Several ranges of one file, at the same time, in the order asked for.
pub(crate) async fn ranges(
    store: &dyn Storage,
    uri: &Uri,
    ranges: &[Range<u64>],
    version: Option<&str>,
) -> Result<Vec<Bytes>> {
    let reads: Vec<_> = ranges
        .iter()
        .map(|range| ReadOptions {
            range: Some(range.clone()),
            version: version.map(str::to_owned),
        })
        .map(|options| async move { store.read_with(uri, &options).await })
        .collect();
    stream::iter(reads).buffered(CONCURRENT).try_collect().await
}

/// A range in pieces.
fn pieces(range: Range<u64>) -> impl Iterator<Item = Range<u64>> + Send {
    let end = range.end;
    range
        .step_by(PIECE as usize)
        .map(move |start| start..start.saturating_add(PIECE).min(end))
}
