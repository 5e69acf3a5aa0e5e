//! Maintenance of the catalogue.

use super::record::record_ids;
use super::required;
use crate::pb;
use app::{Limits, MappingUpdate, TidyCounts};
use domain::{DType, DataFormat, DataMapping, Error, InstanceId, Leftover, Result, ValueRange};

/// The kinds whose removal is asked for.
pub(crate) fn kinds_to_tidy(request: pb::TidyDbRequest) -> Vec<Leftover> {
    let asked = |kind: &Leftover| match kind {
        Leftover::Record => request.pending_records,
        Leftover::Aoi => request.pending_ao_is,
        Leftover::Instance => request.pending_instances,
        Leftover::Variable => request.pending_variables,
        Leftover::Container => request.pending_containers,
        Leftover::ConsolidationParams => request.pending_params,
    };
    Leftover::ALL.into_iter().filter(asked).collect()
}

/// Writes what was removed; kinds that were not asked for count 0.
pub(crate) fn tidy_counts_to(counts: &TidyCounts) -> pb::TidyDbResponse {
    let count = |kind| counts.get(&kind).copied().unwrap_or(0) as i64;
    pb::TidyDbResponse {
        nb_ao_is: count(Leftover::Aoi),
        nb_records: count(Leftover::Record),
        nb_variables: count(Leftover::Variable),
        nb_instances: count(Leftover::Instance),
        nb_containers: count(Leftover::Container),
        nb_params: count(Leftover::ConsolidationParams),
    }
}

/// Reads a mapping to give to some datasets. The sample type of the format is not looked at.
pub(crate) fn mapping_update(
    request: &pb::UpdateDatasetsRequest,
    limits: &Limits,
) -> Result<MappingUpdate> {
    let instance = InstanceId::parse(&request.instance_id)?;
    let records = record_ids(&request.record_ids, limits)?;
    let format = required("dformat", request.dformat)?;
    let format = DataFormat::try_new(
        DType::Undefined,
        format.no_data,
        format.min_value,
        format.max_value,
    )
    .map_err(|error| Error::invalid(format!("Invalid dformat {error}")))?;
    let range = ValueRange {
        min: request.real_min_value,
        max: request.real_max_value,
    };
    let mapping = DataMapping::try_new(format, range, request.exponent)
        .map_err(|error| Error::invalid(format!("Invalid data mapping: {error}")))?;
    Ok(MappingUpdate {
        instance,
        records,
        mapping,
    })
}
