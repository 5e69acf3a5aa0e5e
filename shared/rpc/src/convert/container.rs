//! Containers and datasets.

use super::format::{data_format, data_format_to};
use super::required;
use crate::pb;
use app::{Limits, NewContainer, NewDataset};
use domain::{
    Bands, Container, DataMapping, Dataset, DatasetSource, Error, InstanceId, RecordId, Result,
    Uri, ValueRange,
};

/// Longest address of a container, in bytes: the unique index of the database holds little more.
const LONGEST_URI: usize = 2048;

/// Reads a container to index.
pub(crate) fn new_container(
    container: Option<pb::Container>,
    limits: &Limits,
) -> Result<NewContainer> {
    let container = required("container", container)?;
    Limits::check(
        "datasets in one request (maxRecords)",
        container.datasets.len() as u64,
        limits.records_per_request as u64,
    )?;
    let datasets = container
        .datasets
        .into_iter()
        .map(new_dataset)
        .collect::<Result<_>>()?;
    let bytes = container.uri.len();
    if bytes > LONGEST_URI {
        return Err(Error::invalid(format!(
            "Invalid Container.uri: {bytes} bytes, expected at most {LONGEST_URI}"
        )));
    }
    let uri = Uri::parse(&container.uri)?;
    Ok(NewContainer {
        uri,
        managed: container.managed,
        datasets,
    })
}

fn new_dataset(dataset: pb::Dataset) -> Result<NewDataset> {
    let record_id = RecordId::parse(&dataset.record_id)
        .map_err(|_| Error::invalid(format!("Invalid record id: {:.64}", dataset.record_id)))?;
    let instance_id = InstanceId::parse(&dataset.instance_id)
        .map_err(|_| Error::invalid(format!("Invalid instance id: {:.64}", dataset.instance_id)))?;
    let format = data_format(
        "Dataset.DFormat",
        &required("Dataset.dformat", dataset.dformat)?,
    )?;
    let range = ValueRange {
        min: dataset.real_min_value,
        max: dataset.real_max_value,
    };
    let mapping = DataMapping::try_new(format, range, dataset.exponent).map_err(|error| {
        Error::invalid(format!("Invalid Dataset.DataMapping ({format}): {error}"))
    })?;
    let bands = Bands::try_new(&dataset.bands)?;
    Ok(NewDataset {
        record_id,
        instance_id,
        subdir: dataset.container_subdir,
        bands,
        mapping,
    })
}

/// Writes a container with its datasets of every status.
pub(crate) fn container_to(container: Container) -> pb::Container {
    pb::Container {
        uri: container.uri.to_string(),
        managed: container.managed,
        datasets: container.datasets.into_iter().map(dataset_to).collect(),
    }
}

fn dataset_to(dataset: Dataset) -> pb::Dataset {
    let mapping = dataset.source.mapping;
    pb::Dataset {
        record_id: dataset.record_id.to_string(),
        instance_id: dataset.instance_id.to_string(),
        container_subdir: dataset.source.subdir,
        bands: numbers(&dataset.source.bands),
        dformat: Some(data_format_to(&mapping.format)),
        real_min_value: mapping.range.min,
        real_max_value: mapping.range.max,
        exponent: mapping.exponent,
    }
}

/// Reads a source of a slice.
pub(crate) fn dataset_source(source: pb::InternalMeta) -> Result<DatasetSource> {
    let format = data_format(
        "InternalMeta.dformat",
        &required("InternalMeta.dformat", source.dformat)?,
    )?;
    let range = ValueRange {
        min: source.range_min,
        max: source.range_max,
    };
    let mapping = DataMapping::try_new(format, range, source.exponent)
        .map_err(|error| Error::invalid(format!("Invalid InternalMeta ({format}): {error}")))?;
    Ok(DatasetSource {
        uri: Uri::parse(source.container_uri)?,
        subdir: source.container_subdir,
        bands: Bands::try_new(&source.bands)?,
        mapping,
    })
}

/// Writes the sources of one slice.
pub(crate) fn dataset_meta_to(sources: &[DatasetSource]) -> pb::DatasetMeta {
    let internal = |source: &DatasetSource| pb::InternalMeta {
        container_uri: source.uri.to_string(),
        container_subdir: source.subdir.clone(),
        bands: numbers(&source.bands),
        dformat: Some(data_format_to(&source.mapping.format)),
        range_min: source.mapping.range.min,
        range_max: source.mapping.range.max,
        exponent: source.mapping.exponent,
    };
    pb::DatasetMeta {
        internals_meta: sources.iter().map(internal).collect(),
    }
}

fn numbers(bands: &Bands) -> Vec<i64> {
    bands
        .numbers()
        .iter()
        .map(|band| i64::from(*band))
        .collect()
}
