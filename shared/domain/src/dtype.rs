//! Sample types.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Type of one sample. The numbers are those of the wire contract.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
#[repr(u8)]
pub enum DType {
    /// Not known.
    #[default]
    Undefined = 0,
    /// Unsigned 8 bits.
    UInt8 = 1,
    /// Unsigned 16 bits.
    UInt16 = 2,
    /// Unsigned 32 bits.
    UInt32 = 3,
    /// Signed 8 bits.
    Int8 = 4,
    /// Signed 16 bits.
    Int16 = 5,
    /// Signed 32 bits.
    Int32 = 6,
    /// IEEE single.
    Float32 = 7,
    /// IEEE double.
    Float64 = 8,
    /// Two IEEE singles.
    Complex64 = 9,
}

impl DType {
    /// Every type, in the order of the wire numbers.
    pub const ALL: [Self; 10] = [
        Self::Undefined,
        Self::UInt8,
        Self::UInt16,
        Self::UInt32,
        Self::Int8,
        Self::Int16,
        Self::Int32,
        Self::Float32,
        Self::Float64,
        Self::Complex64,
    ];

    /// Type of a wire number, `None` outside the enumeration.
    pub fn from_number(number: i32) -> Option<Self> {
        usize::try_from(number)
            .ok()
            .and_then(|index| Self::ALL.get(index).copied())
    }

    /// Wire number.
    pub fn number(self) -> i32 {
        self as i32
    }

    /// Bytes of one sample; 0 when undefined.
    pub fn size(self) -> usize {
        match self {
            Self::Undefined => 0,
            Self::UInt8 | Self::Int8 => 1,
            Self::UInt16 | Self::Int16 => 2,
            Self::UInt32 | Self::Int32 | Self::Float32 => 4,
            Self::Float64 | Self::Complex64 => 8,
        }
    }

    /// Smallest and largest value that a format of this type may name.
    pub fn bounds(self) -> (f64, f64) {
        match self {
            Self::UInt8 => (0.0, f64::from(u8::MAX)),
            Self::UInt16 => (0.0, f64::from(u16::MAX)),
            Self::UInt32 => (0.0, f64::from(u32::MAX)),
            Self::Int8 => (f64::from(i8::MIN), f64::from(i8::MAX)),
            Self::Int16 => (f64::from(i16::MIN), f64::from(i16::MAX)),
            Self::Int32 => (f64::from(i32::MIN), f64::from(i32::MAX)),
            Self::Float32 => (f64::from(f32::MIN), f64::from(f32::MAX)),
            Self::Undefined | Self::Float64 | Self::Complex64 => (f64::MIN, f64::MAX),
        }
    }

    /// Whether the samples are integers.
    pub fn is_integer(self) -> bool {
        !matches!(
            self,
            Self::Undefined | Self::Float32 | Self::Float64 | Self::Complex64
        )
    }

    /// Whether the samples are real or complex floating-point numbers.
    pub fn is_float(self) -> bool {
        matches!(self, Self::Float32 | Self::Float64 | Self::Complex64)
    }

    /// Whether values of this type can become values of `other`: all but between complex and real.
    pub fn casts_to(self, other: Self) -> bool {
        (self == Self::Complex64) == (other == Self::Complex64)
    }

    /// Upper-case name, as stored and as written in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Undefined => "UNDEFINED",
            Self::UInt8 => "UINT8",
            Self::UInt16 => "UINT16",
            Self::UInt32 => "UINT32",
            Self::Int8 => "INT8",
            Self::Int16 => "INT16",
            Self::Int32 => "INT32",
            Self::Float32 => "FLOAT32",
            Self::Float64 => "FLOAT64",
            Self::Complex64 => "COMPLEX64",
        }
    }

    /// Reads an upper-case name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dtype| dtype.name() == name)
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl<'de> Deserialize<'de> for DType {
    /// Accepts the upper-case name or the wire number.
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::names::name_or_number(
            deserializer,
            "a sample type",
            Self::from_name,
            Self::from_number,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::DType;

    #[test]
    fn numbers_and_names_read_back() {
        for dtype in DType::ALL {
            assert_eq!(DType::from_number(dtype.number()), Some(dtype));
            assert_eq!(DType::from_name(dtype.name()), Some(dtype));
            assert_eq!(
                serde_json::to_string(&dtype).unwrap(),
                format!("\"{dtype}\"")
            );
            assert_eq!(
                serde_json::from_str::<DType>(&dtype.number().to_string()).unwrap(),
                dtype
            );
        }
        assert_eq!(DType::from_number(10), None);
        assert_eq!(DType::from_number(-1), None);
        assert!(serde_json::from_str::<DType>("99").is_err());
    }

    #[test]
    fn complex_only_casts_to_complex() {
        assert!(DType::Complex64.casts_to(DType::Complex64));
        assert!(!DType::Complex64.casts_to(DType::Float64));
        assert!(!DType::Undefined.casts_to(DType::Complex64));
        assert!(DType::UInt8.casts_to(DType::Float32));
    }
}
