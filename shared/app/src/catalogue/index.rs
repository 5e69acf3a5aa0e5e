//! Indexing: making files known to the catalogue.

mod arrivals;
mod formats;
pub(crate) mod present;

pub(crate) use arrivals::Arrivals;
pub(crate) use formats::Formats;

use crate::job::failure;
use crate::{App, Error, Result, traffic};
use database::dataset::{NewDataset as Indexed, NewFile};
use database::variable::InstanceFormat;
use database::{container, dataset, in_transaction};
use domain::footprint::Footprint;
use domain::{
    Bands, Container, DataFormat, DataMapping, Dataset, DatasetId, DatasetSource, DatasetStatus,
    Entity, InstanceId, RecordId, Scheme, StorageClass, Uri,
};
use imaging::{FileHeader, FileInfo};
use std::collections::HashMap;
use std::sync::Arc;

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
    /// Refuses a file that may not be read. Links are followed, on a blocking thread.
    async fn check_path(&self, uri: &Uri) -> Result<()> {
        let (app, uri) = (self.clone(), uri.clone());
        let checked = tokio::task::spawn_blocking(move || app.options().paths.check(&uri)).await;
        Ok(checked.map_err(|panic| Error::internal("looking at the path of a file", panic))??)
    }

    /// Makes a file and its datasets known: all of them or none. The same call again is a success.
    ///
    /// # Errors
    /// [`domain::Error::Invalid`] when the file cannot be read or does not hold what the request
    /// says, or a new object cannot be reached, [`domain::Error::NotFound`] for an unknown record or instance,
    /// [`domain::Error::AlreadyExists`] when other datasets refer to the same bands.
    pub async fn index(&self, mut new: NewContainer) -> Result<()> {
        let paths = &self.options().paths;
        self.check_path(&new.uri).await?;
        for dataset in &new.datasets {
            paths.check_subdir(&dataset.subdir)?;
        }
        let given = new.uri.clone();
        new.uri = self.name_of(&given).await?;
        // a file that is deleted has one name, so that no other one still refers to it
        let plain = new.uri == new.uri.canonical();
        let managed = new.managed && plain && paths.may_manage(&new.uri);
        if new.managed && !managed {
            tracing::warn!(uri = %new.uri, plain, "the container is stored as unmanaged: it is outside the ingestion storage (flag managedPaths), or its name is not the plain path");
        }
        let storage_class = self.storage_class(&new.uri).await?;
        let formats = self.checked(&new.datasets).await?;
        let NewContainer { uri, datasets, .. } = new;
        let _traffic = traffic::of("indexing");
        let indexed = self.inspect(uri.clone(), datasets).await?;
        for Indexed { dataset, .. } in &indexed {
            // the type found in the file replaces the given one, so it is compared again
            let wanted = &formats[&dataset.instance_id].format;
            check_cast(&dataset.source.mapping.format, wanted)?;
        }
        let container = Container {
            uri,
            managed,
            storage_class,
            datasets: Vec::new(),
        };
        let stored = match self.store_new(&container, &given, &indexed).await {
            Ok(true) => Ok(()),
            Ok(false) => self.store(container, &given, indexed).await,
            Err(error) => Err(error),
        };
        stored.map_err(|error| self.of_instance(error))
    }

    /// The formats of the instances of datasets, which agree with them.
    async fn checked(
        &self,
        datasets: &[NewDataset],
    ) -> Result<HashMap<InstanceId, Arc<InstanceFormat>>> {
        let ids = || datasets.iter().map(|dataset| dataset.instance_id);
        let formats = self.formats_of(ids()).await?;
        if check_all(&formats, datasets).is_ok() {
            return Ok(formats);
        }
        // what is told is what is stored now
        ids().for_each(|id| self.formats().forget(id));
        let formats = self.formats_of(ids()).await?;
        check_all(&formats, datasets)?;
        Ok(formats)
    }

    /// An error of storing datasets. An instance that is gone is forgotten here too.
    fn of_instance(&self, error: Error) -> Error {
        if let Error::Domain(domain::Error::NotFound { entity, id, .. }) = &error
            && *entity == Entity::VariableInstance
            && let Ok(id) = id.parse()
        {
            self.formats().forget(id);
        }
        error
    }

    /// The one name of a file in the catalogue. A local file that is stored under another one is met when it is stored
    /// again: most are new, and nothing is to be asked for them.
    async fn name_of(&self, uri: &Uri) -> Result<Uri> {
        let canonical = uri.canonical();
        if uri.scheme() == Scheme::File || *uri == canonical {
            return Ok(canonical);
        }
        let mut connection = self.database().read().await?;
        Ok(container::name_of(&mut connection, uri).await?)
    }

    /// Cost class of a file that is to be stored: only Google's objects tell one. That of a stored file stays as it was.
    async fn storage_class(&self, uri: &Uri) -> Result<StorageClass> {
        if uri.scheme() != Scheme::Gs || self.is_known(uri).await? {
            return Ok(StorageClass::Standard);
        }
        match self.storage().head(uri).await {
            Ok(attributes) => Ok(class_of(uri, attributes)?),
            Err(error) if error.is_retryable() => {
                Err(Error::unavailable("the storage of the container", error))
            }
            Err(error) => {
                let reason = failure::text(&error);
                Err(Error::invalid(format!("{uri} is not reachable: {reason}")))
            }
        }
    }

    async fn is_known(&self, uri: &Uri) -> Result<bool> {
        let mut connection = self.database().read().await?;
        let known = container::known(&mut connection, std::slice::from_ref(uri)).await?;
        Ok(!known.is_empty())
    }

    /// Stores a file that is not known so far. Answers false, having stored nothing, for any other.
    async fn store_new(
        &self,
        container: &Container,
        given: &Uri,
        indexed: &[Indexed],
    ) -> Result<bool> {
        let mut agreed = container.clone().additions();
        let mut added = Vec::with_capacity(indexed.len());
        for new in indexed {
            match agreed.add(new.dataset.clone()) {
                Ok(true) => added.push(new.clone()),
                Ok(false) => {}
                // what is stored counts first in what is told of a conflict
                Err(_) => return Ok(false),
            }
        }
        let file = NewFile {
            container: container.clone(),
            given: given.clone(),
            datasets: added,
        };
        if !self.options().paths.may_manage(&container.uri.canonical()) || file.datasets.is_empty()
        {
            return self.store_arrival(file).await;
        }
        let mut tx = self.database().begin().await?;
        present::keep(self, &mut tx, &container.uri).await?;
        match dataset::insert_with_container(&mut tx, file).await {
            Err(error) if error.is_conflict() => Ok(false),
            result => {
                let created = result?;
                tx.commit().await?;
                Ok(created)
            }
        }
    }

    /// Stores the datasets that a file does not have yet.
    async fn store(&self, container: Container, given: &Uri, indexed: Vec<Indexed>) -> Result<()> {
        in_transaction(self.database(), |tx| {
            let (app, given) = (self.clone(), given.clone());
            let (mut new, mut indexed) = (container.clone(), indexed.clone());
            Box::pin(async move {
                if given.scheme() == Scheme::File {
                    new.uri = container::name_of(tx, &given).await?;
                    for Indexed { dataset, .. } in &mut indexed {
                        dataset.source.uri = new.uri.clone();
                    }
                }
                if !indexed.is_empty() {
                    present::keep(&app, tx, &new.uri).await?;
                }
                let container =
                    container::lock_or_create(tx, &new.uri, new.managed, new.storage_class).await?;
                let mut container = container.additions();
                let mut added = Vec::new();
                for new in indexed {
                    if container.add(new.dataset.clone())? {
                        added.push(new);
                    }
                }
                Ok(dataset::insert(tx, &added).await?)
            })
        })
        .await
    }

    /// Looks at the file on a blocking thread, once its beginning is here.
    async fn inspect(&self, uri: Uri, datasets: Vec<NewDataset>) -> Result<Vec<Indexed>> {
        if datasets.is_empty() {
            return Ok(Vec::new());
        }
        if uri.scheme() != Scheme::File {
            imaging::begin(vec![uri.clone()]).await;
        }
        self.engine().run(move |_| inspect(&uri, &datasets)).await
    }
}

/// Opens each sub-dataset of the file once, one after the other, and computes its footprint once. Of several failures
/// the first in the order of the request is told.
fn inspect(uri: &Uri, datasets: &[NewDataset]) -> Result<Vec<Indexed>> {
    let mut indexed: Vec<Option<Indexed>> = vec![None; datasets.len()];
    let mut failed: Option<(usize, Error)> = None;
    for positions in by_subdir(datasets) {
        if failed.as_ref().is_some_and(|(at, _)| *at < positions[0]) {
            break;
        }
        let first = positions[0];
        let header = match FileHeader::open(uri, &datasets[first].subdir) {
            Ok(header) => header,
            Err(error) => {
                failed = Some((first, error.into()));
                continue;
            }
        };
        let mut placed = None;
        for at in positions {
            match describe(uri, &datasets[at], &header, &mut placed) {
                Ok(found) => indexed[at] = Some(found),
                Err(error) => {
                    failed = failed
                        .filter(|(first, _)| *first < at)
                        .or(Some((at, error)));
                    break;
                }
            }
        }
    }
    match failed {
        Some((_, error)) => Err(error),
        None => Ok(indexed.into_iter().flatten().collect()),
    }
}

/// Positions of the datasets of each sub-dataset, in the order of the request.
fn by_subdir(datasets: &[NewDataset]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut group_of: HashMap<&str, usize> = HashMap::new();
    for (at, dataset) in datasets.iter().enumerate() {
        let group = *group_of.entry(&dataset.subdir).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[group].push(at);
    }
    groups
}

fn describe(
    uri: &Uri,
    dataset: &NewDataset,
    header: &FileHeader,
    placed: &mut Option<Footprint>,
) -> Result<Indexed> {
    let info = header.info(&dataset.bands)?;
    let footprint = match placed {
        Some(footprint) => footprint,
        None => placed.insert(footprint(&info)?),
    };
    indexed_dataset(uri, dataset, &info, footprint)
}

/// Area of a raster on the globe: the bounding rectangle of its four corners.
fn footprint(info: &FileInfo) -> Result<Footprint> {
    let shape = info.transform.extent(info.size).ring().into();
    Ok(Footprint::of_shape(&shape, info.crs.srid(), &info.crs)?)
}

fn indexed_dataset(
    uri: &Uri,
    new: &NewDataset,
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
            subdir: new.subdir.clone(),
            bands: new.bands.clone(),
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

/// Checks one dataset after the other: the first that does not fit is told.
fn check_all(
    formats: &HashMap<InstanceId, Arc<InstanceFormat>>,
    datasets: &[NewDataset],
) -> domain::Result<()> {
    for dataset in datasets {
        let id = dataset.instance_id;
        let format = formats
            .get(&id)
            .ok_or_else(|| domain::Error::not_found(Entity::VariableInstance, "id", id))?;
        check_against(format, dataset)?;
    }
    Ok(())
}

fn check_against(wanted: &InstanceFormat, dataset: &NewDataset) -> domain::Result<()> {
    let mapping = &dataset.mapping;
    if dataset.bands.count() != wanted.bands {
        return Err(domain::Error::invalid(format!(
            "Wrong number of bands in dataset: found {}, expected {} for the variable {}",
            dataset.bands.count(),
            wanted.bands,
            wanted.variable
        )));
    }
    check_cast(&mapping.format, &wanted.format)?;
    let (range, wanted) = (mapping.range, wanted.format);
    if range.min >= wanted.max || range.max <= wanted.min {
        return Err(domain::Error::invalid(format!(
            "Range of external values [{}, {}] does not intersect the range of the variable [{}, {}]",
            range.min, range.max, wanted.min, wanted.max
        )));
    }
    Ok(())
}

/// Cost class of an object, as far as there is one of ours.
fn class_of(uri: &Uri, told: storage::Attributes) -> domain::Result<StorageClass> {
    match told.unknown_class {
        None => Ok(told.storage_class.unwrap_or_default()),
        Some(class) => Err(domain::Error::invalid(format!(
            "Invalid storage class of {uri}: {class}, expected STANDARD, REGIONAL, NEARLINE, COLDLINE or ARCHIVE"
        ))),
    }
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

#[cfg(test)]
mod tests;
