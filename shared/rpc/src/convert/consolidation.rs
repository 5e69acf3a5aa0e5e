//! Consolidation parameters and execution levels.

use super::format::{data_format, data_format_to, required_resampling};
use super::record::{filters_from, record_ids};
use super::{job_name, required, text};
use crate::pb;
use app::Limits;
use app::job::NewConsolidation;
use domain::job::ExecutionLevel;
use domain::{
    Compression, ConsolidationParams, Error, InstanceId, RecordFilters, RecordId, RecordSelection,
    Result, StorageClass,
};

/// Reads parameters as the caller gives them.
pub(crate) fn params_from(params: Option<pb::ConsolidationParams>) -> Result<ConsolidationParams> {
    let params = required("consolidation_params", params)?;
    let format = required("consolidation_params.dformat", params.dformat)?;
    let unknown = |field: &str, number: i32| {
        Error::invalid(format!(
            "Invalid consolidation_params.{field}: {number} is not in the enumeration"
        ))
    };
    let creation_params = params
        .creation_params
        .into_iter()
        .map(|(key, value)| {
            Ok((
                text("creation_params", key)?,
                text("creation_params", value)?,
            ))
        })
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

/// Reads a consolidation to start.
pub(crate) fn new_consolidation(
    request: pb::ConsolidateRequest,
    limits: &Limits,
) -> Result<NewConsolidation> {
    use pb::consolidate_request::RecordsLister;
    let selection = match request.records_lister {
        Some(RecordsLister::Records(list)) => RecordSelection::Ids(record_ids(&list.ids, limits)?),
        Some(RecordsLister::Filters(filters)) => {
            RecordSelection::Filters(filters_from(Some(filters), limits)?)
        }
        None => RecordSelection::Filters(RecordFilters::default()),
    };
    let instance_id = InstanceId::parse(&request.instance_id)?;
    let collapse = Some(request.collapse_on_record_id).filter(|id| !id.is_empty());
    let collapse = collapse.map(|id| RecordId::parse(&id)).transpose()?;
    let level = execution_level(request.execution_level)?;
    if selection == RecordSelection::Ids(Vec::new()) {
        return Err(Error::invalid("At least one record must be provided"));
    }
    let (name, layout) = (
        job_name(request.job_name)?,
        text("layout_name", request.layout_name)?,
    );
    Ok(NewConsolidation {
        name,
        instance_id,
        selection,
        layout,
        level,
        collapse,
    })
}

/// Reads how a job is driven.
pub(crate) fn execution_level(number: i32) -> Result<ExecutionLevel> {
    ExecutionLevel::from_number(number).ok_or_else(|| {
        Error::invalid(format!(
            "Invalid execution_level: {number}, expected 0 to 4"
        ))
    })
}
