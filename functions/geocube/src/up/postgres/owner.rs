//! As whom the database runs: `PostgreSQL` refuses to run as root.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use rustix::io::{FdFlags, fcntl_setfd};

/// Who may run a database on behalf of root, the best first.
const UNPRIVILEGED: [&str; 2] = ["postgres", "nobody"];

/// A user other than the one of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    uid: u32,
    gid: u32,
}

impl Owner {
    /// Nobody special unless this process is root: then the owner of what is there already, else the first user of
    /// [`UNPRIVILEGED`] that the machine has.
    ///
    /// # Errors
    /// When root finds no such user.
    pub fn choose(existing: &Path) -> anyhow::Result<Option<Self>> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        if let Ok(found) = fs::metadata(existing)
            && found.uid() != 0
        {
            let (uid, gid) = (found.uid(), found.gid());
            return Ok(Some(Self { uid, gid }));
        }
        let users = fs::read_to_string("/etc/passwd").context("cannot read /etc/passwd")?;
        let found = UNPRIVILEGED.iter().find_map(|name| in_passwd(&users, name));
        match found {
            Some(owner) => Ok(Some(owner)),
            None => {
                bail!("PostgreSQL does not run as root, and there is no user postgres or nobody")
            }
        }
    }

    /// Gives a file or folder to the user.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn give(self, path: &Path) -> io::Result<()> {
        std::os::unix::fs::chown(path, Some(self.uid), Some(self.gid))
    }

    /// Lets a command run as the user.
    pub fn run(self, command: &mut Command) {
        command.uid(self.uid).gid(self.gid);
    }
}

fn in_passwd(users: &str, name: &str) -> Option<Owner> {
    let line = users
        .lines()
        .find(|line| line.split(':').next() == Some(name))?;
    let mut fields = line.split(':').skip(2);
    let uid = fields.next()?.parse().ok().filter(|uid| *uid != 0)?;
    let gid = fields.next()?.parse().ok()?;
    Some(Owner { uid, gid })
}

/// A folder by a path that leads there for children of this process, whoever they run as: the folders above may be
/// closed to them, as `/root` and most temporary folders of root are.
#[derive(Debug)]
pub struct Reachable {
    path: PathBuf,
    _descriptor: Option<OwnedFd>,
}

impl Reachable {
    /// The folder, by its own path when no other user is involved.
    ///
    /// # Errors
    /// Those of opening the folder.
    pub fn open(folder: &Path, owner: Option<Owner>) -> io::Result<Self> {
        if owner.is_none() {
            return Ok(Self {
                path: folder.to_owned(),
                _descriptor: None,
            });
        }
        let descriptor = OwnedFd::from(File::open(folder)?);
        // children inherit it; to them, /proc/self/fd leads through it to the folder
        fcntl_setfd(&descriptor, FdFlags::empty())?;
        Ok(Self {
            path: PathBuf::from(format!("/proc/self/fd/{}", descriptor.as_raw_fd())),
            _descriptor: Some(descriptor),
        })
    }

    /// The path for children.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_their_whole_name() {
        let users = "root:x:0:0::/root:/bin/sh\npostgres2:x:7:8::/:/x\npostgres:x:101:104:A:/v:/b\nbad:x:y:1::/:/b\n";
        let owner = |uid, gid| Some(Owner { uid, gid });
        assert_eq!(in_passwd(users, "postgres"), owner(101, 104));
        assert_eq!(in_passwd(users, "nobody"), None);
        assert_eq!(in_passwd(users, "root"), None, "root is never an answer");
        assert_eq!(in_passwd(users, "bad"), None);
    }
}
