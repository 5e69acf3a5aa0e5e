use super::Reader;
use crate::{Error, ReadAt};

/// One row of a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// What it says.
    pub tag: u16,
    /// Type of its values.
    pub field: FieldType,
    /// Number of values.
    pub count: u64,
    pub(crate) place: Place,
}

/// Where the values of an entry are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the directory itself, in the byte order of the file.
    Inline([u8; 8]),
    /// Elsewhere in the file.
    At(u64),
}

/// Type of the values of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the TIFF specification")]
pub enum FieldType {
    Byte,
    Ascii,
    Short,
    Long,
    Rational,
    SByte,
    Undefined,
    SShort,
    SLong,
    SRational,
    Float,
    Double,
    Ifd,
    Long8,
    SLong8,
    Ifd8,
}

impl FieldType {
    fn parse(code: u64) -> Option<Self> {
        Some(match code {
            1 => Self::Byte,
            2 => Self::Ascii,
            3 => Self::Short,
            4 => Self::Long,
            5 => Self::Rational,
            6 => Self::SByte,
            7 => Self::Undefined,
            8 => Self::SShort,
            9 => Self::SLong,
            10 => Self::SRational,
            11 => Self::Float,
            12 => Self::Double,
            13 => Self::Ifd,
            16 => Self::Long8,
            17 => Self::SLong8,
            18 => Self::Ifd8,
            _ => return None,
        })
    }

    /// Bytes of one value.
    pub fn size(self) -> u64 {
        match self {
            Self::Byte | Self::Ascii | Self::SByte | Self::Undefined => 1,
            Self::Short | Self::SShort => 2,
            Self::Long | Self::SLong | Self::Float | Self::Ifd => 4,
            Self::Rational
            | Self::SRational
            | Self::Double
            | Self::Long8
            | Self::SLong8
            | Self::Ifd8 => 8,
        }
    }
}

impl Entry {
    /// Where its values lie in the file; nothing when they are in the directory itself.
    pub fn out_of_line(&self) -> Option<std::ops::Range<u64>> {
        match self.place {
            Place::Inline(_) => None,
            Place::At(offset) => Some(offset..offset.saturating_add(self.byte_len())),
        }
    }

    pub(crate) fn byte_len(&self) -> u64 {
        self.count.saturating_mul(self.field.size())
    }

    /// An unknown field type hides the entry, as readers are told to do.
    pub(super) fn parse<R: ReadAt + ?Sized>(
        reader: &Reader<'_, R>,
        row: &[u8],
    ) -> Result<Option<Self>, Error> {
        let (head, rest) = row.split_at(4);
        let tag = reader.number(&head[..2]) as u16;
        let Some(field) = FieldType::parse(reader.number(&head[2..])) else {
            return Ok(None);
        };
        let (count, value) = rest.split_at(rest.len() / 2);
        let count = reader.number(count);
        let len = count
            .checked_mul(field.size())
            .ok_or_else(|| Error::corrupt(format!("tag {tag} has {count} values")))?;
        let place = if len <= value.len() as u64 {
            let mut inline = [0; 8];
            inline[..value.len()].copy_from_slice(value);
            Place::Inline(inline)
        } else {
            let offset = reader.number(value);
            if offset.checked_add(len).is_none_or(|end| end > reader.len()) {
                return Err(Error::corrupt(format!(
                    "values of tag {tag} lie outside of the file"
                )));
            }
            Place::At(offset)
        };
        Ok(Some(Self {
            tag,
            field,
            count,
            place,
        }))
    }
}
