use super::Reader;
use crate::{Error, ReadAt};

const PREFIX: &[u8] = b"GDAL_STRUCTURAL_METADATA_SIZE=";
/// `GDAL_STRUCTURAL_METADATA_SIZE=NNNNNN bytes` and a line feed.
pub(crate) const FIRST_LINE: u64 = 43;
/// Longest structural metadata looked at; real ones have less than 300 bytes.
const MAX_GHOST: u64 = 4096;

/// Structural metadata between the header and the first directory of a cloud-optimised file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GhostArea {
    /// `KEY=VALUE` lines after the first one.
    pub text: String,
}

impl GhostArea {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.text.lines().find_map(|line| {
            let (name, value) = line.split_once('=')?;
            (name.trim() == key).then(|| value.trim())
        })
    }

    /// True when directories come first and the file was not edited since.
    pub fn is_cog(&self) -> bool {
        self.get("LAYOUT") == Some("IFDS_BEFORE_DATA")
            && self.get("KNOWN_INCOMPATIBLE_EDITION") == Some("NO")
    }
}

pub(super) fn read<R: ReadAt + ?Sized>(reader: &Reader<'_, R>) -> Result<Option<GhostArea>, Error> {
    let start = if reader.big() { 16 } else { 8 };
    if start + FIRST_LINE > reader.len() {
        return Ok(None);
    }
    let line = reader.bytes(start, FIRST_LINE)?;
    let Some(size) = line
        .strip_prefix(PREFIX)
        .and_then(|rest| rest.strip_suffix(b" bytes\n"))
    else {
        return Ok(None);
    };
    let Some(size) = str::from_utf8(size)
        .ok()
        .and_then(|text| text.parse::<u64>().ok())
    else {
        return Ok(None);
    };
    if size > MAX_GHOST || start + FIRST_LINE + size > reader.len() {
        return Ok(None);
    }
    let text = reader.bytes(start + FIRST_LINE, size)?;
    Ok(Some(GhostArea {
        text: String::from_utf8_lossy(&text).into_owned(),
    }))
}
