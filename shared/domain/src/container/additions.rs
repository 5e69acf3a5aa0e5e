//! Datasets that are added to a container.

use super::Container;
use crate::{Dataset, DatasetStatus, Entity, Error, Result};
use std::collections::HashMap;

/// A container to which datasets are added, each checked against those that are there: in the time that the new one takes,
/// however many there are.
#[derive(Clone, Debug)]
pub struct Additions {
    container: Container,
    /// The first dataset of each sub-dataset and band.
    first: HashMap<String, HashMap<i16, usize>>,
    /// The first dataset that is not active.
    inactive: Option<usize>,
}

impl Additions {
    pub(super) fn to(container: Container) -> Self {
        let inactive = |dataset: &Dataset| dataset.status != DatasetStatus::Active;
        let mut additions = Self {
            first: HashMap::new(),
            inactive: container.datasets.iter().position(inactive),
            container,
        };
        for at in 0..additions.container.datasets.len() {
            additions.note(at);
        }
        additions
    }

    /// Adds a dataset next to those that are there. Answers as [`Self::admits`].
    ///
    /// # Errors
    /// As [`Self::admits`].
    pub fn add(&mut self, new: Dataset) -> Result<bool> {
        let is_new = self.admits(&new)?;
        if is_new {
            let at = self.container.datasets.len();
            if new.status != DatasetStatus::Active {
                self.inactive = self.inactive.or(Some(at));
            }
            self.container.datasets.push(new);
            self.note(at);
        }
        Ok(is_new)
    }

    /// Whether a dataset would be new: an identical one that is there already makes the call a success without effect.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`] when the container has a dataset that is not active, or another one
    /// over one of the bands of the same sub-dataset.
    pub fn admits(&self, new: &Dataset) -> Result<bool> {
        let datasets = &self.container.datasets;
        if let Some(at) = self.inactive {
            let status = datasets[at].status.name();
            return Err(conflict(
                new,
                status.to_owned(),
                &format!("with the status {status}"),
            ));
        }
        let Some(first) = self.first.get(&new.source.subdir) else {
            return Ok(true);
        };
        let bands = new.source.bands.numbers().iter();
        let Some(at) = bands.filter_map(|band| first.get(band)).min() else {
            return Ok(true);
        };
        match difference(&datasets[*at], new) {
            None => Ok(false),
            Some(reason) => {
                let id = format!("{}/{}", new.source.subdir, new.source.bands);
                Err(conflict(new, id, &reason))
            }
        }
    }

    fn note(&mut self, at: usize) {
        let source = &self.container.datasets[at].source;
        let first = self.first.entry(source.subdir.clone()).or_default();
        for band in source.bands.numbers() {
            first.entry(*band).or_insert(at);
        }
    }
}

/// First difference between two datasets of the same bands, `None` when they are the same.
fn difference(present: &Dataset, new: &Dataset) -> Option<String> {
    if present.record_id != new.record_id {
        Some(format!("of another record ({})", present.record_id))
    } else if present.instance_id != new.instance_id {
        Some(format!("of another instance ({})", present.instance_id))
    } else if present.source.mapping != new.source.mapping {
        Some("with another datamapping".to_owned())
    } else if present.status != new.status {
        Some(format!(
            "with a different internal status ({})",
            present.status.name()
        ))
    } else if present.source.bands != new.source.bands {
        Some("with a different set of bands".to_owned())
    } else if present.overviews != new.overviews {
        Some("with different overviews".to_owned())
    } else if present.srid != new.srid || present.shape != new.shape {
        Some("with different shape".to_owned())
    } else {
        None
    }
}

fn conflict(new: &Dataset, id: String, reason: &str) -> Error {
    let source = &new.source;
    let text = format!(
        "A dataset {reason} already refers to the container {}, the subdir '{}' and one of the bands among: {}",
        source.uri, source.subdir, source.bands
    );
    Error::AlreadyExists {
        entity: Entity::LockedDataset,
        id,
        text,
    }
}

#[cfg(test)]
mod tests {
    use super::{Additions, Container};
    use crate::{
        Bands, DType, DataFormat, DataMapping, Dataset, DatasetId, DatasetSource, DatasetStatus,
        Error, InstanceId, MultiPolygon, RecordId, StorageClass, Uri,
    };

    fn dataset(bands: &[i64]) -> Dataset {
        let format = DataFormat::try_new(DType::UInt8, f64::NAN, 0.0, 255.0).unwrap();
        Dataset {
            id: DatasetId::new(),
            record_id: RecordId::new(),
            instance_id: InstanceId::new(),
            source: DatasetSource {
                uri: Uri::parse("/a.tif").unwrap(),
                subdir: String::new(),
                bands: Bands::try_new(bands).unwrap(),
                mapping: DataMapping::identity(format),
            },
            status: DatasetStatus::Active,
            overviews: false,
            shape: MultiPolygon::default(),
            srid: 32631,
        }
    }

    fn container(datasets: Vec<Dataset>) -> Additions {
        let container = Container {
            uri: Uri::parse("/a.tif").unwrap(),
            managed: false,
            storage_class: StorageClass::Standard,
            datasets,
        };
        container.additions()
    }

    #[test]
    fn the_same_dataset_again_changes_nothing() {
        let first = dataset(&[1]);
        let mut container = container(vec![first.clone()]);
        assert!(
            !container
                .add(Dataset {
                    id: DatasetId::new(),
                    ..first
                })
                .unwrap()
        );
        assert_eq!(container.container.datasets.len(), 1);
    }

    #[test]
    fn other_bands_and_other_directories_stand_side_by_side() {
        let first = dataset(&[1]);
        let mut container = container(vec![first.clone()]);
        assert!(container.add(dataset(&[2, 3])).unwrap());
        let mut directory = first;
        directory.source.subdir = "GTIFF_DIR:1".to_owned();
        assert!(container.add(directory).unwrap());
        assert_eq!(container.container.datasets.len(), 3);
    }

    #[test]
    fn a_conflict_names_the_first_difference() {
        let first = dataset(&[1, 2]);
        let mut exponent = first.clone();
        exponent.source.mapping.exponent = 2.0;
        let mut subset = first.clone();
        subset.source.bands = Bands::try_new(&[2]).unwrap();
        let other = |id| Dataset {
            record_id: id,
            ..first.clone()
        };
        for (new, reason) in [
            (
                other(RecordId::new()),
                format!(
                    "A dataset of another record ({}) already refers",
                    first.record_id
                ),
            ),
            (
                Dataset {
                    instance_id: InstanceId::new(),
                    ..first.clone()
                },
                format!(
                    "A dataset of another instance ({}) already refers",
                    first.instance_id
                ),
            ),
            (
                exponent,
                "A dataset with another datamapping already refers".to_owned(),
            ),
            (
                subset,
                "A dataset with a different set of bands already refers".to_owned(),
            ),
            (
                Dataset {
                    overviews: true,
                    ..first.clone()
                },
                "A dataset with different overviews already refers".to_owned(),
            ),
            (
                Dataset {
                    srid: 0,
                    ..first.clone()
                },
                "A dataset with different shape already refers".to_owned(),
            ),
        ] {
            let Err(Error::AlreadyExists { id, text, .. }) =
                container(vec![first.clone()]).add(new)
            else {
                panic!("no conflict for {reason}");
            };
            assert!(text.starts_with(&reason), "{text}");
            assert!(id == "/1-2" || id == "/2", "{id}");
        }
    }

    #[test]
    fn nothing_is_added_beside_a_dataset_that_goes_away() {
        let leaving = Dataset {
            status: DatasetStatus::ToDelete,
            ..dataset(&[1])
        };
        let Err(Error::AlreadyExists { id, text, .. }) =
            container(vec![leaving]).add(dataset(&[5]))
        else {
            panic!("added beside a dataset to delete");
        };
        assert_eq!(id, "TODELETE");
        assert_eq!(
            text,
            "A dataset with the status TODELETE already refers to the container /a.tif, the subdir '' and one of the bands among: 5"
        );
    }

    #[test]
    fn the_first_of_several_datasets_on_the_bands_is_told() {
        let (one, two) = (dataset(&[1, 2]), dataset(&[3]));
        let first = format!("A dataset of another record ({})", one.record_id);
        let mut container = container(vec![one, two]);
        let Err(Error::AlreadyExists { text, .. }) = container.add(dataset(&[3, 2])) else {
            panic!("no conflict");
        };
        assert!(text.starts_with(&first), "{text}");
        // and one that was just added counts like the others
        let third = dataset(&[4]);
        assert!(container.add(third.clone()).unwrap());
        assert!(!container.admits(&third).unwrap());
        assert!(container.admits(&dataset(&[4])).is_err());
    }

    #[test]
    fn as_many_datasets_as_a_request_may_have_are_added_one_by_one() {
        let mut container = container(Vec::new());
        for band in 1..=i64::from(i16::MAX) {
            assert!(container.add(dataset(&[band])).unwrap());
        }
        assert!(container.admits(&dataset(&[1])).is_err());
    }
}
