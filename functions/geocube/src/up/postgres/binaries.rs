//! Where the programs of `PostgreSQL` are.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

/// Where Debian, Ubuntu and the images built on them put one folder a version.
const VERSIONS: &str = "/usr/lib/postgresql";

/// The programs of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    folder: PathBuf,
    /// Its major version.
    pub version: u32,
}

impl Binaries {
    /// The newest version found, or the one that made an existing cluster.
    ///
    /// # Errors
    /// When there is none; says what to install.
    pub fn find(path: &OsStr, cluster: Option<u32>) -> anyhow::Result<Self> {
        let mut found = installed(path);
        if let Some(version) = cluster {
            found.retain(|binaries| binaries.version == version);
        }
        match (found.into_iter().max_by_key(|found| found.version), cluster) {
            (Some(binaries), _) => Ok(binaries),
            (None, Some(version)) => bail!(
                "the private database was made by PostgreSQL {version}, which is not installed any more: \
                 install postgresql-{version} and postgresql-{version}-postgis-3"
            ),
            (None, None) => bail!(
                "PostgreSQL was not found, neither on the PATH nor below {VERSIONS}: install it with PostGIS \
                 (apt install postgresql postgresql-postgis), or name a database with --db"
            ),
        }
    }

    /// The path of one program.
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

fn installed(path: &OsStr) -> Vec<Binaries> {
    let on_path = std::env::split_paths(path);
    let versions = std::fs::read_dir(VERSIONS).into_iter().flatten();
    let debian = versions.filter_map(|entry| Some(entry.ok()?.path().join("bin")));
    on_path
        .chain(debian)
        .filter(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file())
        .filter_map(|folder| {
            let version = version_of(&folder.join("postgres")).ok()?;
            Some(Binaries { folder, version })
        })
        .collect()
}

fn version_of(postgres: &Path) -> anyhow::Result<u32> {
    let output = Command::new(postgres).arg("--version").output()?;
    major_version(&String::from_utf8_lossy(&output.stdout)).context("no version")
}

/// `postgres (PostgreSQL) 15.8 (Debian 15.8-0+deb12u1)` is 15.
fn major_version(text: &str) -> Option<u32> {
    let number = text.split_whitespace().nth(2)?;
    let digits = number
        .split(|letter: char| !letter.is_ascii_digit())
        .next()?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        for (text, version) in [
            (
                "postgres (PostgreSQL) 15.8 (Debian 15.8-0+deb12u1)\n",
                Some(15),
            ),
            ("postgres (PostgreSQL) 17beta1\n", Some(17)),
            ("postgres (PostgreSQL) devel\n", None),
            ("", None),
        ] {
            assert_eq!(major_version(text), version, "{text}");
        }
    }

    #[test]
    fn a_version_that_is_gone_is_named() {
        let error = Binaries::find(OsStr::new(""), Some(3))
            .unwrap_err()
            .to_string();
        assert!(error.contains("postgresql-3-postgis"), "{error}");
    }
}
