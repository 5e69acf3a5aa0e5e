//! Indexing: making files known to the catalogue.

use crate::{App, Error, Result};
use database::dataset::NewDataset as Indexed;
use database::{container, dataset, in_transaction, variable};
use domain::footprint::Footprint;
use domain::{
    Bands, DataFormat, DataMapping, Dataset, DatasetId, DatasetSource, DatasetStatus, InstanceId,
    RecordId, StorageClass, Uri, Variable,
};
use imaging::FileInfo;
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};

/// A file to index.
#[derive(Clone, Debug)]
pub struct NewContainer {
    /// Location.
    pub uri: Uri,
    /// Whether the service owns the file.
    pub managed: bool,
    /// What to index of it; none registers the file alone.
    pub datasets: Vec<NewDataset>,
}

/// An image of a file to index.
#[derive(Clone, Debug)]
pub struct NewDataset {
    /// Data-take that it belongs to.
    pub record_id: RecordId,
    /// Flavour of the variable that it holds.
    pub instance_id: InstanceId,
    /// Sub-dataset prefix, empty for the file itself.
    pub subdir: String,
    /// Bands, in the order of the variable.
    pub bands: Bands,
    /// Encoding of the samples; the type of the file replaces the one given.
    pub mapping: DataMapping,
}

impl App {
    /// Makes a file and its datasets known: all of them or none. The same call again is a success.
    ///
    /// # Errors
    /// [`domain::Error::Invalid`] when the file cannot be read or does not hold what the request
    /// says, [`domain::Error::NotFound`] for an unknown record or instance,
    /// [`domain::Error::AlreadyExists`] when other datasets refer to the same bands.
    pub async fn index(&self, new: NewContainer) -> Result<()> {
        let paths = &self.options().paths;
        paths.check(&new.uri)?;
        for dataset in &new.datasets {
            paths.check_subdir(&dataset.subdir)?;
        }
        // a file that is deleted has one name, so that no other one still refers to it
        let plain = new.uri == new.uri.canonical();
        let managed = new.managed && plain && paths.may_manage(&new.uri);
        if new.managed && !managed {
            tracing::warn!(uri = %new.uri, plain, "the container is stored as unmanaged: it is outside the ingestion storage (flag managedPaths), or its name is not the plain path");
        }
        self.check_variables(&new.datasets).await?;
        let NewContainer { uri, datasets, .. } = new;
        let indexed = self.inspect(uri.clone(), datasets).await?;
        self.check_types(&indexed).await?;
        Ok(in_transaction(self.database(), |tx| {
            let (uri, indexed) = (uri.clone(), indexed.clone());
            Box::pin(async move {
                let mut container =
                    container::lock_or_create(tx, &uri, managed, StorageClass::Standard).await?;
                let mut added = Vec::new();
                for new in indexed {
                    if container.add(new.dataset.clone())? {
                        added.push(new);
                    }
                }
                dataset::insert(tx, &added).await
            })
        })
        .await?)
    }

    /// Checks the datasets against their variables, before any file is opened.
    async fn check_variables(&self, datasets: &[NewDataset]) -> Result<()> {
        let variables = self
            .variables_of(datasets.iter().map(|dataset| dataset.instance_id))
            .await?;
        for dataset in datasets {
            let variable = &variables[&dataset.instance_id];
            check_against(variable, dataset)?;
        }
        Ok(())
    }

    /// The type found in the file replaces the given one, so it is compared again.
    async fn check_types(&self, indexed: &[Indexed]) -> Result<()> {
        let variables = self
            .variables_of(indexed.iter().map(|indexed| indexed.dataset.instance_id))
            .await?;
        for Indexed { dataset, .. } in indexed {
            let format = &variables[&dataset.instance_id].definition.format;
            check_cast(&dataset.source.mapping.format, format)?;
        }
        Ok(())
    }

    /// Variables by instance, in the order in which the first unknown one is reported.
    async fn variables_of(
        &self,
        ids: impl Iterator<Item = InstanceId>,
    ) -> Result<HashMap<InstanceId, Variable>> {
        let ids: BTreeSet<InstanceId> = ids.collect();
        let ids: Vec<InstanceId> = ids.into_iter().collect();
        let mut connection = self.database().read().await?;
        let variables = variable::get_by_instances(&mut connection, &ids).await?;
        match ids.iter().find(|id| !variables.contains_key(id)) {
            Some(id) => {
                Err(domain::Error::not_found(domain::Entity::VariableInstance, "id", id).into())
            }
            None => Ok(variables),
        }
    }

    /// Opens each sub-dataset of the file once for each set of bands, and computes the footprints.
    async fn inspect(&self, uri: Uri, datasets: Vec<NewDataset>) -> Result<Vec<Indexed>> {
        if datasets.is_empty() {
            return Ok(Vec::new());
        }
        self.engine()
            .run(move |_| {
                let mut files: HashMap<(String, Bands), (FileInfo, Footprint)> = HashMap::new();
                let mut indexed = Vec::with_capacity(datasets.len());
                for dataset in datasets {
                    let (info, footprint) =
                        match files.entry((dataset.subdir.clone(), dataset.bands.clone())) {
                            Entry::Occupied(file) => file.into_mut(),
                            Entry::Vacant(file) => {
                                let info = imaging::inspect(&uri, &dataset.subdir, &dataset.bands)?;
                                let footprint = footprint(&info)?;
                                file.insert((info, footprint))
                            }
                        };
                    indexed.push(indexed_dataset(&uri, dataset, info, footprint)?);
                }
                Ok(indexed)
            })
            .await
    }
}

/// Area of a raster on the globe: the bounding rectangle of its four corners.
fn footprint(info: &FileInfo) -> Result<Footprint> {
    let shape = info.transform.extent(info.size).ring().into();
    Ok(Footprint::of_shape(&shape, info.crs.srid(), &info.crs)?)
}

fn indexed_dataset(
    uri: &Uri,
    new: NewDataset,
    info: &FileInfo,
    footprint: &Footprint,
) -> Result<Indexed> {
    let DataMapping {
        format,
        range,
        exponent,
    } = new.mapping;
    let format = DataFormat::try_new(info.dtype, format.no_data, format.min, format.max)
        .map_err(|error| Error::invalid(format!("Invalid Dataset.DFormat ({error})")))?;
    let dataset = Dataset {
        id: DatasetId::new(),
        record_id: new.record_id,
        instance_id: new.instance_id,
        source: DatasetSource {
            uri: uri.clone(),
            subdir: new.subdir,
            bands: new.bands,
            mapping: DataMapping {
                format,
                range,
                exponent,
            },
        },
        status: DatasetStatus::Active,
        overviews: info.overviews,
        shape: footprint.shape.clone(),
        srid: footprint.srid,
    };
    Ok(Indexed {
        dataset,
        geom: footprint.geom.clone(),
        geog: footprint.geog.clone(),
    })
}

fn check_against(variable: &Variable, dataset: &NewDataset) -> domain::Result<()> {
    let (definition, mapping) = (&variable.definition, &dataset.mapping);
    if dataset.bands.count() != definition.bands.len() {
        return Err(domain::Error::invalid(format!(
            "Wrong number of bands in dataset: found {}, expected {} for the variable {}",
            dataset.bands.count(),
            definition.bands.len(),
            definition.name
        )));
    }
    check_cast(&mapping.format, &definition.format)?;
    let (range, wanted) = (mapping.range, definition.format);
    if range.min >= wanted.max || range.max <= wanted.min {
        return Err(domain::Error::invalid(format!(
            "Range of external values [{}, {}] does not intersect the range of the variable [{}, {}]",
            range.min, range.max, wanted.min, wanted.max
        )));
    }
    Ok(())
}

fn check_cast(from: &DataFormat, to: &DataFormat) -> domain::Result<()> {
    if from.dtype.casts_to(to.dtype) {
        return Ok(());
    }
    Err(domain::Error::invalid(format!(
        "Invalid Dataset.DFormat: the data type {} cannot be converted to {}, that of the variable",
        from.dtype, to.dtype
    )))
}
