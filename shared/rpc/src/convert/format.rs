//! Sample types, formats and kernels.

use crate::pb;
use domain::{DType, DataFormat, Error, Resampling, Result};

/// Reads a format; the messages name `field`.
pub(crate) fn data_format(field: &str, format: &pb::DataFormat) -> Result<DataFormat> {
    let dtype = DType::from_number(format.dtype).ok_or_else(|| {
        Error::invalid(format!(
            "Invalid {field}.dtype: {} is not in the enumeration",
            format.dtype
        ))
    })?;
    DataFormat::try_new(dtype, format.no_data, format.min_value, format.max_value)
        .map_err(|error| Error::invalid(format!("Invalid {field} {error}")))
}

/// Writes a format.
pub(crate) fn data_format_to(format: &DataFormat) -> pb::DataFormat {
    pb::DataFormat {
        dtype: format.dtype.number(),
        no_data: format.no_data,
        min_value: format.min,
        max_value: format.max,
    }
}

/// Reads a kernel; 0 is none.
pub(crate) fn resampling(number: i32) -> Result<Option<Resampling>> {
    match Resampling::from_number(number) {
        None if number != 0 => Err(Error::invalid(format!(
            "Invalid resampling_alg: {number} is not in the enumeration"
        ))),
        kernel => Ok(kernel),
    }
}

/// Reads a kernel that must be there.
pub(crate) fn required_resampling(number: i32) -> Result<Resampling> {
    resampling(number)?.ok_or_else(|| Error::invalid("Resampling algorithm cannot be undefined"))
}
