//! Encoding of consolidated files.

use crate::container::StorageClass;
use crate::{
    DType, DataFormat, DataMapping, Error, Resampling, Result, ValueRange, creation_options,
};
use std::collections::BTreeMap;

/// Compression family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Compression {
    /// None, unless the creation options name one.
    No = 0,
    /// Exact.
    Lossless = 1,
    /// Approximate.
    Lossy = 2,
    /// Given by the creation options.
    Custom = 3,
}

impl Compression {
    /// Every family, in the order of the wire numbers.
    pub const ALL: [Self; 4] = [Self::No, Self::Lossless, Self::Lossy, Self::Custom];

    /// Family of a wire number.
    pub fn from_number(number: i32) -> Option<Self> {
        usize::try_from(number)
            .ok()
            .and_then(|index| Self::ALL.get(index).copied())
    }

    /// Stored name.
    pub fn name(self) -> &'static str {
        match self {
            Self::No => "NO",
            Self::Lossless => "LOSSLESS",
            Self::Lossy => "LOSSY",
            Self::Custom => "CUSTOM",
        }
    }
}

/// Encoding of the consolidated files of a variable.
#[derive(Clone, Debug, PartialEq)]
pub struct ConsolidationParams {
    /// Format of the produced samples.
    pub format: DataFormat,
    /// Power of the mapping.
    pub exponent: f64,
    /// Kernel of the warp.
    pub resampling: Resampling,
    /// Compression family.
    pub compression: Compression,
    /// Class of the produced objects.
    pub storage_class: StorageClass,
    /// Creation options, those of the family included.
    pub creation_params: BTreeMap<String, String>,
}

impl ConsolidationParams {
    /// Checks parameters of a variable with some bands and completes their creation options.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an option that is not allowed or cannot be written, a compression that
    /// does not fit the sample type, a mapping that breaks its rules, or a sample type that cannot
    /// become that of the variable (`variable`).
    pub fn complete(mut self, variable: &DataFormat, bands: usize) -> Result<Self> {
        self.creation_params.extend(preset(
            self.compression,
            self.format.dtype,
            &self.creation_params,
        )?);
        creation_options::check_each(&self.creation_params)?;
        if !(self.format.dtype.casts_to(variable.dtype)
            && variable.dtype.casts_to(self.format.dtype))
        {
            return Err(Error::invalid(
                "ConsolidationParams: DataFormats are not compatible",
            ));
        }
        if self.format.dtype == DType::Undefined {
            return Err(Error::invalid(
                "ConsolidationParams.dformat.dtype: expected a defined data type",
            ));
        }
        self.mapping(variable)?;
        creation_options::check_together(&self.creation_params, &self.format, bands)?;
        Ok(self)
    }

    /// Mapping of the produced files: their samples cover the values of the variable.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the exponent is not a positive finite number.
    pub fn mapping(&self, variable: &DataFormat) -> Result<DataMapping> {
        let range = ValueRange {
            min: variable.min,
            max: variable.max,
        };
        DataMapping::try_new(self.format, range, self.exponent)
    }
}

/// Creation options that a compression family sets, whatever the user asked for.
fn preset(
    compression: Compression,
    dtype: DType,
    user: &BTreeMap<String, String>,
) -> Result<Vec<(String, String)>> {
    let refuse = |option: &str| {
        Err(Error::invalid(format!(
            "compressionOption {option} not supported for data type {dtype}"
        )))
    };
    let simple = !matches!(dtype, DType::Undefined | DType::Complex64);
    let options: &[(&str, &str)] = match (compression, dtype) {
        (Compression::No, _) => &[],
        (Compression::Lossless, DType::Float64) => {
            &[("COMPRESS", "LERC_ZSTD"), ("MAX_Z_ERROR", "0")]
        }
        (Compression::Lossless, _) if simple => &[
            ("COMPRESS", "ZSTD"),
            ("PREDICTOR", "2"),
            ("ZSTD_LEVEL", "0.01"),
        ],
        (Compression::Lossy, DType::Float64) => {
            &[("COMPRESS", "LERC_ZSTD"), ("MAX_Z_ERROR", "0.01")]
        }
        (Compression::Lossy, _) if simple => &[("COMPRESS", "LERC"), ("MAX_Z_ERROR", "0.01")],
        (Compression::Lossless, _) => return refuse("LOSSLESS"),
        (Compression::Lossy, _) => return refuse("LOSSY"),
        (Compression::Custom, _) => match (user.get("COMPRESS").map(String::as_str), dtype) {
            (None, _) => {
                return Err(Error::invalid(
                    "compression is CUSTOM, but creation_params COMPRESS is not defined",
                ));
            }
            (Some("JPEG"), DType::UInt8 | DType::Int8) => &[],
            (Some(other), _) => return refuse(other),
        },
    };
    let twins = |(key, value): &(&str, &str)| {
        [
            ((*key).to_owned(), (*value).to_owned()),
            (format!("{key}_OVERVIEW"), (*value).to_owned()),
        ]
    };
    Ok(options.iter().flat_map(twins).collect())
}

#[cfg(test)]
mod tests {
    use super::{Compression, ConsolidationParams};
    use crate::{DType, DataFormat, Resampling, StorageClass};
    use std::collections::BTreeMap;

    fn params(
        compression: Compression,
        dtype: DType,
        options: &[(&str, &str)],
    ) -> ConsolidationParams {
        ConsolidationParams {
            format: DataFormat {
                dtype,
                no_data: f64::NAN,
                min: 0.0,
                max: 1.0,
            },
            exponent: 1.0,
            resampling: Resampling::Near,
            compression,
            storage_class: StorageClass::Standard,
            creation_params: options
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect(),
        }
    }

    fn options(
        params: ConsolidationParams,
        variable: DType,
    ) -> crate::Result<BTreeMap<String, String>> {
        let variable = DataFormat {
            dtype: variable,
            no_data: f64::NAN,
            min: 0.0,
            max: 1.0,
        };
        params
            .complete(&variable, 1)
            .map(|params| params.creation_params)
    }

    #[test]
    fn presets_overwrite_what_the_user_gave() {
        use Compression::{Custom, Lossless, Lossy, No};
        let none = options(params(No, DType::Float32, &[]), DType::Float32).unwrap();
        assert!(none.is_empty());
        let lossless = options(params(Lossless, DType::Float32, &[]), DType::Float32).unwrap();
        assert_eq!(lossless.len(), 6);
        assert_eq!(
            (
                lossless["COMPRESS"].as_str(),
                lossless["ZSTD_LEVEL_OVERVIEW"].as_str()
            ),
            ("ZSTD", "0.01")
        );
        let user = [("COMPRESS", "JPEG"), ("JPEG_QUALITY", "2")];
        let lossy = options(params(Lossy, DType::Float32, &user), DType::Float32).unwrap();
        let expected = [
            ("COMPRESS", "LERC"),
            ("COMPRESS_OVERVIEW", "LERC"),
            ("JPEG_QUALITY", "2"),
            ("MAX_Z_ERROR", "0.01"),
            ("MAX_Z_ERROR_OVERVIEW", "0.01"),
        ];
        assert!(
            lossy
                .iter()
                .map(|(key, value)| (key.as_str(), value.as_str()))
                .eq(expected)
        );
        assert!(
            options(
                params(Custom, DType::UInt8, &[("COMPRESS", "JPEG")]),
                DType::Float32
            )
            .is_ok()
        );
        let double = options(params(Lossless, DType::Float64, &[]), DType::Float32).unwrap();
        assert_eq!(
            (double["COMPRESS"].as_str(), double["MAX_Z_ERROR"].as_str()),
            ("LERC_ZSTD", "0")
        );
    }

    #[test]
    fn combinations_that_cannot_be_written_are_refused() {
        use Compression::{Custom, Lossless, Lossy, No};
        for (compression, dtype, user, text) in [
            (
                Lossy,
                DType::Complex64,
                &[][..],
                "compressionOption LOSSY not supported for data type COMPLEX64",
            ),
            (
                Lossless,
                DType::Undefined,
                &[],
                "compressionOption LOSSLESS not supported for data type UNDEFINED",
            ),
            (
                Custom,
                DType::UInt8,
                &[],
                "compression is CUSTOM, but creation_params COMPRESS is not defined",
            ),
            (
                Custom,
                DType::Float32,
                &[("COMPRESS", "JPEG")],
                "compressionOption JPEG not supported for data type FLOAT32",
            ),
            (
                Custom,
                DType::UInt8,
                &[("COMPRESS", "ZSTD")],
                "compressionOption ZSTD not supported for data type UINT8",
            ),
            (
                No,
                DType::UInt8,
                &[("FOO", "1")],
                "unknown creationParams FOO",
            ),
            (
                No,
                DType::Complex64,
                &[],
                "ConsolidationParams: DataFormats are not compatible",
            ),
        ] {
            let error = options(params(compression, dtype, user), DType::Float32).unwrap_err();
            assert_eq!(error.to_string(), text);
        }
        let wrong = ConsolidationParams {
            exponent: 0.0,
            ..params(No, DType::UInt8, &[])
        };
        assert!(options(wrong, DType::Float32).is_err());
    }
}
