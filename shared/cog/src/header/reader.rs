use std::cell::Cell;

use super::{ByteOrder, Entry, FieldType, entry::Place};
use crate::{Error, ReadAt, source::read_exact};

/// Most bytes of directories and values kept from one file. A thousand records of a thousand tiles take 30 MB.
const MAX_HEADER_BYTES: u64 = 512 << 20;

/// Reads numbers and values of one file, within a budget that stops files whose parts overlap from
/// taking many times their size.
pub(crate) struct Reader<'a, R: ?Sized> {
    source: &'a R,
    len: u64,
    order: ByteOrder,
    big: bool,
    budget: Cell<u64>,
}

impl<'a, R: ReadAt + ?Sized> Reader<'a, R> {
    /// Recognises the first bytes.
    pub(crate) fn open(source: &'a R) -> Result<Self, Error> {
        let len = source.len();
        if len < 8 {
            return Err(Error::NotTiff);
        }
        let mut start = [0; 8];
        read_exact(source, 0, &mut start)?;
        let (order, big) = match start[..4] {
            [b'I', b'I', 42, 0] => (ByteOrder::Little, false),
            [b'M', b'M', 0, 42] => (ByteOrder::Big, false),
            [b'I', b'I', 43, 0] if start[4..] == [8, 0, 0, 0] => (ByteOrder::Little, true),
            [b'M', b'M', 0, 43] if start[4..] == [0, 8, 0, 0] => (ByteOrder::Big, true),
            _ => return Err(Error::NotTiff),
        };
        let budget = Cell::new(
            len.saturating_mul(4)
                .saturating_add(1 << 16)
                .min(MAX_HEADER_BYTES),
        );
        Ok(Self {
            source,
            len,
            order,
            big,
            budget,
        })
    }

    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    pub(crate) fn byte_order(&self) -> ByteOrder {
        self.order
    }

    pub(crate) fn big(&self) -> bool {
        self.big
    }

    pub(super) fn first_ifd(&self) -> Result<u64, Error> {
        let bytes = if self.big {
            self.bytes(8, 8)?
        } else {
            self.bytes(4, 4)?
        };
        Ok(self.number(&bytes))
    }

    /// Unsigned number of 1 to 8 bytes.
    pub(super) fn number(&self, bytes: &[u8]) -> u64 {
        let join = |value: u64, byte: &u8| (value << 8) | u64::from(*byte);
        match self.order {
            ByteOrder::Little => bytes.iter().rev().fold(0, join),
            ByteOrder::Big => bytes.iter().fold(0, join),
        }
    }

    /// Bytes of the file, checked against its length and the budget before anything is allocated.
    pub(super) fn bytes(&self, offset: u64, len: u64) -> Result<Vec<u8>, Error> {
        if offset.checked_add(len).is_none_or(|end| end > self.len) {
            return Err(Error::corrupt(format!(
                "{len} bytes at {offset} lie outside of the file"
            )));
        }
        self.charge(len)?;
        let mut found = vec![0; len as usize];
        read_exact(self.source, offset, &mut found)?;
        Ok(found)
    }

    /// Takes bytes about to be allocated off the budget.
    pub(crate) fn charge(&self, bytes: u64) -> Result<(), Error> {
        let left = self.budget.get().checked_sub(bytes);
        let too_large = Error::TooLarge {
            what: "bytes",
            limit: MAX_HEADER_BYTES,
        };
        self.budget.set(left.ok_or(too_large)?);
        Ok(())
    }

    fn value(&self, entry: &Entry) -> Result<Vec<u8>, Error> {
        match entry.place {
            Place::Inline(bytes) => Ok(bytes[..entry.byte_len() as usize].to_vec()),
            Place::At(offset) => self.bytes(offset, entry.byte_len()),
        }
    }

    /// Values of an unsigned integer type.
    pub(crate) fn u64s(&self, entry: &Entry) -> Result<Vec<u64>, Error> {
        match entry.field {
            FieldType::Byte
            | FieldType::Short
            | FieldType::Long
            | FieldType::Long8
            | FieldType::Ifd
            | FieldType::Ifd8 => {}
            other => {
                let tag = entry.tag;
                return Err(Error::corrupt(format!(
                    "tag {tag} has type {other:?}, expected integers"
                )));
            }
        }
        let bytes = self.value(entry)?;
        let size = entry.field.size() as usize;
        Ok(bytes
            .chunks_exact(size)
            .map(|one| self.number(one))
            .collect())
    }

    /// Values that fit in 32 bits.
    pub(crate) fn u32s(&self, entry: &Entry) -> Result<Vec<u32>, Error> {
        narrow(entry, self.u64s(entry)?)
    }

    /// Values that fit in 16 bits.
    pub(crate) fn u16s(&self, entry: &Entry) -> Result<Vec<u16>, Error> {
        narrow(entry, self.u64s(entry)?)
    }

    /// Floating values of 32 or 64 bits.
    pub(crate) fn f64s(&self, entry: &Entry) -> Result<Vec<f64>, Error> {
        let bytes = self.value(entry)?;
        let numbers = bytes
            .chunks_exact(entry.field.size() as usize)
            .map(|one| self.number(one));
        match entry.field {
            FieldType::Double => Ok(numbers.map(f64::from_bits).collect()),
            FieldType::Float => Ok(numbers
                .map(|bits| f64::from(f32::from_bits(bits as u32)))
                .collect()),
            other => {
                let tag = entry.tag;
                Err(Error::corrupt(format!(
                    "tag {tag} has type {other:?}, expected floating numbers"
                )))
            }
        }
    }

    /// Bytes of any type.
    pub(crate) fn raw(&self, entry: &Entry) -> Result<Vec<u8>, Error> {
        self.value(entry)
    }

    /// Text up to its first NUL, which writers may leave out.
    pub(crate) fn text(&self, entry: &Entry) -> Result<String, Error> {
        let bytes = self.value(entry)?;
        let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
        // GDAL writes UTF-8 here; other writers may use any 8-bit code.
        Ok(String::from_utf8_lossy(text).into_owned())
    }
}

fn narrow<T: TryFrom<u64>>(entry: &Entry, values: Vec<u64>) -> Result<Vec<T>, Error> {
    let narrowed = values
        .into_iter()
        .map(T::try_from)
        .collect::<Result<_, _>>();
    narrowed.map_err(|_| Error::corrupt(format!("a value of tag {} is too large", entry.tag)))
}
