//! How stored samples encode values.

use crate::{DType, Error, Result};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Sample type, hole marker and reference interval of one image.
///
/// Invariants: `min < max`, both inside the bounds of `dtype`; `no_data` is NaN (none) or inside
/// those bounds.
#[derive(Clone, Copy, Debug)]
pub struct DataFormat {
    /// Type of one sample.
    pub dtype: DType,
    /// Sample that means "nothing here"; NaN when there is none, or when NaN itself marks holes.
    pub no_data: f64,
    /// Lower reference of the value mapping.
    pub min: f64,
    /// Upper reference of the value mapping.
    pub max: f64,
}

impl DataFormat {
    /// Builds a checked format.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the interval is empty or leaves the bounds of the type, or when
    /// `no_data` leaves them.
    pub fn try_new(dtype: DType, no_data: f64, min: f64, max: f64) -> Result<Self> {
        let format = Self {
            dtype,
            no_data,
            min,
            max,
        };
        let (lowest, highest) = dtype.bounds();
        if !(min >= lowest && max <= highest) {
            return Err(Error::invalid(format!(
                "{format}: min and max values must be in [{lowest}, {highest}] for data type {dtype}"
            )));
        }
        if min >= max {
            return Err(Error::invalid(format!(
                "{format}: min value must be lower than max value"
            )));
        }
        if !(no_data.is_nan() || (lowest..=highest).contains(&no_data)) {
            return Err(Error::invalid(format!(
                "{format}: no-data value must be NaN or in [{lowest}, {highest}] for data type {dtype}"
            )));
        }
        Ok(format)
    }

    /// Whether some sample means "nothing here": floating types always have one, NaN by default.
    pub fn no_data_defined(&self) -> bool {
        !self.no_data.is_nan() || self.dtype.is_float()
    }
}

impl PartialEq for DataFormat {
    /// Two NaN hole markers are equal.
    fn eq(&self, other: &Self) -> bool {
        self.dtype == other.dtype
            && self.min == other.min
            && self.max == other.max
            && (self.no_data == other.no_data || self.no_data.is_nan() && other.no_data.is_nan())
    }
}

impl fmt::Display for DataFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "({} [{} -> {}], nodata:{})",
            self.dtype, self.min, self.max, self.no_data
        )
    }
}

/// Interval of values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ValueRange {
    /// Lower bound.
    pub min: f64,
    /// Upper bound.
    pub max: f64,
}

/// A format and the values that its samples stand for:
///
/// `value = range.min + (range.max - range.min) * ((sample - min) / (max - min))^exponent`
///
/// Invariants: `range` is finite and not empty, `exponent` is finite and positive.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "MappingFields", try_from = "MappingFields")]
pub struct DataMapping {
    /// Encoding of the samples.
    pub format: DataFormat,
    /// Values of `format.min` and `format.max`.
    pub range: ValueRange,
    /// Power of the mapping, 1 when linear.
    pub exponent: f64,
}

impl DataMapping {
    /// Builds a checked mapping.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the range is empty or not finite, or the exponent is not a positive
    /// finite number.
    pub fn try_new(format: DataFormat, range: ValueRange, exponent: f64) -> Result<Self> {
        let finite = range.min.is_finite() && range.max.is_finite();
        if !(finite && range.min < range.max) {
            return Err(Error::invalid(format!(
                "mapped values [{}, {}]: expected two finite numbers, the first one lower",
                range.min, range.max
            )));
        }
        if !(exponent.is_finite() && exponent > 0.0) {
            return Err(Error::invalid(format!(
                "exponent {exponent}: expected a finite number above 0"
            )));
        }
        Ok(Self {
            format,
            range,
            exponent,
        })
    }

    /// The mapping whose samples are the values themselves.
    pub fn identity(format: DataFormat) -> Self {
        Self {
            format,
            range: ValueRange {
                min: format.min,
                max: format.max,
            },
            exponent: 1.0,
        }
    }

    /// Value that `sample` stands for. A sample below `min` has no value when the exponent is not
    /// 1; the normalised sample is then clamped to [0, 1].
    pub fn value_of(&self, sample: f64) -> f64 {
        let unit = (sample - self.format.min) / (self.format.max - self.format.min);
        let unit = if self.exponent == 1.0 {
            unit
        } else {
            unit.clamp(0.0, 1.0).powf(self.exponent)
        };
        self.range.min + (self.range.max - self.range.min) * unit
    }
}

/// Flat form of a mapping, as queues and tasks carry it.
#[derive(Serialize, Deserialize)]
struct MappingFields {
    dtype: DType,
    #[serde(with = "crate::job::number")]
    no_data: f64,
    #[serde(with = "crate::job::number")]
    min: f64,
    #[serde(with = "crate::job::number")]
    max: f64,
    #[serde(with = "crate::job::number")]
    range_min: f64,
    #[serde(with = "crate::job::number")]
    range_max: f64,
    #[serde(with = "crate::job::number")]
    exponent: f64,
}

impl From<DataMapping> for MappingFields {
    fn from(mapping: DataMapping) -> Self {
        let DataMapping {
            format,
            range,
            exponent,
        } = mapping;
        let DataFormat {
            dtype,
            no_data,
            min,
            max,
        } = format;
        Self {
            dtype,
            no_data,
            min,
            max,
            range_min: range.min,
            range_max: range.max,
            exponent,
        }
    }
}

impl TryFrom<MappingFields> for DataMapping {
    type Error = Error;

    fn try_from(fields: MappingFields) -> Result<Self> {
        let format = DataFormat::try_new(fields.dtype, fields.no_data, fields.min, fields.max)?;
        let range = ValueRange {
            min: fields.range_min,
            max: fields.range_max,
        };
        Self::try_new(format, range, fields.exponent)
    }
}

#[cfg(test)]
mod tests {
    use super::{DataFormat, DataMapping, ValueRange};
    use crate::DType;

    const NAN: f64 = f64::NAN;

    #[test]
    fn formats_outside_their_type_are_refused() {
        use DType::{Float32, Float64, Int8, UInt8};
        for (dtype, no_data, min, max, fits) in [
            (Float32, NAN, 0.0, 1.0, true),
            (Float32, NAN, 1.0, 1.0, false),
            (UInt8, NAN, 0.0, 256.0, false),
            (UInt8, -1.0, 0.0, 255.0, false),
            (UInt8, NAN, 0.0, 255.0, true),
            (UInt8, 1.5, 0.0, 255.0, true),
            (Int8, -128.0, -100.0, 127.0, true),
            (Float64, NAN, NAN, 1.0, false),
            (Float64, NAN, 0.0, f64::INFINITY, false),
            (Float64, f64::INFINITY, 0.0, 1.0, false),
        ] {
            let format = DataFormat::try_new(dtype, no_data, min, max);
            assert_eq!(format.is_ok(), fits, "{dtype} {no_data} {min} {max}");
        }
    }

    #[test]
    fn mappings_need_finite_ranges_and_positive_exponents() {
        let format = DataFormat::try_new(DType::UInt8, NAN, 0.0, 255.0).unwrap();
        for (min, max, exponent, fits) in [
            (0.0, 1.0, 1.0, true),
            (0.0, 1.0, 0.5, true),
            (1.0, 0.0, 1.0, false),
            (NAN, 1.0, 1.0, false),
            (0.0, f64::INFINITY, 1.0, false),
            (0.0, 1.0, 0.0, false),
            (0.0, 1.0, -1.0, false),
            (0.0, 1.0, NAN, false),
        ] {
            let mapping = DataMapping::try_new(format, ValueRange { min, max }, exponent);
            assert_eq!(mapping.is_ok(), fits, "{min} {max} {exponent}");
        }
    }

    #[test]
    fn a_mapping_survives_json_with_its_nan() {
        let format = DataFormat::try_new(DType::Float32, NAN, -1.0, 1.0).unwrap();
        let mapping = DataMapping::identity(format);
        let text = serde_json::to_string(&mapping).unwrap();
        assert!(text.contains(r#""no_data":"NaN""#), "{text}");
        assert_eq!(serde_json::from_str::<DataMapping>(&text).unwrap(), mapping);
    }

    #[test]
    fn values_follow_the_formula() {
        let format = DataFormat::try_new(DType::Int16, -10001.0, -10000.0, 10000.0).unwrap();
        let linear = DataMapping::try_new(
            format,
            ValueRange {
                min: -1.0,
                max: 1.0,
            },
            1.0,
        )
        .unwrap();
        assert!((linear.value_of(6399.0) - 0.6399).abs() < 1e-12);
        let square = DataMapping {
            exponent: 2.0,
            ..linear
        };
        assert_eq!(square.value_of(0.0), -0.5);
        assert_eq!(square.value_of(-12000.0), -1.0);
    }
}
