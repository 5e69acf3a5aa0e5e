//! Files of a catalogue that the service would not read, or not delete.

use std::collections::BTreeMap;

use anyhow::Context;
use app::PathPolicy;
use database::PgConnection;
use database::migrate::{self, StoredFile};
use domain::Uri;

use super::Flags;
use crate::screen;

/// Rows looked at together.
const PAGE: u32 = 10_000;

/// Which files the API server would read and manage with the same flags.
///
/// # Errors
/// When a root is no path or URI; the flag is named.
pub fn policy(flags: &Flags) -> anyhow::Result<PathPolicy> {
    let ingestion = flags.ingestion_storage.as_deref();
    let readable = flags.paths.readable_files(ingestion);
    let mut policy = PathPolicy::reading(readable).context("invalid --allowedPaths")?;
    for root in flags.paths.managed_roots(ingestion) {
        policy
            .managed
            .push(Uri::parse(root).context("invalid --managedPaths")?);
    }
    Ok(policy)
}

/// Why a file needs attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    /// Neither a path nor a URI that is served.
    Unserved,
    /// A local file outside the readable folders.
    Unreadable,
    /// Managed, but outside the places where the service deletes files.
    Unmanaged,
}

impl Fault {
    fn of(file: &StoredFile, policy: &PathPolicy) -> Option<Self> {
        let Ok(uri) = Uri::parse(file.uri.as_str()) else {
            return Some(Self::Unserved);
        };
        if policy.check(&uri).is_err() {
            return Some(Self::Unreadable);
        }
        (file.managed && !policy.may_manage(&uri)).then_some(Self::Unmanaged)
    }

    fn text(self) -> &'static str {
        match self {
            Self::Unserved => "are of a kind that is not served, expected a path, gs:// or s3://",
            Self::Unreadable => "may not be read (flag allowedPaths)",
            Self::Unmanaged => {
                "are managed outside the ingestion storage and are not deleted with their datasets (flag managedPaths)"
            }
        }
    }
}

/// Lists the files that need attention, folder by folder; how many folders.
pub async fn check(connection: &mut PgConnection, policy: &PathPolicy) -> anyhow::Result<usize> {
    let mut folders: BTreeMap<(Fault, String), u64> = BTreeMap::new();
    let mut last: Option<String> = None;
    loop {
        let page = migrate::files(connection, last.as_deref(), PAGE).await?;
        for file in &page {
            if let Some(fault) = Fault::of(file, policy) {
                let folder = file.uri.rsplit_once('/').map_or("", |(folder, _)| folder);
                *folders.entry((fault, folder.to_owned())).or_default() += 1;
            }
        }
        match page.into_iter().last() {
            Some(file) => last = Some(file.uri),
            None => break,
        }
    }
    for ((fault, folder), count) in &folders {
        screen::result(&format!("{count} file(s) in {folder}/ {}", fault.text()));
    }
    Ok(folders.len())
}

#[cfg(test)]
mod tests {
    use super::{Fault, PathPolicy, StoredFile};
    use domain::Uri;

    #[test]
    fn files_outside_the_roots_are_told() {
        let policy = PathPolicy {
            allowed: vec!["/data".into()],
            managed: vec![
                Uri::parse("/data/ours").unwrap(),
                Uri::parse("gs://ours").unwrap(),
            ],
            ..PathPolicy::default()
        };
        for (uri, managed, fault) in [
            ("/data/a.tif", false, None),
            ("/data/ours/a.tif", true, None),
            ("/data/a.tif", true, Some(Fault::Unmanaged)),
            ("/other/a.tif", false, Some(Fault::Unreadable)),
            ("/data/../a.tif", false, Some(Fault::Unserved)),
            ("https://host/a.tif", false, Some(Fault::Unserved)),
            ("/vsicurl/http://host/a.tif", false, Some(Fault::Unserved)),
            ("gs://theirs/a.tif", false, None),
            ("gs://theirs/a.tif", true, Some(Fault::Unmanaged)),
            ("gs://ours/a.tif", true, None),
        ] {
            let file = StoredFile {
                uri: uri.to_owned(),
                managed,
            };
            assert_eq!(Fault::of(&file, &policy), fault, "{uri} {managed}");
        }
    }
}
