//! The directories of a file, read by ranges.

use cog::{Error, File, Prefetched};
use domain::Uri;
use storage::{Storage, StorageExt};

/// Bytes read first, and at least each time that something is missing; each time twice as many as before.
const FIRST_READ: u64 = 64 << 10;
/// Most bytes read for one thing that is missing, unless it is larger itself.
const LARGEST_READ: u64 = 16 << 20;

/// The directories of a file, and its size in bytes.
pub async fn read(storage: &dyn Storage, uri: &Uri) -> anyhow::Result<(File, u64)> {
    let size = storage.head(uri).await?.size;
    let mut known = Prefetched::new(size);
    let mut step = FIRST_READ;
    loop {
        match File::read(&known) {
            Err(Error::NeedBytes { offset, len }) => {
                let end = offset.saturating_add(len.max(step));
                let bytes = storage.read(uri, offset..end).await?;
                anyhow::ensure!(!bytes.is_empty(), "the file became shorter");
                known.insert(offset, bytes);
                step = step.saturating_mul(2).min(LARGEST_READ);
            }
            read => return Ok((read?, size)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::read;
    use domain::Uri;
    use storage::{Counting, MemoryStorage, Storage, UploadOptions};

    #[tokio::test]
    async fn the_head_of_a_large_file_is_all_that_is_read() {
        let tags = cog::ImageTags::new(4096, 4096, 16, 16, 8);
        let lengths = vec![0; tags.block_count() as usize];
        let record = cog::RecordLayout {
            levels: vec![cog::LevelLayout {
                image: cog::ImageLayout { tags, lengths },
                masks: Vec::new(),
            }],
            first_tile: (0, 0),
        };
        let mut bytes = Vec::new();
        cog::write_cog(&record, cog::Offsets::Auto, &mut cog::NoTiles, &mut bytes).unwrap();
        let head = bytes.len() as u64;
        assert!(head > 500_000, "an index of 65536 tiles");
        bytes.resize(50 << 20, 0);
        let storage = Counting::new(MemoryStorage::new());
        let uri = Uri::parse("gs://bucket/a.tif").unwrap();
        let options = UploadOptions::default();
        storage.upload(&uri, bytes.into(), &options).await.unwrap();
        let (file, size) = read(&storage, &uri).await.unwrap();
        assert_eq!((file.records.len(), size), (1, 50 << 20));
        let read = storage.take()[&uri];
        assert!(read.calls <= 5 && read.bytes < 3 * head, "{read:?}");
    }
}
