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

/// Versions of a file that are begun to be read before it is given up.
const TRIES: usize = 4;

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

/// A range, or all, of a file, by one request per piece, some at the same time. A file that is replaced meanwhile is read
/// again, unless a version was asked for.
pub(crate) async fn joined(store: &dyn Storage, uri: &Uri, options: &ReadOptions) -> Result<Bytes> {
    for _ in 1..TRIES {
        match joined_once(store, uri, options).await {
            Err(Error::Changed { .. }) if options.version.is_none() => {}
            settled => return settled,
        }
    }
    joined_once(store, uri, options).await
}

async fn joined_once(store: &dyn Storage, uri: &Uri, options: &ReadOptions) -> Result<Bytes> {
    let all = 0..u64::MAX;
    let range = options.range.as_ref().unwrap_or(&all);
    let (found, first) = if range.start == 0 {
        // a small file is one request, and one version
        store.read_start(uri, PIECE.min(range.end)).await?
    } else {
        (store.head(uri).await?, Bytes::new())
    };
    if let Some(version) = &options.version
        && *version != found.version
    {
        return Err(Error::Changed { uri: uri.clone() });
    }
    let range = cut(uri, range, found.size)?;
    let rest: Vec<_> = pieces(range.start + first.len() as u64..range.end).collect();
    if rest.is_empty() {
        return Ok(first);
    }
    let parts = ranges(store, uri, &rest, Some(&found.version)).await?;
    let mut data =
        BytesMut::with_capacity(first.len() + parts.iter().map(Bytes::len).sum::<usize>());
    data.extend_from_slice(&first);
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
