use std::path::Path;

use bytes::Bytes;
use domain::Uri;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::{
    Attribute, Attributes, Error as ClientError, ObjectStore, ObjectStoreExt, PutMode,
    PutMultipartOptions, PutOptions, WriteMultipart, aws::AmazonS3, path::Path as Key,
};
use tokio::io::AsyncReadExt;

use super::{class, errors};
use crate::{ByteStream, Error, Result, UploadOptions};

/// Larger content goes up in parts of this size.
const PART: u64 = 8 << 20;
/// Parts of one object at most, a little below the limit of the service.
const MOST_PARTS: u64 = 9_900;
/// Parts that are under way at the same time.
const CONCURRENT: usize = 3;

/// One request.
pub(super) async fn put(
    uri: &Uri,
    client: &AmazonS3,
    key: &Key,
    data: Bytes,
    options: &UploadOptions,
) -> Result<()> {
    let mode = if options.if_absent {
        PutMode::Create
    } else {
        PutMode::Overwrite
    };
    let put = PutOptions {
        mode,
        attributes: attributes(options),
        ..PutOptions::default()
    };
    match client.put_opts(key, data.into(), put).await {
        Ok(_) => Ok(()),
        Err(ClientError::AlreadyExists { .. } | ClientError::Precondition { .. })
            if options.if_absent =>
        {
            Err(Error::AlreadyExists { uri: uri.clone() })
        }
        Err(error) => Err(errors::sort(uri, "write", error)),
    }
}

/// A local file, in parts when it is large.
pub(super) async fn put_file(
    uri: &Uri,
    client: &AmazonS3,
    key: &Key,
    path: &Path,
    options: &UploadOptions,
) -> Result<()> {
    let local = |source: std::io::Error| Error::Failed {
        uri: uri.clone(),
        operation: "upload",
        source: source.into(),
    };
    let mut file = tokio::fs::File::open(path).await.map_err(local)?;
    let size = file.metadata().await.map_err(local)?.len();
    if size <= PART {
        let mut data = Vec::with_capacity(size as usize);
        file.read_to_end(&mut data).await.map_err(local)?;
        return put(uri, client, key, data.into(), options).await;
    }
    let name = uri.clone();
    let content = stream::try_unfold(file, move |mut file| {
        let name = name.clone();
        async move {
            let mut piece = Vec::with_capacity(PART as usize);
            let read = (&mut file).take(PART).read_to_end(&mut piece).await;
            read.map_err(|source| Error::Failed {
                uri: name,
                operation: "upload",
                source: source.into(),
            })?;
            Ok((!piece.is_empty()).then(|| (Bytes::from(piece), file)))
        }
    });
    put_stream(uri, client, key, content.boxed(), size, options).await
}

/// Content in pieces, `size` bytes in all. Only so many parts as are sent at a time are in memory.
///
/// The service completes an object in parts whatever is there: a creation looks before and right before the end.
pub(super) async fn put_stream(
    uri: &Uri,
    client: &AmazonS3,
    key: &Key,
    mut content: ByteStream,
    size: u64,
    options: &UploadOptions,
) -> Result<()> {
    let sorted = |error| errors::sort(uri, "write", error);
    if options.if_absent {
        refuse_present(uri, client, key).await?;
    }
    let multipart = PutMultipartOptions {
        attributes: attributes(options),
        ..PutMultipartOptions::default()
    };
    let upload = client
        .put_multipart_opts(key, multipart)
        .await
        .map_err(sorted)?;
    let part = PART.max(size.div_ceil(MOST_PARTS)) as usize;
    let mut writer = WriteMultipart::new_with_chunk_size(upload, part);
    let sent = async {
        while let Some(piece) = content.try_next().await? {
            writer.wait_for_capacity(CONCURRENT).await.map_err(sorted)?;
            writer.put(piece);
        }
        if options.if_absent {
            refuse_present(uri, client, key).await?;
        }
        Ok(())
    }
    .await;
    if sent.is_err() {
        // the reason of the failure matters more than parts that the service removes by its own rules
        let _ = writer.abort().await;
        return sent;
    }
    writer.finish().await.map(drop).map_err(sorted)
}

async fn refuse_present(uri: &Uri, client: &AmazonS3, key: &Key) -> Result<()> {
    match client.head(key).await {
        Ok(_) => Err(Error::AlreadyExists { uri: uri.clone() }),
        Err(ClientError::NotFound { .. }) => Ok(()),
        Err(error) => Err(errors::sort(uri, "write", error)),
    }
}

fn attributes(options: &UploadOptions) -> Attributes {
    let mut attributes = Attributes::new();
    if let Some(content_type) = &options.content_type {
        attributes.insert(Attribute::ContentType, content_type.clone().into());
    }
    if let Some(storage_class) = options.storage_class {
        attributes.insert(Attribute::StorageClass, class::name(storage_class).into());
    }
    attributes
}
