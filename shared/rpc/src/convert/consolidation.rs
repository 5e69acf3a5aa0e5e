//! Consolidation parameters and execution levels.

use super::format::{data_format, data_format_to, required_resampling};
use super::{required, variable::text};
use crate::pb;
use domain::job::ExecutionLevel;
use domain::{Compression, ConsolidationParams, Error, Result, StorageClass};

/// Reads parameters as the caller gives them.
pub(crate) fn params_from(params: Option<pb::ConsolidationParams>) -> Result<ConsolidationParams> {
    let params = required("consolidation_params", params)?;
    let format = required("consolidation_params.dformat", params.dformat)?;
    let unknown = |field: &str, number: i32| {
        Error::invalid(format!("Invalid consolidation_params.{field}: {number} is not in the enumeration"))
    };
    let creation_params = params
        .creation_params
        .into_iter()
        .map(|(key, value)| Ok((text("creation_params", key)?, text("creation_params", value)?)))
        .collect::<Result<_>>()?;
    Ok(ConsolidationParams {
        resampling: required_resampling(params.resampling_alg)?,
        format: data_format("ConsolidationParams.DFormat", &format)?,
        exponent: params.exponent,
        compression: Compression::from_number(params.compression)
            .ok_or_else(|| unknown("compression", params.compression))?,
        storage_class: StorageClass::from_number(params.storage_class)
            .ok_or_else(|| unknown("storage_class", params.storage_class))?,
        creation_params,
    })
}

/// Writes parameters, with the options that the compression sets.
pub(crate) fn params_to(params: ConsolidationParams) -> pb::ConsolidationParams {
    pb::ConsolidationParams {
        dformat: Some(data_format_to(&params.format)),
        exponent: params.exponent,
        resampling_alg: params.resampling.number(),
        compression: params.compression as i32,
        storage_class: params.storage_class as i32,
        creation_params: params.creation_params.into_iter().collect(),
        ..Default::default()
    }
}

/// Reads how a job is driven.
pub(crate) fn execution_level(number: i32) -> Result<ExecutionLevel> {
    ExecutionLevel::from_number(number)
        .ok_or_else(|| Error::invalid(format!("Invalid execution_level: {number}, expected 0 to 4")))
}
