use std::{fmt::Debug, ops::Range, path::Path};

use async_trait::async_trait;
use bytes::Bytes;
use domain::Uri;
use futures::stream::BoxStream;

use crate::{Attributes, DeleteOptions, ReadOptions, RenameOptions, Result, UploadOptions};

/// The content of a file in pieces, in order. Ends after the first error.
pub type ByteStream = BoxStream<'static, Result<Bytes>>;

/// A place where files are kept.
///
/// Held as `Arc<dyn Storage>`. The contract, checked for every backend by the conformance suite:
///
/// - A write is atomic: a reader sees the file of before or the complete new one, and a failed write leaves the
///   file of before. The last of several writers wins. A returned write is durable.
/// - A missing file is [`Error::NotFound`](crate::Error::NotFound) for every operation but an upload.
/// - A range is cut at the end of the file; one that begins at or behind the end gives no bytes. One that ends
///   before it begins is [`Error::Invalid`](crate::Error::Invalid).
/// - Operations may be repeated. A backend retries what is worth it; what it returns as retryable
///   ([`Error::is_retryable`](crate::Error::is_retryable)) may be tried again by the caller, later.
/// - Folders are no objects: parents are created by a write, and reading one is an error.
#[async_trait]
pub trait Storage: Debug + Send + Sync + 'static {
    /// Size, version and the like, without reading the content.
    async fn head(&self, uri: &Uri) -> Result<Attributes>;

    /// Reads one range, or all, of a file into memory.
    ///
    /// The memory used is that of the bytes which exist, whatever the range asks for.
    async fn read_with(&self, uri: &Uri, options: &ReadOptions) -> Result<Bytes>;

    /// Reads the first bytes of a file, at most `length`, and tells its attributes, both of the same version: what
    /// opening a file takes, by one request where the store tells both at once.
    ///
    /// The content type, the class and the time of the last change may be absent even where `head` tells them.
    async fn read_start(&self, uri: &Uri, length: u64) -> Result<(Attributes, Bytes)> {
        let found = self.head(uri).await?;
        let options = ReadOptions {
            range: Some(0..length),
            version: Some(found.version.clone()),
        };
        let data = self.read_with(uri, &options).await?;
        Ok((found, data))
    }

    /// Reads several ranges of one file, and returns them in the order asked for.
    ///
    /// Ranges may overlap and come in any order. They are read as they are: whoever wants neighbours to be
    /// fetched together merges them first. All come from the same `version` if one is given.
    async fn read_ranges(
        &self,
        uri: &Uri,
        ranges: &[Range<u64>],
        version: Option<&str>,
    ) -> Result<Vec<Bytes>>;

    /// Reads a file from its beginning, piece by piece.
    async fn read_stream(&self, uri: &Uri) -> Result<ByteStream>;

    /// Writes a file from memory, replacing what was there.
    async fn upload(&self, uri: &Uri, data: Bytes, options: &UploadOptions) -> Result<()>;

    /// Writes a file from a local one, without holding it in memory, replacing what was there.
    ///
    /// `path` is the caller's own working file: no access rule applies to it.
    async fn upload_file(&self, uri: &Uri, path: &Path, options: &UploadOptions) -> Result<()>;

    /// Removes a file.
    async fn delete(&self, uri: &Uri, options: &DeleteOptions) -> Result<()>;

    /// Moves a file, replacing what was at the destination.
    ///
    /// The destination appears complete or not at all. On stores without a rename this is copy and delete, so
    /// for a short time both may exist; repeating a move whose answer was lost gives `NotFound`. Content type and class
    /// are kept, unless the options name another class.
    async fn rename_with(&self, from: &Uri, to: &Uri, options: &RenameOptions) -> Result<()>;
}
