//! The shared credentials file of AWS: sections of `name = value` lines.

use std::{
    fmt, fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use object_store::{CredentialProvider, aws::AwsCredential};

/// The keys of a profile, read again when their file changes: they are replaced while a program runs.
pub(super) struct FileKeys {
    path: PathBuf,
    profile: String,
    held: Mutex<Held>,
}

struct Held {
    stamp: Option<Stamp>,
    keys: Arc<AwsCredential>,
}

/// Inode, size and time of a file.
type Stamp = (u64, u64, i64, i64);

impl fmt::Debug for FileKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileKeys")
            .field("path", &self.path)
            .field("profile", &self.profile)
            .finish_non_exhaustive()
    }
}

impl FileKeys {
    /// Reads the keys for the first time.
    pub(super) fn open(path: &Path, profile: &str) -> io::Result<Self> {
        let stamp = stamp(path);
        let keys = Arc::new(read(path, profile)?);
        Ok(Self {
            path: path.to_owned(),
            profile: profile.to_owned(),
            held: Mutex::new(Held { stamp, keys }),
        })
    }

    /// The keys of now. A file that cannot be read at this moment, as while it is replaced, leaves those of before.
    pub(super) fn current(&self) -> Arc<AwsCredential> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let stamp = stamp(&self.path);
        if stamp.is_some()
            && stamp != held.stamp
            && let Ok(keys) = read(&self.path, &self.profile)
        {
            *held = Held {
                stamp,
                keys: Arc::new(keys),
            };
        }
        Arc::clone(&held.keys)
    }
}

#[async_trait]
impl CredentialProvider for FileKeys {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        Ok(self.current())
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let found = fs::metadata(path).ok()?;
    Some((found.ino(), found.len(), found.mtime(), found.mtime_nsec()))
}

fn read(path: &Path, profile: &str) -> io::Result<AwsCredential> {
    let text = fs::read_to_string(path).map_err(|error| {
        io::Error::new(error.kind(), format!("reading {}: {error}", path.display()))
    })?;
    parse(&text, profile).ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::InvalidData,
            format!(
                "{} has no aws_access_key_id and aws_secret_access_key in a section [{profile}]",
                path.display()
            ),
        )
    })
}

fn parse(text: &str, profile: &str) -> Option<AwsCredential> {
    let mut inside = false;
    let (mut key_id, mut secret_key, mut token) = (String::new(), String::new(), None);
    for line in text.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[') {
            inside = section.trim_end_matches(']').trim() == profile;
            continue;
        }
        let Some((name, value)) = line.split_once('=').filter(|_| inside) else {
            continue;
        };
        let value = value.trim().to_owned();
        match name.trim().to_ascii_lowercase().as_str() {
            "aws_access_key_id" => key_id = value,
            "aws_secret_access_key" => secret_key = value,
            "aws_session_token" => token = Some(value),
            _ => {}
        }
    }
    (!key_id.is_empty() && !secret_key.is_empty()).then_some(AwsCredential {
        key_id,
        secret_key,
        token,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# comment\n[other]\naws_access_key_id=a\naws_secret_access_key = b=c\n\n\
        [default]\nregion = x\nAWS_ACCESS_KEY_ID = id\naws_secret_access_key = s/e+c=\naws_session_token = t\n[half]\naws_access_key_id=x\n";

    #[test]
    fn keys_of_a_profile_are_found() {
        let keys = |id: &str, secret: &str, token: Option<&str>| AwsCredential {
            key_id: id.into(),
            secret_key: secret.into(),
            token: token.map(Into::into),
        };
        for (profile, expected) in [
            ("default", Some(keys("id", "s/e+c=", Some("t")))),
            ("other", Some(keys("a", "b=c", None))),
            ("half", None),
            ("missing", None),
        ] {
            assert_eq!(parse(FILE, profile), expected, "{profile}");
        }
    }

    #[test]
    fn keys_that_are_replaced_are_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials");
        let write = |id: &str| {
            let text = format!("[p]\naws_access_key_id={id}\naws_secret_access_key=s\n");
            fs::write(&path, text).unwrap();
        };
        write("first");
        let keys = FileKeys::open(&path, "p").unwrap();
        assert_eq!(keys.current().key_id, "first");
        write("the second");
        assert_eq!(keys.current().key_id, "the second");
        fs::write(&path, "[p]\nhalf written").unwrap();
        assert_eq!(keys.current().key_id, "the second");
        fs::remove_file(&path).unwrap();
        assert_eq!(keys.current().key_id, "the second");
        assert!(!format!("{keys:?}").contains("second"));
        let missing = FileKeys::open(&path, "p").unwrap_err();
        assert!(missing.to_string().contains("credentials"), "{missing}");
    }
}
