use bytes::Bytes;
use object_store::{
    Error as ClientError, ObjectStore, ObjectStoreExt, PutMode, PutOptions, aws::AmazonS3,
};

use super::{
    attributes, errors,
    parts::{Source, Target},
};
use crate::{Error, Result, UploadOptions, content::Content, retry::within};

/// Larger content goes up in parts of this size.
const PART: u64 = 8 << 20;

/// Writes content, in parts when it is large: only so many of them as are sent at a time are in memory.
pub(super) async fn put(
    target: &Target<'_>,
    content: &Content,
    options: &UploadOptions,
) -> Result<()> {
    let size = content.size();
    if size <= PART {
        let data = content.part(target.uri, 0..size).await?;
        let limit = target.budget.limit(size);
        return within(limit, target.uri, put_whole(target, data, options)).await;
    }
    if options.if_absent {
        // before all of it is sent for nothing; what counts is the condition at the end
        refuse_present(target).await?;
    }
    let source = Source::Content(content);
    target.assemble(source, size, PART, options).await
}

/// One request.
async fn put_whole(target: &Target<'_>, data: Bytes, options: &UploadOptions) -> Result<()> {
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
    let store: &AmazonS3 = target.store;
    match store.put_opts(target.key, data.into(), put).await {
        Ok(_) => Ok(()),
        Err(ClientError::AlreadyExists { .. } | ClientError::Precondition { .. })
            if options.if_absent =>
        {
            Err(Error::AlreadyExists {
                uri: target.uri.clone(),
            })
        }
        Err(error) => Err(errors::sort(target.uri, "write", error)),
    }
}

async fn refuse_present(target: &Target<'_>) -> Result<()> {
    match target.store.head(target.key).await {
        Ok(_) => Err(Error::AlreadyExists {
            uri: target.uri.clone(),
        }),
        Err(ClientError::NotFound { .. }) => Ok(()),
        Err(error) => Err(errors::sort(target.uri, "write", error)),
    }
}
