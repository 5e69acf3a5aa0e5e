use std::ops::Range;

use domain::StorageClass;

/// What a store knows of a file without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// Size in bytes.
    pub size: u64,
    /// Changes whenever the content does: generation, entity tag, or a token made of the times of a local file.
    pub version: String,
    /// Media type, where the store keeps one.
    pub content_type: Option<String>,
    /// Cost class, where the store has classes.
    pub storage_class: Option<StorageClass>,
    /// Name of the cost class where the store has told one that is none of ours.
    pub unknown_class: Option<String>,
    /// Time of the last change, where the store tells it.
    pub last_modified: Option<std::time::SystemTime>,
}

/// What to read of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// Bytes wanted, all of them if absent. An end behind the end of the file means the end of the file.
    pub range: Option<Range<u64>>,
    /// Refuse the read with [`Error::Changed`](crate::Error::Changed) unless the file still has this version.
    pub version: Option<String>,
}

impl From<Range<u64>> for ReadOptions {
    fn from(range: Range<u64>) -> Self {
        Self {
            range: Some(range),
            version: None,
        }
    }
}

/// How to store a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UploadOptions {
    /// Media type; the backend's default if absent. Ignored by backends that keep none.
    pub content_type: Option<String>,
    /// Cost class; the bucket's default if absent. Ignored by backends without classes.
    pub storage_class: Option<StorageClass>,
    /// Refuse the write with [`Error::AlreadyExists`](crate::Error::AlreadyExists) when there is such a file.
    pub if_absent: bool,
}

/// How to delete a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeleteOptions {
    /// Succeed when there is no such file.
    pub ignore_missing: bool,
}

/// How to move a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RenameOptions {
    /// Cost class of the moved file; that of before if absent. Ignored by backends without classes.
    pub storage_class: Option<StorageClass>,
}
