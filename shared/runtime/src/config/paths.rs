//! Which files callers may name, and which of them are ours to delete.

use clap::Args;

use crate::value::List;

/// Flags of the policy on paths.
#[derive(Debug, Clone, Default, Args)]
#[group(skip)]
#[command(rename_all = "camelCase")]
pub struct PathFlags {
    /// Local folders whose files may be read besides the ingestion storage, comma-separated
    #[arg(long, value_name = "PATHS")]
    pub allowed_paths: Option<List>,
    /// Prefixes of sub-datasets allowed besides `GTIFF_DIR:<n>`, comma-separated: `GTIFF_RAW`, `GTIFF_DIR:off:<offset>`
    #[arg(long, value_name = "PREFIXES")]
    pub allowed_subdirs: Option<List>,
    /// Roots besides the ingestion storage below which containers may be managed, hence deleted, comma-separated
    #[arg(long, value_name = "PATHS")]
    pub managed_paths: Option<List>,
    /// For one machine: no TLS, and every local file may be read
    #[arg(long)]
    pub local: bool,
}

/// Local files that callers may have read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadableFiles {
    /// All of them.
    All,
    /// Those below one of the roots.
    Below(Vec<String>),
}

impl PathFlags {
    /// The readable files; what lies in the ingestion storage always is, as consolidation writes there.
    pub fn readable_files(&self, ingestion_storage: Option<&str>) -> ReadableFiles {
        if self.local {
            return ReadableFiles::All;
        }
        ReadableFiles::Below(with(ingestion_storage, self.allowed_paths.as_ref()))
    }

    /// Roots below which containers may be managed: the ingestion storage first.
    pub fn managed_roots(&self, ingestion_storage: Option<&str>) -> Vec<String> {
        with(ingestion_storage, self.managed_paths.as_ref())
    }

    /// Allowed prefixes of sub-datasets.
    pub fn subdataset_prefixes(&self) -> &[String] {
        self.allowed_subdirs.as_deref().unwrap_or_default()
    }
}

fn with(first: Option<&str>, list: Option<&List>) -> Vec<String> {
    let rest = list.map(|list| list.to_vec()).unwrap_or_default();
    first.map(str::to_owned).into_iter().chain(rest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_ingestion_storage_is_open_by_default() {
        let flags = PathFlags::default();
        assert_eq!(flags.readable_files(None), ReadableFiles::Below(vec![]));
        assert_eq!(
            flags.readable_files(Some("/data")),
            ReadableFiles::Below(vec!["/data".into()])
        );
        assert_eq!(flags.managed_roots(Some("gs://b")), ["gs://b"]);
    }

    #[test]
    fn local_opens_all_files_for_reading_but_not_for_deletion() {
        let flags = PathFlags {
            local: true,
            ..PathFlags::default()
        };
        assert_eq!(flags.readable_files(None), ReadableFiles::All);
        assert!(flags.managed_roots(None).is_empty());
    }

    #[test]
    fn further_roots_are_added() {
        let flags = PathFlags {
            allowed_paths: Some("/a,/b".into()),
            managed_paths: Some("/m".into()),
            ..PathFlags::default()
        };
        assert_eq!(
            flags.readable_files(Some("/data")),
            ReadableFiles::Below(vec!["/data".into(), "/a".into(), "/b".into()])
        );
        assert_eq!(flags.managed_roots(Some("/data")), ["/data", "/m"]);
    }
}
