//! Files read piece by piece through ranges of one version, so that each piece may be tried again.

use std::ops::Range;

use bytes::Bytes;
use domain::Uri;
use futures::{StreamExt, TryStreamExt, stream};

use crate::{ByteStream, ReadOptions, Result, Storage};

/// Size of the pieces of a stream.
const PIECE: u64 = 8 << 20;

/// Ranges of one file that are read at the same time.
const CONCURRENT: usize = 16;

/// The content of a file, by one request per piece.
///
/// The version is that of the beginning: a file that is replaced meanwhile ends the stream with
/// [`Error::Changed`](crate::Error::Changed).
pub(crate) async fn stream<S: Storage + Clone>(store: S, uri: &Uri) -> Result<ByteStream> {
    let found = store.head(uri).await?;
    let uri = uri.clone();
    let starts = (0..found.size).step_by(PIECE as usize);
    let pieces = stream::iter(starts).then(move |start| {
        let (store, uri) = (store.clone(), uri.clone());
        let options = ReadOptions {
            range: Some(start..start.saturating_add(PIECE).min(found.size)),
            version: Some(found.version.clone()),
        };
        async move { store.read_with(&uri, &options).await }
    });
    Ok(pieces.boxed())
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
