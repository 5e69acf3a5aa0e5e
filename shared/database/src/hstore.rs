//! Pairs of texts as the extension stores them, without an absent value: it reads as the empty text.

use sqlx::{
    Decode, Encode, Postgres, Type,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgHasArrayType, PgTypeInfo, PgValueRef},
};
use std::collections::BTreeMap;

/// Pairs of a row.
#[derive(Debug, Default)]
pub(crate) struct Hstore(pub BTreeMap<String, String>);

/// Pairs as a parameter.
#[derive(Debug)]
pub(crate) struct HstoreRef<'a>(pub &'a BTreeMap<String, String>);

impl Type<Postgres> for Hstore {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_name("hstore")
    }
}

impl Type<Postgres> for HstoreRef<'_> {
    fn type_info() -> PgTypeInfo {
        Hstore::type_info()
    }
}

impl PgHasArrayType for HstoreRef<'_> {
    fn array_type_info() -> PgTypeInfo {
        PgTypeInfo::array_of("hstore")
    }
}

impl<'r> Decode<'r, Postgres> for Hstore {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        let mut rest = value.as_bytes()?;
        let count = length(&mut rest)?.ok_or("hstore: expected a number of pairs")?;
        let mut pairs = BTreeMap::new();
        for _ in 0..count {
            let key = text(&mut rest)?.ok_or("hstore: expected a key")?;
            let value = text(&mut rest)?.unwrap_or_default();
            pairs.insert(key.to_owned(), value.to_owned());
        }
        Ok(Self(pairs))
    }
}

impl Encode<'_, Postgres> for HstoreRef<'_> {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buffer.extend(i32::try_from(self.0.len())?.to_be_bytes());
        for text in self.0.iter().flat_map(|(key, value)| [key, value]) {
            buffer.extend(i32::try_from(text.len())?.to_be_bytes());
            buffer.extend_from_slice(text.as_bytes());
        }
        Ok(IsNull::No)
    }
}

/// A length; -1 stands for an absent text.
fn length(rest: &mut &[u8]) -> Result<Option<usize>, BoxDynError> {
    let (bytes, after) = rest
        .split_first_chunk()
        .ok_or("hstore: bytes are missing")?;
    *rest = after;
    Ok(usize::try_from(i32::from_be_bytes(*bytes)).ok())
}

fn text<'a>(rest: &mut &'a [u8]) -> Result<Option<&'a str>, BoxDynError> {
    let Some(length) = length(rest)? else {
        return Ok(None);
    };
    let (text, after) = rest
        .split_at_checked(length)
        .ok_or("hstore: bytes are missing")?;
    *rest = after;
    Ok(Some(std::str::from_utf8(text)?))
}
