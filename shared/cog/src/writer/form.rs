use crate::Error;

/// Classic or big: the widths of everything that depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Classic,
    Big,
}

impl Form {
    /// Length of the header.
    pub fn header(self) -> u64 {
        match self {
            Self::Classic => 8,
            Self::Big => 16,
        }
    }

    /// Bytes of an offset, which are also those of an inline value.
    pub fn word(self) -> u64 {
        match self {
            Self::Classic => 4,
            Self::Big => 8,
        }
    }

    /// Bytes of the number of entries of a directory.
    pub fn count(self) -> u64 {
        match self {
            Self::Classic => 2,
            Self::Big => 8,
        }
    }

    /// Bytes of an entry.
    pub fn entry(self) -> u64 {
        match self {
            Self::Classic => 12,
            Self::Big => 20,
        }
    }

    /// The next offset where a directory or value may start.
    pub fn align(self, offset: u64) -> u64 {
        match self {
            Self::Classic => offset.next_multiple_of(2),
            Self::Big => offset.next_multiple_of(8),
        }
    }

    /// A number of the width of an offset.
    pub fn put(self, out: &mut Vec<u8>, value: u64) {
        match self {
            Self::Classic => out.extend((value as u32).to_le_bytes()),
            Self::Big => out.extend(value.to_le_bytes()),
        }
    }

    /// Refuses a file length whose last offsets would not fit.
    pub fn check_end(self, end: u64) -> Result<(), Error> {
        match self {
            Self::Classic if end > u64::from(u32::MAX) => Err(Error::Overflow),
            Self::Classic | Self::Big => Ok(()),
        }
    }

    /// The bytes before the first directory or ghost area.
    pub fn start(self, first_directory: u64) -> Vec<u8> {
        let mut header = match self {
            Self::Classic => b"II\x2a\0".to_vec(),
            Self::Big => b"II\x2b\0\x08\0\0\0".to_vec(),
        };
        self.put(&mut header, first_directory);
        header
    }
}
