//! Where a file is: a local path, or an object of a bucket.

mod pattern;

use std::{fmt, path::Path, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Longest accepted text, in bytes: that of a path on Linux, and four times that of an object name.
const MAX_LENGTH: usize = 4096;

const EXPECTED: &str = "expected an absolute path such as /dir/a.tif, file:///dir/a.tif, gs://bucket/a.tif or s3://bucket/a.tif";

/// The kind of store that a [`Uri`] points into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// Local file system: `/dir/a.tif` and `file:///dir/a.tif`.
    File,
    /// Google Cloud Storage: `gs://bucket/object`.
    Gs,
    /// Amazon S3 and compatible stores: `s3://bucket/key`.
    S3,
    /// Whatever else an adopted catalogue holds: kept as a text, never opened.
    Other,
}

/// What lies behind a scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreKind {
    /// The local file system.
    Local,
    /// Buckets of objects.
    Objects,
    /// Nothing that is ever opened.
    Unknown,
}

/// The schemes of files that can be read and written, each with its name. Another object store is another row, and its
/// variant: everything else asks for the kind.
const SERVED: [(Scheme, &str, StoreKind); 3] = [
    (Scheme::File, "file", StoreKind::Local),
    (Scheme::Gs, "gs", StoreKind::Objects),
    (Scheme::S3, "s3", StoreKind::Objects),
];

impl Scheme {
    /// Lower-case name: `file`, `gs`, `s3` or `other`.
    pub fn as_str(self) -> &'static str {
        self.served().map_or("other", |(name, _)| name)
    }

    /// What lies behind it.
    pub fn kind(self) -> StoreKind {
        self.served().map_or(StoreKind::Unknown, |(_, kind)| kind)
    }

    fn served(self) -> Option<(&'static str, StoreKind)> {
        let mut rows = SERVED.into_iter();
        let (_, name, kind) = rows.find(|(scheme, _, _)| *scheme == self)?;
        Some((name, kind))
    }

    fn parse(text: &str) -> Option<Self> {
        let mut rows = SERVED.into_iter();
        let (scheme, _, _) = rows.find(|(_, name, _)| text.eq_ignore_ascii_case(name))?;
        Some(scheme)
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The address of a file, checked, with its text kept as it was given.
///
/// Two URIs are equal when their texts are, because files are looked up in the catalogue by their text.
///
/// Invariants, but for [`Scheme::Other`], which only [`Uri::from_stored`] makes:
/// - the scheme is `file`, `gs` or `s3`, written in any case;
/// - a local path is absolute, without host, and not one of GDAL's virtual file systems (`/vsi…`);
/// - an object has a bucket made of letters, digits, `-`, `_` and `.`;
/// - no segment is `..`, percent-encoded dots included;
/// - no control character, and at most 4096 bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Uri {
    text: String,
    scheme: Scheme,
    /// Where bucket and path begin: behind `scheme://`, or 0 for a plain path.
    authority: usize,
}

impl Uri {
    /// Checks a text and takes it as it is.
    ///
    /// Fails with a text that names the given value and the accepted forms.
    pub fn parse(text: impl Into<String>) -> Result<Self> {
        let text = text.into();
        if text.len() > MAX_LENGTH {
            return Err(Error::invalid(format!(
                "uri: {} bytes are too many, expected at most {MAX_LENGTH}",
                text.len()
            )));
        }
        let (scheme, authority) = read(&text).map_err(|expected| refused(&text, expected))?;
        Ok(Self {
            text,
            scheme,
            authority,
        })
    }

    /// Takes a text of the catalogue as it is: one that is not accepted today has [`Scheme::Other`].
    pub fn from_stored(text: String) -> Self {
        let (scheme, authority) = read(&text).unwrap_or((Scheme::Other, 0));
        Self {
            text,
            scheme,
            authority,
        }
    }

    /// Refuses [`Scheme::Other`].
    ///
    /// # Errors
    /// [`Error::Precondition`] that says what was expected.
    pub fn check_served(&self) -> Result<()> {
        if self.scheme != Scheme::Other {
            return Ok(());
        }
        let reason = read(&self.text).err().unwrap_or(EXPECTED);
        let reason = refused(&self.text, reason);
        Err(Error::Precondition(format!(
            "a container of the catalogue is not served: {reason}"
        )))
    }

    /// Whether it is an object of a store.
    pub fn is_remote(&self) -> bool {
        self.scheme.kind() == StoreKind::Objects
    }

    /// The text as it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The kind of store.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Bucket of an object; folder of a `file://` URI; empty for a plain path.
    pub fn bucket(&self) -> &str {
        self.parts().0
    }

    /// Name of an object in its bucket; last segment of a `file://` URI; the whole of a plain path.
    ///
    /// Use [`Uri::local_path`] to reach a file.
    pub fn path(&self) -> &str {
        self.parts().1
    }

    /// Text behind the last `/` of the path, empty for a folder or a bare bucket.
    pub fn file_name(&self) -> &str {
        let path = self.path();
        path.rsplit_once('/').map_or(path, |(_, name)| name)
    }

    /// The path in the local file system, if that is where the file is.
    pub fn local_path(&self) -> Option<&Path> {
        let is_local = self.scheme.kind() == StoreKind::Local;
        is_local.then(|| Path::new(self.rest()))
    }

    /// Adds segments behind this URI, each separated by exactly one `/`.
    ///
    /// A segment may hold several names (`a/b`); an empty one is refused.
    pub fn join<S: AsRef<str>>(&self, segments: impl IntoIterator<Item = S>) -> Result<Self> {
        let mut text = self.text.clone();
        for segment in segments {
            let segment = segment.as_ref().trim_matches('/');
            if segment.is_empty() {
                return Err(Error::invalid(format!(
                    "uri: cannot add an empty name behind {:?}, expected a name",
                    self.text
                )));
            }
            if !text.ends_with('/') {
                text.push('/');
            }
            text.push_str(segment);
        }
        Self::parse(text)
    }

    /// The same URI with something added to its last name, as for `a.tif.part`.
    pub fn with_suffix(&self, suffix: &str) -> Result<Self> {
        Self::parse(format!("{}{suffix}", self.text))
    }

    /// Whether this is `root` or lies below it, judged by the texts of their segments.
    ///
    /// Links of the file system are not followed; the local storage does that when it opens a file.
    pub fn is_below(&self, root: &Self) -> bool {
        if self.scheme != root.scheme || self.scheme == Scheme::Other {
            return false;
        }
        let mut own = segments(self.rest());
        segments(root.rest()).all(|expected| own.next() == Some(expected))
    }

    /// The one spelling of the places that have several: the path of a local file without scheme,
    /// empty and `.` segments; an object with its scheme in lower case and all of its name, in which
    /// every character counts.
    ///
    /// Links of the file system are not followed.
    #[must_use]
    pub fn canonical(&self) -> Self {
        let rest = self.rest();
        let (text, authority) = match self.scheme.kind() {
            StoreKind::Local => {
                let names: Vec<&str> = segments(rest).filter(|name| *name != ".").collect();
                (format!("/{}", names.join("/")), 0)
            }
            StoreKind::Objects => {
                let text = format!("{}://{rest}", self.scheme);
                (text, self.authority)
            }
            StoreKind::Unknown => (self.text.clone(), 0),
        };
        Self {
            text,
            scheme: self.scheme,
            authority,
        }
    }

    fn rest(&self) -> &str {
        &self.text[self.authority..]
    }

    fn parts(&self) -> (&str, &str) {
        let rest = self.rest();
        match self.scheme.kind() {
            StoreKind::Local if self.authority == 0 => ("", rest),
            StoreKind::Unknown => ("", rest),
            StoreKind::Local => match rest.rsplit_once('/') {
                Some(("", name)) => ("/", name),
                Some(parts) => parts,
                None => ("", rest),
            },
            StoreKind::Objects => rest.split_once('/').unwrap_or((rest, "")),
        }
    }
}

/// Scheme of a text that keeps the rules, and where bucket and path begin.
fn read(text: &str) -> Result<(Scheme, usize), &'static str> {
    let (scheme, authority) = split(text)?;
    check(scheme, &text[authority..])?;
    Ok((scheme, authority))
}

/// Scheme of a text, and where bucket and path begin.
fn split(text: &str) -> Result<(Scheme, usize), &'static str> {
    if text.starts_with('/') {
        return Ok((Scheme::File, 0));
    }
    let (scheme, _) = text.split_once("://").ok_or(EXPECTED)?;
    let parsed = Scheme::parse(scheme)
        .ok_or("expected one of the schemes file, gs and s3, or an absolute path")?;
    Ok((parsed, scheme.len() + "://".len()))
}

fn check(scheme: Scheme, rest: &str) -> Result<(), &'static str> {
    if rest.chars().any(char::is_control) {
        return Err("expected a text without control characters");
    }
    if rest.split('/').any(is_parent) {
        return Err("expected a path without `..`");
    }
    match scheme.kind() {
        StoreKind::Local => check_local(rest),
        StoreKind::Objects => check_bucket(rest.split('/').next().unwrap_or_default()),
        StoreKind::Unknown => Err(EXPECTED),
    }
}

fn check_local(path: &str) -> Result<(), &'static str> {
    if !path.starts_with('/') {
        return Err("expected file:///dir/a.tif: an absolute path, without host");
    }
    if path.starts_with("//") {
        return Err("expected a path that begins with a single `/`");
    }
    let first = segments(path)
        .find(|segment| *segment != ".")
        .unwrap_or_default();
    if first
        .get(..3)
        .is_some_and(|prefix| prefix.eq_ignore_ascii_case("vsi"))
    {
        return Err("expected a file, not one of GDAL's virtual file systems (/vsi…)");
    }
    Ok(())
}

fn check_bucket(bucket: &str) -> Result<(), &'static str> {
    let valid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if bucket.is_empty() || bucket == "." || !bucket.chars().all(valid) {
        return Err("expected a bucket made of letters, digits, `-`, `_` and `.`");
    }
    Ok(())
}

/// Whether a segment means the parent folder, with either dot written as `.`, `%2e` or `%2E`.
fn is_parent(segment: &str) -> bool {
    let mut rest = segment;
    for _ in 0..2 {
        let Some(behind) = strip_dot(rest) else {
            return false;
        };
        rest = behind;
    }
    rest.is_empty()
}

fn strip_dot(text: &str) -> Option<&str> {
    [".", "%2e", "%2E"]
        .into_iter()
        .find_map(|dot| text.strip_prefix(dot))
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|segment| !segment.is_empty())
}

fn refused(text: &str, expected: &str) -> Error {
    let shown: String = text.chars().take(200).collect();
    Error::invalid(format!("uri: {shown:?} is not accepted, {expected}"))
}

impl FromStr for Uri {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Uri {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        Self::parse(text)
    }
}

impl From<Uri> for String {
    fn from(uri: Uri) -> Self {
        uri.text
    }
}

impl AsRef<str> for Uri {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

#[cfg(test)]
mod tests;
